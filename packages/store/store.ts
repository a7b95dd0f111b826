/**
 * The fourth door: what a replica remembers.
 *
 * The contract is synchronous, because SQLite is, and because every `await` between reading a document
 * and writing it back is a place where an invariant may break.
 *
 *   - One writer. All writes happen between `begin` and `commit`; a write outside throws
 *     `InvariantError`. When `commit` returns, everything since `begin` survives a power cut; after
 *     `rollback`, or a crash at any moment before, none of it happened.
 *   - Reads see the open transaction's own writes.
 *   - The log is the truth. Documents, bodies and buckets are caches of it that are written in the same
 *     transaction; this contract does not know how they follow from it, `replica` does.
 *   - Byte arrays that are passed in are not kept by reference beyond the call unless they are never
 *     changed by anybody; byte arrays that are returned belong to the caller.
 *
 * Failures are `AtollError`s: `storage-full` when the disk is, `storage-failed` for anything else the
 * disk does, `incompatible-data` when opening a file of another format. A write may be kept in memory until
 * the transaction commits, and fail there. After either of the first two
 * the open transaction is lost: until it is rolled back, writes and `commit` throw `InvariantError`.
 * A row that does not decode is `storage-failed` for its reader alone: the transaction goes on.
 * A write that breaks a rule of this contract throws `InvariantError` and changes nothing.
 */
import type {
  ChangeHash,
  DocId,
  Hlc,
  LaneFrontier,
  Lane,
  LogEntry,
  Origin,
  ProfileId,
  RegionCode,
  RegionVector,
  SeqRange,
  Sum,
  Tenant,
} from "@atoll/core";

/** Who this database is. Written once per incarnation, before anything else of that incarnation. */
export interface StoredIdentity {
  readonly clusterId: string;
  readonly region: string;
  readonly shardCount: number;
  readonly genesisHash: Uint8Array;
  readonly incarnation: number;
  readonly origin: Origin;
  /** 16 bytes: the Automerge actor of this process. */
  readonly actor: Uint8Array;
  /** False while a process has it open; true after an orderly close. */
  readonly cleanStop: boolean;
  /** No peer has been told of a time of ours above this one. */
  readonly announced: Hlc;
}

/** Where a document lies: rows are clustered by position, so a shard is a range. */
export interface DocumentPlace {
  readonly docId: DocId;
  /** `positionOf(docId)`, 52 bits. */
  readonly position: number;
  readonly shard: number;
}

/** The small row: all that reads, listings and comparisons need. */
export interface DocumentRow extends DocumentPlace {
  /** Known once the document was rendered; undefined for one that only ever came from elsewhere. */
  readonly profileId: ProfileId | undefined;
  readonly deleted: boolean;
  /** Its changes do not apply: the view is the last good one. */
  readonly quarantined: boolean;
  /** The view is older than the changes. */
  readonly dirty: boolean;
  /** Sorted, concatenated, 32 bytes each. */
  readonly heads: Uint8Array;
  /** Elements counted in `sum`: changes but for the genesis and containers. */
  readonly changeCount: number;
  readonly sum: Sum;
  /** What the content depends on: join of all entries' `dep` and own (region, hlc). */
  readonly dep: RegionVector;
  readonly createdHlc: Hlc;
  readonly updatedHlc: Hlc;
  /** Places where concurrent writes left a loser, counted when the view was rendered. */
  readonly conflicts: number;
  /** Canonical JSON; undefined until first rendered. */
  readonly view: string | undefined;
}

/** What a reader is shown of a document, and whether it may be shown: the small row without what only writes need. */
export type ShownDocument = Pick<
  DocumentRow,
  | "deleted"
  | "quarantined"
  | "dirty"
  | "heads"
  | "dep"
  | "createdHlc"
  | "updatedHlc"
  | "conflicts"
  | "view"
>;

/** The large row: what opening the Automerge document needs. */
export interface DocumentBody {
  /** A saved document; undefined when the tail starts from the genesis. */
  readonly base: Uint8Array | undefined;
  /** Raw changes since, concatenated in the order in which they were applied. */
  readonly tail: Uint8Array;
  readonly tailChanges: number;
}

/** A page of a listing: from ≤ position < to, strictly after `after`. */
export interface DocumentRange {
  readonly from: number;
  readonly to: number;
  readonly after?: DocumentPlace | undefined;
  readonly limit: number;
}

/** A document whose tail waits to be folded until nobody has written for a while. */
export interface WaitingTail extends DocumentPlace {
  readonly updatedHlc: Hlc;
}

/** What identifies a document to a comparison, and the sum of its elements. */
export interface DocumentSumRow {
  readonly docId: DocId;
  readonly position: number;
  readonly changeCount: number;
  readonly sum: Sum;
}

