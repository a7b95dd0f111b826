/**
 * One region's copy, where the other rooms meet.
 *
 *     write(edit) ──────────────┐
 *     ingest(entries) ──────────┼──▶ #commit ──▶ one transaction: log, document, view, sums, frontier
 *     ingest(repair entries) ───┘                      │
 *                                            flush ────┴──▶ durable: may be answered and announced
 *
 * A local write, a change from a peer and a repair differ only in who calls `#commit`. Writes are staged
 * into a group and become durable together when `flush` returns; until then nobody outside may learn of
 * them. If the group fails, the transaction, the account and every cache go back to what was committed.
 */
import { LRUCache } from "lru-cache";
import type {
  Clock,
  Cluster,
  DocId,
  DocKey,
  Hlc,
  Log,
  LogEntry,
  Origin,
  ProfileId,
  Random,
  Region,
  RegionName,
  RegionVector,
} from "@atoll/core";
import {
  DEFAULT_TENANT,
  AtollError,
  HybridClock,
  SUM_ZERO,
  VECTOR_ZERO,
  addSums,
  assert,
  docIdOf,
  docKeyOf,
  elementOf,
  hlcToMs,
  joinVectors,
  limits,
  low64,
  originRegion,
  positionOf,
  shardOf,
  toHex,
} from "@atoll/core";
import type { ProfileCodec, ProfileEdit } from "@atoll/profile";
import { DocumentError, isJsonObject, mergePatch, parseChangeChunk } from "@atoll/profile";
import type { DocumentPlace, DocumentRow, Store, StoredIdentity } from "@atoll/store";
import { DocumentCache } from "./document-cache.ts";
import { advanceHeads } from "./heads.ts";
import { closeIdentity, openIdentity } from "./identity.ts";
import { Intake } from "./intake.ts";
import type { SoundEntry } from "./intake.ts";
import { Ledger } from "./ledger.ts";
import type { Precondition } from "./precondition.ts";
import { checkPrecondition } from "./precondition.ts";
import { Renderer } from "./renderer.ts";
import type { Snapshot } from "./snapshot.ts";
import { snapshotOf } from "./snapshot.ts";

export interface ReplicaOptions {
  readonly cluster: Cluster;
  readonly region: Region;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Made once per process from the schema. */
  readonly codec: ProfileCodec;
}

export interface ReadResult {
  /** Undefined when there is no such profile. */
  readonly snapshot: Snapshot | undefined;
  /** True when the answer rests on writes that are not durable yet: hold it until `flush`. */
  readonly staged: boolean;
}

export type WriteResult =
  | {
      readonly kind: "written";
      readonly created: boolean;
      /** False when the profile already was what was asked for: nothing was recorded. */
      readonly changed: boolean;
      readonly snapshot: Snapshot;
    }
  | { readonly kind: "deleted"; readonly existed: boolean; readonly dep: RegionVector }
  | { readonly kind: "absent" };

export interface WriteOptions {
  readonly precondition: Precondition;
  /** What the writer's session has seen. */
  readonly dep: RegionVector;
  /** A merge-patch of a profile that is not here creates it. */
  readonly upsert: boolean;
}

/** What became of a batch of remote entries. */
export interface IngestCounts {
  applied: number;
  held: number;
  waiting: number;
  quarantined: number;
}

const OUTCOMES = ["applied", "held", "waiting", "quarantined"] as const;

function noCounts(): IngestCounts {
  return { applied: 0, held: 0, waiting: 0, quarantined: 0 };
}

interface Rendered {
  readonly json: string;
  readonly deleted: boolean;
  readonly conflicts: number;
  readonly profileId: ProfileId;
}

