/**
 * Entries from other regions: each is judged and dealt with alone, so that a bad or an early one delays
 * no other.
 *
 *     held         receiving twice equals receiving once
 *     applied      and with it whatever waited for it
 *     waiting      set aside until its parent comes
 *     quarantined  set aside with the reason, its place in the log asked for again later
 */
import type { Clock, Hlc, Log, LogEntry, Origin } from "@atoll/core";
import { limits, toHex } from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import type { Store } from "@atoll/store";
import type { Commit } from "./commit.ts";
import type { DocumentCache } from "./document-cache.ts";
import type { Group } from "./group.ts";
import type { Intake, SoundEntry } from "./intake.ts";
import type { Ledger } from "./ledger.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** What became of entries. */
export interface IngestCounts {
  applied: number;
  held: number;
  waiting: number;
  quarantined: number;
}

export interface Sender {
  readonly region: string;
  /** The entries answer a comparison: what counts is the document, not the place in the log. */
  readonly repair: boolean;
}

const OUTCOMES = ["applied", "held", "waiting", "quarantined"] as const;

function noCounts(): IngestCounts {
  return { applied: 0, held: 0, waiting: 0, quarantined: 0 };
}

export class Arrivals {
  readonly #origin: () => Origin;
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #documents: DocumentCache;
  readonly #group: Group;
  readonly #intake: Intake;
  readonly #commit: Commit;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #observe: (hlc: Hlc) => void;
  readonly #total = noCounts();
  readonly #waiting: WaitingRoom;

  constructor(rooms: {
    /** Who we are, now. */
    readonly origin: () => Origin;
    readonly store: Store;
    readonly ledger: Ledger;
    readonly documents: DocumentCache;
    readonly group: Group;
    readonly intake: Intake;
    readonly commit: Commit;
    readonly clock: Clock;
    readonly log: Log;
    /** Told every timestamp that is applied. */
    readonly observe: (hlc: Hlc) => void;
  }) {
    this.#origin = rooms.origin;
    this.#store = rooms.store;
    this.#ledger = rooms.ledger;
    this.#documents = rooms.documents;
    this.#group = rooms.group;
    this.#intake = rooms.intake;
    this.#commit = rooms.commit;
    this.#clock = rooms.clock;
    this.#log = rooms.log;
    this.#observe = rooms.observe;
    this.#waiting = new WaitingRoom(rooms.store, rooms.ledger);
  }

  /** Entries that wait for their parents. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** What became of all entries since the start. */
  get total(): Readonly<IngestCounts> {
    return this.#total;
  }

  /** Stages what is sound. */
  ingest(entries: readonly LogEntry[], from: Sender): IngestCounts {
    const counts = noCounts();
    for (const entry of entries) {
      const isHeld = from.repair ? this.#isInDocument(entry) : this.#isHeld(entry);
      if (isHeld || this.#isForeign(entry)) counts.held++;
      else this.#admit(entry, from, counts);
    }
    for (const outcome of OUTCOMES) this.#total[outcome] += counts[outcome];
    return counts;
  }

  /** Forgets everything that is not committed. */
  reload(): void {
    this.#waiting.reload();
  }

  #isHeld(entry: LogEntry): boolean {
    return this.#ledger.frontier.lane(entry).has(entry.seq);
  }

  /** Under our own name and a number we never gave: nobody else writes as us, repair or not. */
  #isForeign(entry: LogEntry): boolean {
    if (entry.origin !== this.#origin()) return false;
    const isUnknown = entry.seq > this.#ledger.frontier.contig(entry);
    if (isUnknown) this.#log.error("own-entry-unknown", { shard: entry.shard, seq: entry.seq });
    return isUnknown;
  }

  #isInDocument(entry: LogEntry): boolean {
    const place = this.#intake.placeOf(entry.docId);
    if (this.#store.readDocument(place) === undefined) return false;
    const name = toHex(entry.hash);
    try {
      const hashes = this.#documents.open(place).changeHashes();
      return hashes.some((hash) => toHex(hash) === name);
    } catch (error) {
      if (error instanceof DocumentError) return false;
      throw error;
    }
  }

  #admit(entry: LogEntry, from: Sender, counts: IngestCounts): void {
    const judgement = this.#intake.judge(entry);
    this.#group.open();
    if (judgement.kind === "bad") {
      counts.quarantined++;
      this.#quarantine(entry, from.region, judgement.reason);
    } else if (judgement.kind === "waiting") {
      counts.waiting++;
      this.#waiting.add(entry, judgement.missing, this.#clock.nowMs());
    } else {
      const isLogged = from.repair && this.#store.hasLogEntry(entry, entry.seq);
      this.#observe(entry.hlc);
      this.#commit.apply(judgement.sound, undefined, isLogged);
      counts.applied += 1 + this.#release(judgement.sound);
    }
  }

  /** Applies what waited for the change that has just arrived in this document. */
  #release({ entry: { hash }, place }: SoundEntry): number {
    if (!this.#waiting.awaits(hash)) return 0;
    let released = 0;
    for (let progress = true; progress;) {
      progress = false;
      for (const pending of this.#waiting.of(place.docId)) {
        const { entry } = pending;
        const judgement = this.#isHeld(entry) ? undefined : this.#intake.judge(entry);
        if (judgement?.kind === "waiting") {
          const isSame = toHex(judgement.missing) === toHex(pending.missing);
          if (!isSame) this.#waiting.add(entry, judgement.missing, this.#clock.nowMs());
          continue;
        }
        this.#waiting.remove(pending);
        if (judgement?.kind !== "sound") continue;
        this.#observe(entry.hlc);
        this.#commit.apply(judgement.sound);
        released++;
        progress = true;
      }
    }
    return released;
  }

  #quarantine(entry: LogEntry, fromRegion: string, reason: string): void {
    const nowMs = this.#clock.nowMs();
    const { shard, origin, seq, docId, hash, change } = entry;
    this.#ledger.setAside(entry, nowMs + limits.QUARANTINE_RETRY_MS);
    this.#log.warn("entry-quarantined", { fromRegion, shard, seq, docId: toHex(docId), reason });
    if (this.#store.countQuarantine() >= limits.QUARANTINE_ENTRIES_MAX) return;
    const lane = { shard, origin };
    const record = { atMs: nowMs, reason, fromRegion, lane, seq, docId, hash, bytes: change };
    this.#store.addQuarantine(record);
  }
}