/** What a cut needs of an entry: which element it is, and where. */
export interface TailRow {
  readonly docId: DocId;
  readonly hash: ChangeHash;
}

/** An entry as the change feed needs it. */
export interface AppliedRow {
  /** Order of application: ascending, with gaps. */
  readonly applied: number;
  readonly docId: DocId;
  readonly hash: ChangeHash;
  readonly origin: Origin;
  readonly hlc: Hlc;
}

export interface BucketRow {
  readonly shard: number;
  /** Any number: which part of the shard it stands for is the tree's to say. */
  readonly bucket: number;
  readonly documents: number;
  readonly changes: number;
  readonly sum: Sum;
}

/** At or below `through` a place of this lane may have no row, although it is held. */
export interface TrimmedRow extends Lane {
  readonly through: number;
}

export interface LogSize {
  readonly rows: number;
  /** About what they take on the disk, indexes included. */
  readonly bytes: number;
}

export interface FrontierRow extends Lane {
  readonly contig: number;
  readonly max: number;
  readonly gaps: readonly SeqRange[];
}

/** An entry that waits for a change it builds on. */
export interface PendingEntry {
  readonly entry: LogEntry;
  /** The first parent that was not here when it was set aside. */
  readonly missing: ChangeHash;
}

/** An entry that was set aside for good, until an operator retries or drops it. */
export interface QuarantineRecord {
  readonly id: number;
  readonly atMs: number;
  readonly reason: string;
  /** Which peer sent it; undefined for a document that failed here. */
  readonly fromRegion: string | undefined;
  readonly lane: Lane | undefined;
  readonly seq: number | undefined;
  readonly docId: DocId;
  readonly hash: ChangeHash | undefined;
  /** The offending bytes as they came. */
  readonly bytes: Uint8Array;
}

/** A record without its bytes, which may be many. */
export interface QuarantineSummary extends Omit<QuarantineRecord, "bytes"> {
  /** Of the bytes. */
  readonly size: number;
}

/** What may change of a record: a retry gives it a new reason. */
export type QuarantineUpdate = Pick<QuarantineRecord, "id" | "atMs" | "reason" | "bytes">;

/** What a request with an Idempotency-Key came to: told again to whoever repeats it. */
export interface KeptAnswer {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Of the request: 32 bytes. */
  readonly fingerprint: Uint8Array;
  readonly atMs: number;
  /** Whatever its writer needs to answer again. */
  readonly outcome: string;
}

/** A page of the profiles that are not deleted and whose id is known: those that were rendered. */
export type ProfileListing = { readonly tenant: Tenant; readonly limit: number } & (
  | { readonly order: "id"; /** Strictly after this id. */ readonly after?: ProfileId | undefined }
  | {
      readonly order: "updated";
      /** From this timestamp on; of this very one, only documents after `after`. */
      readonly since: Hlc;
      readonly after?: DocId | undefined;
    }
);

export interface ListedProfile extends DocumentPlace {
  readonly profileId: ProfileId;
  readonly updatedHlc: Hlc;
}

// ── rows as they lie, for whoever looks for damage: keys are read without trusting them ──

export interface RawLane {
  readonly shard: bigint;
  readonly origin: bigint;
}

export interface LogScan {
  /** Names the row, whatever else of it is damaged. */
  readonly applied: bigint;
  readonly seq: bigint;
  readonly element64: bigint;
  readonly isVoid: boolean;
  /** Undefined when the row does not decode or its seal is broken. Not of its `change`. */
  readonly entry: LogEntry | undefined;
}

export interface RawPlace {
  readonly position: bigint;
  readonly docId: Uint8Array;
}

export interface DocumentScan {
  readonly key: RawPlace;
  /** With its view; undefined when the row does not decode. */
  readonly row: DocumentRow | undefined;
  /** Undefined when there is none; `tailChanges` and the sizes of the tail are as stored. */
  readonly body: DocumentBody | undefined;
  /** The stored size of the tail is the tail's. */
  readonly isTailMeasured: boolean;
}

export interface PendingScan {
  readonly row: bigint;
  readonly pending: PendingEntry | undefined;
}

export interface QuarantineScan {
  readonly row: bigint;
  readonly record: QuarantineRecord | undefined;
}

