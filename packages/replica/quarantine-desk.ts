/**
 * What an operator does with what was set aside: looks at it, has it judged again, or gives it up.
 *
 *     retry   judged again, as if it had just come: a later version, a repaired parent or a rebuilt
 *             document may take it now. What is still bad stays, with the reason of today
 *     drop    of an entry: its place in the log becomes VOID, so that the lane's frontier passes it and
 *             coverage is no longer held back. Regions that hold the change bring it back by
 *             anti-entropy: what is dropped here is not lost by accident
 *             of a document: the record goes. The document keeps its last good view, refuses writes, and
 *             is tried again by every scrub, which files a new record if it must
 *
 * Answers wait until what they say is durable.
 */
import type { LogEntry } from "@atoll/core";
import { isAtollError, limits, originRegion, originText, regionByCode, toHex } from "@atoll/core";
import type { QuarantineRecord, QuarantineSummary } from "@atoll/store";
import type { GroupCommit } from "./group-commit.ts";
import { contentOf } from "./quarantine-bytes.ts";
import type { Replica } from "./replica.ts";

/** A record as it is shown; null where nothing is known. */
export interface ShownRecord {
  readonly id: number;
  readonly at: string;
  readonly reason: string;
  /** Who sent it; null for what failed here. */
  readonly fromRegion: string | null;
  /** Whose entry it is. */
  readonly region: string | null;
  readonly shard: number | null;
  readonly origin: string | null;
  readonly seq: number | null;
  readonly docId: string;
  readonly profileId: string | null;
  readonly hash: string | null;
  readonly size: number;
}

export interface RetryAnswer {
  readonly id: number;
  readonly outcome: "released" | "waiting" | "quarantined";
  readonly reason: string | null;
}

export class QuarantineDesk {
  readonly #replica: Replica;
  readonly #group: GroupCommit;

  constructor(rooms: { readonly replica: Replica; readonly group: GroupCommit }) {
    this.#replica = rooms.replica;
    this.#group = rooms.group;
  }

  /** Newest first. */
  list(limit: number): { readonly total: number; readonly entries: readonly ShownRecord[] } {
    const { store } = this.#replica;
    const entries = store.summarizeQuarantine(limit).map((summary) => this.#shown(summary));
    return { total: store.countQuarantine(), entries };
  }

  /** The bytes are the change's, or a document's tail, in base64. */
  show(id: number): (ShownRecord & { readonly bytes: string }) | undefined {
    const record = this.#replica.store.readQuarantine(id);
    if (record === undefined) return undefined;
    const content = contentOf(record);
    const bytes = content?.kind === "entry" ? content.entry.change : content?.tail;
    const shown = this.#shown({ ...record, size: record.bytes.length });
    return { ...shown, bytes: Buffer.from(bytes ?? record.bytes).toString("base64") };
  }

  async retry(id: number): Promise<RetryAnswer | undefined> {
    const answer = this.#group.stage(() => this.#retry(id));
    await this.#group.durable();
    return answer;
  }

  /** False when there is no such record. */
  async drop(id: number): Promise<boolean> {
    const isDropped = this.#group.stage(() => this.#drop(id));
    await this.#group.durable();
    return isDropped;
  }

  #retry(id: number): RetryAnswer | undefined {
    const { store, group, quarantine } = this.#replica;
    const record = store.readQuarantine(id);
    if (record === undefined) return undefined;
    group.open();
    const content = contentOf(record);
    if (content === undefined) return quarantined(id, "the record itself is damaged");
    const answer =
      content.kind === "entry"
        ? this.#retryEntry(record, content.entry)
        : this.#retryDocument(record);
    if (answer.outcome !== "quarantined") quarantine.remove(id);
    return answer;
  }

  #retryEntry(record: QuarantineRecord, entry: LogEntry): RetryAnswer {
    const { id } = record;
    const { ledger, intake, arrivals, quarantine, waitingRoom } = this.#replica;
    if (ledger.frontier.find(entry)?.has(entry.seq) === true) {
      return { id, outcome: "released", reason: "its place in the log is held" };
    }
    const judgement = intake.judge(entry);
    if (judgement.kind === "waiting") {
      waitingRoom.add(entry, judgement.missing);
      return { id, outcome: "waiting", reason: `for ${toHex(judgement.missing)}` };
    }
    const refusal = judgement.kind === "bad" ? judgement.reason : arrivals.refusal(judgement.sound);
    if (refusal !== undefined) {
      quarantine.renew(record, entry, refusal);
      return quarantined(id, refusal);
    }
    if (judgement.kind === "sound") arrivals.take(judgement.sound);
    return { id, outcome: "released", reason: null };
  }

  #retryDocument(record: QuarantineRecord): RetryAnswer {
    const { id, docId, reason } = record;
    const row = this.#replica.renderer.retry(this.#replica.placeOf(docId));
    if (row?.quarantined === true) return quarantined(id, reason);
    return { id, outcome: "released", reason: null };
  }

  #drop(id: number): boolean {
    const { store, group, quarantine } = this.#replica;
    const record = store.readQuarantine(id);
    if (record === undefined) return false;
    group.open();
    const content = contentOf(record);
    if (content?.kind === "entry") this.#voidPlace(content.entry);
    quarantine.remove(id);
    return true;
  }

  /** Only a place that somebody can be waiting for: nobody moves a frontier by sending nonsense. */
  #voidPlace(entry: LogEntry): void {
    const { store, ledger, cluster, group, origin, waitingRoom } = this.#replica;
    const lane = ledger.frontier.find(entry);
    const isOurs = regionByCode(cluster, originRegion(entry.origin)) !== undefined;
    const isNear = entry.seq <= (lane?.max ?? 0) + limits.QUARANTINE_ENTRIES_MAX;
    if (lane?.has(entry.seq) === true || entry.origin === origin) return;
    if (!isOurs || !isNear || entry.shard >= cluster.shardCount) return;
    store.removeLogEntry(entry, entry.seq); // the mark of a lost one
    waitingRoom.drop(entry);
    const hlc = Math.max(1, entry.hlc) as LogEntry["hlc"]; // zero is the mark of a lost one
    store.appendVoid(entry, { docId: entry.docId, hlc });
    ledger.hold(entry);
    group.add(entry, false); // its lane has moved: peers are told
  }

  #shown(record: QuarantineSummary): ShownRecord {
    const { lane, hash, seq, docId } = record;
    const code = lane && originRegion(lane.origin);
    const region = code === undefined ? undefined : regionByCode(this.#replica.cluster, code);
    return {
      id: record.id,
      at: new Date(record.atMs).toISOString(),
      reason: record.reason,
      fromRegion: record.fromRegion ?? null,
      region: region?.name ?? null,
      shard: lane?.shard ?? null,
      origin: lane === undefined ? null : originText(lane.origin),
      seq: seq ?? null,
      docId: toHex(docId),
      profileId: this.#profileIdOf(record),
      hash: hash === undefined ? null : toHex(hash),
      size: record.size,
    };
  }

  #profileIdOf({ docId }: QuarantineSummary): string | null {
    const { store } = this.#replica;
    try {
      return store.readDocument(this.#replica.placeOf(docId))?.profileId ?? null;
    } catch (error) {
      if (isAtollError(error)) return null; // a damaged row: it is why we are here
      throw error;
    }
  }
}

function quarantined(id: number, reason: string): RetryAnswer {
  return { id, outcome: "quarantined", reason };
}