export class Replica {
  readonly cluster: Cluster;
  readonly region: Region;
  readonly identity: StoredIdentity;
  readonly codec: ProfileCodec;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly documents: DocumentCache;
  /** What became of all entries from elsewhere since the start. */
  readonly ingested: IngestCounts = noCounts();
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #hlc: HybridClock;
  readonly #intake: Intake;
  readonly #renderer: Renderer;
  readonly #snapshots = new LRUCache<ProfileId, Snapshot>({
    maxSize: limits.VIEW_CACHE_CHARS_MAX,
    sizeCalculation: (snapshot) => snapshot.json.length + 256,
  });
  /** The open group: what `flush` will make durable. */
  #staged: LogEntry[] = [];
  #touched = new Set<DocKey>();
  /** Documents with entries that wait for their parents. */
  #waiting = new Set<DocKey>();

  constructor(options: ReplicaOptions) {
    const { cluster, region, store, clock, log } = options;
    this.cluster = cluster;
    this.region = region;
    this.store = store;
    this.#clock = clock;
    this.#log = log;
    this.codec = options.codec;
    const { genesisHash } = this.codec;
    this.identity = openIdentity(store, { ...options, genesisHash });
    this.ledger = new Ledger(store, cluster);
    this.#hlc = new HybridClock(store.lastHlc());
    this.documents = new DocumentCache({ store, codec: this.codec, actor: this.identity.actor });
    this.#intake = new Intake(store, cluster, this.codec);
    this.#renderer = new Renderer({ store, documents: this.documents, clock, log });
    for (const docId of store.pendingDocuments()) this.#waiting.add(docKeyOf(docId));
  }

  get origin(): Origin {
    return this.identity.origin;
  }

  get regionName(): RegionName {
    return this.region.name;
  }

  /** Entries staged and not yet durable. */
  get staged(): number {
    return this.#staged.length;
  }

  get groupOpen(): boolean {
    return this.store.inTransaction;
  }

  /** A timestamp above every one of ours so far. */
  stamp(): Hlc {
    return this.#hlc.tick(this.#clock.nowMs());
  }

  placeOf(docId: DocId): DocumentPlace {
    const position = positionOf(this.cluster.keys, docId);
    return { docId, position, shard: shardOf(position, this.cluster.shardCount) };
  }

  read(id: ProfileId): ReadResult {
    const cached = this.#snapshots.get(id);
    const place = this.placeOf(docIdOf(DEFAULT_TENANT, id));
    const staged = this.#touched.size > 0 && this.#touched.has(docKeyOf(place.docId));
    if (cached !== undefined) return { snapshot: cached, staged };
    const row = this.#clean(place);
    return { snapshot: row && this.#snapshot(id, row), staged };
  }

  /** Stages an edit. Throws `AtollError` with nothing staged. */
  write(id: ProfileId, edit: ProfileEdit, options: WriteOptions): WriteResult {
    const place = this.placeOf(docIdOf(DEFAULT_TENANT, id));
    const row = this.#clean(place);
    if (row?.quarantined === true) {
      throw new AtollError("document-quarantined", "this profile's document does not open here");
    }
    const current = row && this.#snapshot(id, row);
    checkPrecondition(options.precondition, current?.etag);
    if (current === undefined) {
      if (edit.kind === "delete") return { kind: "deleted", existed: false, dep: VECTOR_ZERO };
      if (edit.kind === "increment") return { kind: "absent" };
      if (edit.kind === "merge-patch" && !options.upsert) return { kind: "absent" };
    }
    const after = this.#edit(id, place, creating(edit, current === undefined), options.dep);
    if (edit.kind === "delete") {
      return { kind: "deleted", existed: true, dep: (after ?? row)?.dep ?? VECTOR_ZERO };
    }
    const snapshot = after === undefined ? current : this.#snapshot(id, after);
    assert(snapshot !== undefined, "a profile that was written can be read");
    const created = current === undefined;
    return { kind: "written", created, changed: after !== undefined, snapshot };
  }

  /** Stages what is sound of a peer's entries; the rest waits or is set aside, one by one. */
  ingest(entries: readonly LogEntry[], from: { region: string; repair: boolean }): IngestCounts {
    const counts = noCounts();
    for (const entry of entries) {
      if (from.repair ? this.#repaired(entry) : this.#held(entry)) counts.held++;
      else this.#admit(entry, from, counts);
    }
    for (const outcome of OUTCOMES) this.ingested[outcome] += counts[outcome];
    return counts;
  }

  /** Makes the open group durable and returns its entries. Throws `AtollError` with all undone. */
  flush(): LogEntry[] {
    if (!this.store.inTransaction) return [];
    try {
      this.ledger.write();
      this.store.commit();
    } catch (error) {
      this.abandon();
      throw error;
    }
    const entries = this.#staged;
    this.#staged = [];
    this.#touched.clear();
    return entries;
  }

  /** Undoes the open group, in the store and in memory. */
  abandon(): void {
    this.store.rollback();
    this.#staged = [];
    this.#touched.clear();
    this.forgetCaches();
    this.ledger.reload();
    this.#waiting = new Set(this.store.pendingDocuments().map(docKeyOf));
  }

  /** Some background work. True when there may be more. */
  upkeep(): boolean {
    const { UPKEEP_DOCUMENTS_MAX } = limits;
    if (
      this.store.dirtyDocuments(1).length === 0 &&
      this.store.longTails(limits.TAIL_CHANGES_MAX, limits.TAIL_BYTES_MAX, 1).length === 0
    ) {
      return false;
    }
    this.group();
    const rendered = this.#renderer.renderSome(UPKEEP_DOCUMENTS_MAX);
    const folded = rendered === 0 ? this.#renderer.foldSome(UPKEEP_DOCUMENTS_MAX) : 0;
    return rendered + folded === UPKEEP_DOCUMENTS_MAX;
  }

  /** Reads and edits start from the store again. */
  forgetCaches(): void {
    this.#snapshots.clear();
    this.documents.clear();
  }

  /** Opens the group if it is not open. */
  group(): void {
    if (!this.store.inTransaction) this.store.begin();
  }

  /** An orderly stop: everything durable, the identity may be used again. The store stays open. */
  close(): void {
    this.flush();
    this.documents.clear();
    closeIdentity(this.store, this.identity);
  }

  #edit(
    id: ProfileId,
    place: DocumentPlace,
    edit: ProfileEdit,
    dep: RegionVector,
  ): DocumentRow | undefined {
    for (const hlc of dep.values()) this.#hlc.observe(hlc, this.#clock.nowMs());
    const hlc = this.#hlc.tick(this.#clock.nowMs());
    const identity = { tenant: DEFAULT_TENANT, id };
    try {
      const profile = this.documents.open(place, identity);
      const deletedAtMs = hlcToMs(hlc);
      const timeSeconds = Math.floor(deletedAtMs / 1000);
      const result = profile.edit(edit, { timeSeconds, deletedAtMs, identity });
      if (!result.changed) return undefined;
      const { hash, change, containers } = result;
      const parsed = parseChangeChunk(change);
      assert(parsed.kind === "change", "our own change parses");
      const { origin, seq } = this.#nextPlace(place.shard);
      const { docId, shard } = place;
      const entry = { shard, origin, seq, hlc, docId, hash, dep, change, containers };
      const view = profile.render();
      this.group();
      const { json, deleted, conflicts } = view;
      const rendered = { json, deleted, conflicts, profileId: id };
      return this.#commit({ entry, place, deps: parsed.deps }, rendered);
    } catch (error) {
      // The document may be ahead of the store: whatever it says now was never written.
      if (!(error instanceof AtollError)) this.documents.drop(place);
      if (!(error instanceof DocumentError)) throw error;
      throw new AtollError("document-quarantined", "the document refuses the edit", {}, error);
    }
  }

  #nextPlace(shard: number): { origin: Origin; seq: number } {
    const { origin } = this.identity;
    return { origin, seq: this.ledger.frontier.contig({ shard, origin }) + 1 };
  }

  #held(entry: LogEntry): boolean {
    if (entry.origin !== this.origin) return this.ledger.frontier.lane(entry).has(entry.seq);
    const known = entry.seq <= this.ledger.frontier.contig(entry);
    if (!known) this.#log.error("own-entry-unknown", { shard: entry.shard, seq: entry.seq });
    return true; // nobody else writes under our name
  }

  /** A repaired entry's place in the log may be taken: what counts is whether the document has it. */
  #repaired(entry: LogEntry): boolean {
    const place = this.placeOf(entry.docId);
    const row = this.store.readDocument(place);
    if (row === undefined) return false;
    try {
      const name = toHex(entry.hash);
      return this.documents
        .open(place)
        .changeHashes()
        .some((hash) => toHex(hash) === name);
    } catch (error) {
      if (error instanceof DocumentError) return false;
      throw error;
    }
  }

  #admit(entry: LogEntry, from: { region: string; repair: boolean }, counts: IngestCounts): void {
    const judgement = this.#intake.judge(entry);
    this.group();
    if (judgement.kind === "bad") {
      counts.quarantined++;
      this.#quarantine(entry, from.region, judgement.reason);
    } else if (judgement.kind === "waiting") {
      counts.waiting++;
      this.#wait(entry, judgement.missing);
    } else {
      counts.applied++;
      this.#hlc.observe(entry.hlc, this.#clock.nowMs());
      this.#commit(judgement.sound);
      counts.applied += this.#release(judgement.sound.place);
    }
  }

  /** Applies what waited for the change that has just arrived in this document. */
  #release(place: DocumentPlace): number {
    const key = docKeyOf(place.docId);
    if (!this.#waiting.has(key)) return 0;
    let released = 0;
    for (let progress = true; progress;) {
      progress = false;
      for (const { entry } of this.store.pendingOf(place.docId)) {
        const held = this.ledger.frontier.lane(entry).has(entry.seq);
        const judgement = held ? undefined : this.#intake.judge(entry);
        if (judgement?.kind === "waiting") continue;
        this.store.removePending(entry, entry.seq);
        if (judgement?.kind !== "sound") continue;
        this.#commit(judgement.sound);
        released++;
        progress = true;
      }
    }
    if (this.store.pendingOf(place.docId).length === 0) this.#waiting.delete(key);
    return released;
  }

  #wait(entry: LogEntry, missing: LogEntry["hash"]): void {
    if (this.store.countPending() >= limits.PENDING_ENTRIES_MAX) return; // asked for again later
    this.store.addPending({ entry, missing });
    this.#waiting.add(docKeyOf(entry.docId));
    this.ledger.setAside(entry, this.#clock.nowMs() + limits.QUARANTINE_RETRY_MS);
  }

  #quarantine(entry: LogEntry, fromRegion: string, reason: string): void {
    const nowMs = this.#clock.nowMs();
    const { shard, origin, seq, docId, hash, change } = entry;
    this.ledger.setAside(entry, nowMs + limits.QUARANTINE_RETRY_MS);
    this.#log.warn("entry-quarantined", { fromRegion, shard, seq, docId: toHex(docId), reason });
    if (this.store.countQuarantine() >= limits.QUARANTINE_ENTRIES_MAX) return;
    const lane = { shard, origin };
    const record = { atMs: nowMs, reason, fromRegion, lane, seq, docId, hash, bytes: change };
    this.store.addQuarantine(record);
  }

  /** The one door into the store. `rendered`: the view after this change, when it is known. */
  #commit({ entry, place, deps }: SoundEntry, rendered?: Rendered): DocumentRow {
    const before = this.store.readDocument(place);
    const element = elementOf(this.cluster.keys, place.docId, entry.hash);
    if (!this.store.hasLogEntry(entry, entry.seq)) this.store.appendLog(entry, low64(element));
    const sum = addSums(before?.sum ?? SUM_ZERO, element);
    const own = new Map([[originRegion(entry.origin), entry.hlc]]);
    const row: DocumentRow = {
      ...place,
      profileId: rendered?.profileId ?? before?.profileId,
      deleted: rendered?.deleted ?? before?.deleted ?? false,
      quarantined: before?.quarantined ?? false,
      dirty: rendered === undefined,
      heads: advanceHeads(before?.heads ?? new Uint8Array(), entry.hash, deps),
      changeCount: (before?.changeCount ?? 0) + 1,
      sum,
      dep: joinVectors(before?.dep ?? VECTOR_ZERO, joinVectors(entry.dep, own)),
      createdHlc:
        before === undefined || entry.hlc < before.createdHlc ? entry.hlc : before.createdHlc,
      updatedHlc:
        before === undefined || entry.hlc > before.updatedHlc ? entry.hlc : before.updatedHlc,
      conflicts: rendered?.conflicts ?? before?.conflicts ?? 0,
      view: rendered?.json ?? before?.view,
    };
    const chunks = [...entry.containers, entry.change];
    this.store.writeDocument(row);
    this.store.appendTail(place, Buffer.concat(chunks), chunks.length);
    if (rendered === undefined) this.documents.changed(place, chunks);
    this.ledger.account(place, {
      documents: before === undefined ? 1 : 0,
      changes: 1,
      before: before?.sum ?? SUM_ZERO,
      after: sum,
    });
    this.ledger.hold(entry);
    this.#staged.push(entry);
    this.#touched.add(docKeyOf(place.docId));
    if (row.profileId !== undefined) this.#snapshots.delete(row.profileId);
    return row;
  }

  /** The row with a view that is as new as its changes. */
  #clean(place: DocumentPlace): DocumentRow | undefined {
    const row = this.store.readDocument(place);
    if (row === undefined || !row.dirty || row.quarantined) return row;
    this.group();
    return this.#renderer.render(row);
  }

  #snapshot(id: ProfileId, row: DocumentRow): Snapshot | undefined {
    const snapshot = snapshotOf(id, row);
    if (snapshot !== undefined) this.#snapshots.set(id, snapshot);
    return snapshot;
  }
}

/** A patch that creates starts from nothing, also where a deleted profile lies underneath. */
function creating(edit: ProfileEdit, isAbsent: boolean): ProfileEdit {
  if (edit.kind !== "merge-patch" || !isAbsent) return edit;
  const value = mergePatch({}, edit.patch);
  assert(isJsonObject(value), "an object patched with an object is one");
  return { kind: "put", value };
}