/** The tables that are looked through row by row, and what mends them. Pages are in order of key. */
export interface StoreScrub {
  /** The lane after this one that has a row in the log. */
  nextLane(after: RawLane | undefined): RawLane | undefined;
  scanLog(lane: RawLane, afterSeq: bigint | undefined, limit: number): LogScan[];
  removeLogRow(applied: bigint): void;
  writeElement(applied: bigint, element64: bigint): void;
  scanDocuments(after: RawPlace | undefined, limit: number): DocumentScan[];
  /** The small row alone: another row may name the same body, if one of the two was damaged. */
  removeDocumentRow(key: RawPlace): void;
  /** Bodies and bases that no document names; returns how many. Walks all documents. */
  removeOrphans(): number;
  scanPending(after: bigint | undefined, limit: number): PendingScan[];
  removePendingRow(row: bigint): void;
  scanQuarantine(after: bigint | undefined, limit: number): QuarantineScan[];
  removeQuarantineRow(row: bigint): void;
  /** All rows, to be written anew in the same transaction. */
  clearFrontier(): void;
  clearBuckets(): void;
  /** What the engine itself finds wrong with the file, one line each; it does not block. */
  checkFile(): Promise<readonly string[]>;
}

export interface Store {
  // ── transactions ──
  /** Throws `InvariantError` when one is open already. */
  begin(): void;
  /** Returns when everything since `begin` is durable, and with it all that was committed before. */
  commit(): void;
  /**
   * Ends the transaction without waiting for the disk: it is there after a crash of the process, and after one of the
   * machine perhaps. True when it is durable already; otherwise `durable` is called once it is, in the order of
   * commits. A disk that does not confirm ends the process.
   */
  commitSoon(durable: () => void): boolean;
  /** Returns when everything that was committed is durable; `durable` of each has been called. */
  sync(): void;
  /** Harmless when none is open. */
  rollback(): void;
  readonly inTransaction: boolean;
  /** The open transaction was lost to a failure of the disk: it can only be rolled back. */
  readonly isTransactionLost: boolean;

  // ── identity ──
  readIdentity(): StoredIdentity | undefined;
  writeIdentity(identity: StoredIdentity): void;

  // ── documents ──
  readDocument(place: DocumentPlace): DocumentRow | undefined;
  /** The same row as readers see it: two thirds of the cost, for what is asked most of all. */
  readShown(place: DocumentPlace): ShownDocument | undefined;
  /** Inserts or replaces the small row and the view. Leaves the body alone. */
  writeDocument(row: DocumentRow): void;
  readBody(place: DocumentPlace): DocumentBody | undefined;
  /** Inserts or replaces the body. The document row must exist. */
  writeBody(place: DocumentPlace, body: DocumentBody): void;
  /**
   * Appends raw changes to the tail, creating an empty body first if there is none. The document row
   * must exist.
   */
  appendTail(place: DocumentPlace, chunks: Uint8Array, changes: number): void;
  /** Documents whose view is older than their changes and which are not quarantined, by position. */
  dirtyDocuments(limit: number): DocumentPlace[];
  /**
   * Documents whose tail is longer than either bound, for folding into the base, by position. Those in
   * quarantine are left out: they cannot be loaded, and would come back first every time. Fast for
   * bounds at or above `TAIL_CHANGES_MAX` and `TAIL_BYTES_MAX`; a scan below them.
   */
  longTails(changesMax: number, bytesMax: number, limit: number): DocumentPlace[];
  /**
   * Documents whose tail is longer than `TAIL_REST_CHANGES_MAX` or `TAIL_REST_BYTES_MAX`, the longest unwritten
   * first, then by position. Those in quarantine are left out.
   */
  waitingTails(limit: number): WaitingTail[];
  /** In ascending order of (position, docId). Views are left out (`view` is undefined). */
  listDocuments(range: DocumentRange): DocumentRow[];
  /** The same listing, only what a sum over it needs: a third of the cost. */
  listSums(range: DocumentRange): DocumentSumRow[];

  /** In the order that the listing names, ascending. Ids are compared by their bytes. */
  listProfiles(listing: ProfileListing): ListedProfile[];
  /** Those that a listing of the tenant would show. Costs what there are of them, and no more. */
  countProfiles(tenant: Tenant): number;

  // ── answers kept for those who ask twice ──
  /** Replaces one with the same key. */
  keepAnswer(answer: KeptAnswer): void;
  readAnswer(key: Uint8Array): KeptAnswer | undefined;
  /** Forgets those that were kept before, oldest first, at most so many; returns how many it were. */
  forgetAnswers(beforeMs: number, limit: number): number;
  countAnswers(): number;

  // ── the log ──
  /**
   * `element64`: low 64 bits of the entry's element, by which it is found again. A place in the log is
   * given once: an entry for a (shard, origin, seq) that is held throws `InvariantError`.
   */
  appendLog(entry: LogEntry, element64: bigint): void;
  /**
   * Marks a place as VOID: used, and nothing lies there. It is never read, sent or counted.
   */
  appendVoid(place: Lane & { readonly seq: number }, about: { docId: DocId; hlc: Hlc }): void;
  /** Frees a place, of an entry or VOID. False when there was nothing. */
  removeLogEntry(lane: Lane, seq: number): boolean;
  /**
   * Entries lo … hi of a lane in order, as far as they are held. Ends with the one whose `entryBytes`
   * passes `bytesMax`, so that there is at least one if any is held. A damaged row is as good as none.
   */
  readLog(lane: Lane, range: SeqRange, bytesMax: number): LogEntry[];
  /** True for a place that is VOID, too. */
  hasLogEntry(lane: Lane, seq: number): boolean;
  /** The entry that brought this change into this document. */
  findChange(docId: DocId, hash: ChangeHash, element64: bigint): LogEntry | undefined;
  /** The same question without reading the payload. */
  hasChange(docId: DocId, hash: ChangeHash, element64: bigint): boolean;
  /** Entries whose element has these low 64 bits: usually one or none, at most `limit`. */
  findElement(element64: bigint, limit: number): LogEntry[];
  /** Entries of a region's origins with a timestamp above `after`, oldest first. */
  readTail(region: RegionCode, after: Hlc, limit: number): TailRow[];
  /** Entries that were applied after this one, in that order. */
  readApplied(after: number, limit: number): AppliedRow[];
  /** How often changes came that no row of the log brought. */
  readEpoch(): number;
  /** One more time: whoever follows the log has missed something. */
  nextEpoch(): void;
  /**
   * Removes the rows of places 1 … through of a lane and remembers that; what is remembered only grows.
   * The newest row of all stays, because the log's own order and highest timestamp hang on it: removing
   * it throws `InvariantError`. Returns what was removed.
   */
  trimLog(lane: Lane, through: number): LogSize;
  /** Remembers that places up to here may have no row, and removes none. */
  writeTrimmed(lane: Lane, through: number): void;
  /** By shard, then origin; undefined for each that was damaged. */
  readTrimmed(): (TrimmedRow | undefined)[];
  /** Forgets it for all lanes, to be written anew. */
  clearTrimmed(): void;
  /**
   * Per region, a timestamp that no change without a row is above: where sums at a cut are still exact.
   * Undefined when it was damaged.
   */
  readHorizon(): RegionVector | undefined;
  /** Replaces all of it. */
  writeHorizon(horizon: RegionVector): void;
  logSize(): LogSize;
  /** Of a region's entries in the log; undefined when there are none. */
  oldestHlc(region: RegionCode): Hlc | undefined;
  /** All entries of one document, in the order in which they were applied. Scans its shard. */
  readLogOfDocument(place: DocumentPlace): LogEntry[];
  /** The highest timestamp in the log; `HLC_ZERO` when it is empty. */
  lastHlc(): Hlc;
  /** Sets what `lastHlc` says, where nothing in the log explains it. */
  writeLastHlc(hlc: Hlc): void;
  /** Order in which entries were applied here: the position in the log of the newest, 0 when empty. */
  lastApplied(): number;

  // ── frontier and tree ──
  /** By shard, then origin. */
  readFrontier(): FrontierRow[];
  writeFrontier(lane: Lane, frontier: LaneFrontier): void;
  /** By shard, then bucket. */
  readBuckets(): BucketRow[];
  writeBucket(row: BucketRow): void;
  /** Forgets all buckets of a shard: it is about to be divided otherwise. */
  clearBuckets(shard: number): void;
  /** Up to when everything of each region is held, as of the last commit. */
  readCoverage(): RegionVector;
  /** Forgets it for all regions. */
  clearCoverage(): void;
  /** Records it for the regions it names. */
  writeCoverage(coverage: RegionVector): void;

  // ── what is set aside ──
  /** Replaces an entry with the same (shard, origin, seq). */
  addPending(pending: PendingEntry): void;
  /** By shard, origin and seq. */
  pendingOf(docId: DocId): PendingEntry[];
  /** Documents that some entry waits for, each once, by id. */
  pendingDocuments(): DocId[];
  hasPending(lane: Lane, seq: number): boolean;
  removePending(lane: Lane, seq: number): void;
  countPending(): number;
  /** Gives the next id; ids are never given twice. */
  addQuarantine(record: Omit<QuarantineRecord, "id">): QuarantineRecord;
  /** Newest first. */
  listQuarantine(limit: number): QuarantineRecord[];
  /** The same without the bytes; a record that does not decode is left out. */
  summarizeQuarantine(limit: number): QuarantineSummary[];
  readQuarantine(id: number): QuarantineRecord | undefined;
  /** False when there is none with this id. */
  updateQuarantine(update: QuarantineUpdate): boolean;
  /** False when there is none with this id. */
  removeQuarantine(id: number): boolean;
  countQuarantine(): number;

  /** Looking for damage, and mending it. */
  readonly scrub: StoreScrub;

  /** Bytes on disk, as far as the store can tell; 0 for memory. */
  sizeBytes(): number;
  /** Idempotent. An open transaction is rolled back. Any other use afterwards is an `InvariantError`. */
  close(): void;
}
