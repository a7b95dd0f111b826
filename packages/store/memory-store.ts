/**
 * The store in memory: the contract in plain code, for tests and for the simulator's fleets.
 *
 * It is as strict as the disk. What the disk refuses is refused here (`admissible.ts`), what a
 * transaction did is taken back by `rollback` (`memory-table.ts`), and bytes are copied on the way in
 * and out, so that nobody can change what is stored by changing what he holds.
 */
import type {
  ChangeHash,
  DocId,
  Hlc,
  Lane,
  LaneFrontier,
  LogEntry,
  RegionCode,
  RegionVector,
  SeqRange,
  Tenant,
} from "@atoll/core";
import { assert, fromHex, limits, must, mustDocId, toHex } from "@atoll/core";
import type {
  AppliedRow,
  BucketRow,
  DocumentBody,
  DocumentPlace,
  DocumentRange,
  DocumentRow,
  DocumentSumRow,
  FrontierRow,
  KeptAnswer,
  ListedProfile,
  LogSize,
  PendingEntry,
  ProfileListing,
  QuarantineRecord,
  QuarantineSummary,
  QuarantineUpdate,
  ShownDocument,
  Store,
  StoredIdentity,
  TailRow,
  TrimmedRow,
  WaitingTail,
} from "./store.ts";
import {
  assertBody,
  assertBucket,
  assertCount,
  assertCoverage,
  assertDocumentRow,
  assertFrontier,
  assertIdentity,
  assertKeptAnswer,
  assertListing,
  assertLane,
  assertPending,
  assertPlace,
  assertQuarantine,
  assertTime,
} from "./admissible.ts";
import { MemoryEntries } from "./memory-entries.ts";
import { countProfiles, listProfiles } from "./memory-listing.ts";
import { MemoryScrub } from "./memory-scrub.ts";
import { AFTER, Journal, MemoryTable, orderedKey, placeKey, sameBytes } from "./memory-table.ts";
import {
  copyAnswer,
  copyBody,
  copyBucket,
  copyDocument,
  copyIdentity,
  copyPending,
  copyRecord,
  copyShown,
} from "./row-copies.ts";
import { voidEntry } from "./void-entry.ts";

/** The key of a table that has one row. */
const ONLY = "";

export class MemoryStore implements Store {
  readonly #journal = new Journal();
  readonly #identity = new MemoryTable<StoredIdentity>(this.#journal);
  readonly #documents = new MemoryTable<DocumentRow>(this.#journal);
  readonly #bodies = new MemoryTable<DocumentBody>(this.#journal);
  readonly #log = new MemoryEntries(this.#journal);
  readonly #frontier = new MemoryTable<FrontierRow>(this.#journal);
  readonly #buckets = new MemoryTable<BucketRow>(this.#journal);
  readonly #coverage = new MemoryTable<readonly [RegionCode, Hlc]>(this.#journal);
  readonly #pending = new MemoryTable<PendingEntry>(this.#journal);
  readonly #quarantine = new MemoryTable<QuarantineRecord>(this.#journal);
  readonly #answers = new MemoryTable<KeptAnswer>(this.#journal);
  readonly #epoch = new MemoryTable<number>(this.#journal);
  readonly #trimmed = new MemoryTable<TrimmedRow>(this.#journal);
  readonly #horizon = new MemoryTable<readonly [RegionCode, Hlc]>(this.#journal);
  readonly #lastQuarantineId = new MemoryTable<number>(this.#journal);
  readonly scrub = new MemoryScrub({
    journal: this.#journal,
    documents: this.#documents,
    bodies: this.#bodies,
    log: this.#log,
    frontier: this.#frontier,
    buckets: this.#buckets,
    pending: this.#pending,
    quarantine: this.#quarantine,
  });

  // ── transactions ──

  begin(): void {
    this.#journal.begin();
  }

  commit(): void {
    this.#journal.commit();
  }

  commitSoon(): boolean {
    this.#journal.commit();
    return true;
  }

  sync(): void {} // nothing waits for a disk

  rollback(): void {
    this.#journal.rollback();
  }

  get inTransaction(): boolean {
    return this.#journal.isOpen;
  }

  get isTransactionLost(): boolean {
    return false; // memory does not fail
  }

  // ── identity ──

  readIdentity(): StoredIdentity | undefined {
    const identity = this.#identity.get(ONLY);
    return identity && copyIdentity(identity);
  }

  writeIdentity(identity: StoredIdentity): void {
    assertIdentity(identity);
    this.#identity.set(ONLY, copyIdentity(identity));
  }

  // ── documents ──

  readDocument(place: DocumentPlace): DocumentRow | undefined {
    const row = this.#documents.get(keyOf(place));
    return row && copyDocument(row);
  }

  readShown(place: DocumentPlace): ShownDocument | undefined {
    const row = this.#documents.get(keyOf(place));
    return row && copyShown(row);
  }

  writeDocument(row: DocumentRow): void {
    assertDocumentRow(row);
    this.#documents.set(keyOf(row), copyDocument(row));
  }

  readBody(place: DocumentPlace): DocumentBody | undefined {
    const body = this.#bodies.get(keyOf(place));
    return body && copyBody(body);
  }

  writeBody(place: DocumentPlace, body: DocumentBody): void {
    assertPlace(place);
    assertBody(body);
    assert(this.#documents.has(keyOf(place)), "a body needs its document row");
    this.#bodies.set(keyOf(place), copyBody(body));
  }

  appendTail(place: DocumentPlace, chunks: Uint8Array, changes: number): void {
    assertPlace(place);
    assertCount(changes, "changes");
    assert(this.#documents.has(keyOf(place)), "a body needs its document row");
    const body = this.#bodies.get(keyOf(place));
    this.#bodies.set(keyOf(place), {
      base: body?.base,
      tail: new Uint8Array(Buffer.concat([body?.tail ?? new Uint8Array(0), chunks])),
      tailChanges: (body?.tailChanges ?? 0) + changes,
    });
  }

  dirtyDocuments(limit: number): DocumentPlace[] {
    return this.#places(limit, (row) => row.dirty);
  }

  longTails(changesMax: number, bytesMax: number, limit: number): DocumentPlace[] {
    return this.#places(limit, (row) => {
      const body = this.#bodies.get(keyOf(row));
      return body !== undefined && (body.tailChanges > changesMax || body.tail.length > bytesMax);
    });
  }

  waitingTails(limit: number): WaitingTail[] {
    assertCount(limit, "limit");
    const { TAIL_REST_CHANGES_MAX, TAIL_REST_BYTES_MAX } = limits;
    return this.longTails(TAIL_REST_CHANGES_MAX, TAIL_REST_BYTES_MAX, this.#documents.size)
      .map((place) => {
        const row = must(this.#documents.get(keyOf(place)), "a document with a tail");
        return { ...place, updatedHlc: row.updatedHlc };
      })
      .sort((a, b) => a.updatedHlc - b.updatedHlc) // stable: by position where the times are equal
      .slice(0, limit);
  }

  listDocuments({ from, to, after, limit }: DocumentRange): DocumentRow[] {
    assertCount(limit, "limit");
    const start = orderedKey(from);
    const beyond = after === undefined ? "" : keyOf(after) + AFTER;
    const page: DocumentRow[] = [];
    for (const row of this.#documents.scan(start > beyond ? start : beyond, orderedKey(to))) {
      if (page.length === limit) break;
      page.push({ ...copyDocument(row), view: undefined });
    }
    return page;
  }

  listSums(range: DocumentRange): DocumentSumRow[] {
    return this.listDocuments(range).map(({ docId, position, changeCount, sum }) => ({
      docId,
      position,
      changeCount,
      sum,
    }));
  }

  #places(limit: number, wanted: (row: DocumentRow) => boolean): DocumentPlace[] {
    assertCount(limit, "limit");
    const places: DocumentPlace[] = [];
    for (const row of this.#documents.scan()) {
      if (places.length === limit) break;
      if (row.quarantined || !wanted(row)) continue;
      const { docId, position, shard } = copyDocument(row);
      places.push({ docId, position, shard });
    }
    return places;
  }

  // ── the log ──

  appendLog(entry: LogEntry, element64: bigint): void {
    this.#log.append(entry, element64);
  }

  readLog(lane: Lane, range: SeqRange, bytesMax: number): LogEntry[] {
    return this.#log.read(lane, range, bytesMax);
  }

  appendVoid(place: Lane & { readonly seq: number }, about: { docId: DocId; hlc: Hlc }): void {
    this.#log.append(voidEntry(place, about), 0n);
  }

  removeLogEntry(lane: Lane, seq: number): boolean {
    return this.#log.remove(lane, seq);
  }

  hasLogEntry(lane: Lane, seq: number): boolean {
    return this.#log.has(lane, seq);
  }

  findChange(docId: DocId, hash: ChangeHash, element64: bigint): LogEntry | undefined {
    return this.#log.findChange(docId, hash, element64);
  }

  hasChange(docId: DocId, hash: ChangeHash, element64: bigint): boolean {
    return this.#log.hasChange(docId, hash, element64);
  }

  findElement(element64: bigint, limit: number): LogEntry[] {
    return this.#log.findElement(element64, limit);
  }

  readTail(region: RegionCode, after: Hlc, limit: number): TailRow[] {
    return this.#log.tail(region, after, limit);
  }

  readApplied(after: number, limit: number): AppliedRow[] {
    return this.#log.applied(after, limit);
  }

  readEpoch(): number {
    return this.#epoch.get(ONLY) ?? 0;
  }

  nextEpoch(): void {
    this.#epoch.set(ONLY, this.readEpoch() + 1);
  }

  readLogOfDocument(place: DocumentPlace): LogEntry[] {
    return this.#log.ofDocument(place);
  }

  lastHlc(): Hlc {
    return this.#log.lastHlc();
  }

  writeLastHlc(hlc: Hlc): void {
    this.#journal.assertWritable();
    this.#log.writeLastHlc(hlc);
  }

  lastApplied(): number {
    return this.#log.lastApplied();
  }

  trimLog(lane: Lane, through: number): LogSize {
    this.#journal.assertWritable();
    assertLane(lane);
    assertCount(through, "through");
    const removed = this.#log.trim(lane, through);
    this.writeTrimmed(lane, through);
    return removed;
  }

  writeTrimmed(lane: Lane, through: number): void {
    assertLane(lane);
    assertCount(through, "through");
    const { shard, origin } = lane;
    const key = orderedKey(shard, origin);
    const grown = Math.max(through, this.#trimmed.get(key)?.through ?? 0);
    this.#trimmed.set(key, { shard, origin, through: grown });
  }

  readTrimmed(): TrimmedRow[] {
    return [...this.#trimmed.scan()].map((row) => ({ ...row }));
  }

  clearTrimmed(): void {
    this.#trimmed.clear();
  }

  readHorizon(): RegionVector {
    return new Map(this.#horizon.scan());
  }

  writeHorizon(horizon: RegionVector): void {
    assertCoverage(horizon);
    this.#horizon.clear();
    for (const [region, hlc] of horizon) this.#horizon.set(orderedKey(region), [region, hlc]);
  }

  logSize(): LogSize {
    return this.#log.size();
  }

  oldestHlc(region: RegionCode): Hlc | undefined {
    return this.#log.oldestHlc(region);
  }

  // ── frontier and tree ──

  readFrontier(): FrontierRow[] {
    return [...this.#frontier.scan()].map((row) => ({ ...row, gaps: [...row.gaps] }));
  }

  writeFrontier(lane: Lane, frontier: LaneFrontier): void {
    assertFrontier(lane, frontier);
    const { shard, origin } = lane;
    const { contig, max } = frontier;
    const gaps = frontier.gaps.map(({ lo, hi }) => ({ lo, hi }));
    this.#frontier.set(orderedKey(shard, origin), { shard, origin, contig, max, gaps });
  }

  readBuckets(): BucketRow[] {
    return [...this.#buckets.scan()].map(copyBucket);
  }

  writeBucket(row: BucketRow): void {
    assertBucket(row);
    this.#buckets.set(orderedKey(row.shard, row.bucket), copyBucket(row));
  }

  clearBuckets(shard: number): void {
    assertCount(shard, "shard");
    this.#journal.assertWritable();
    const rows = [...this.#buckets.scan(orderedKey(shard), orderedKey(shard) + AFTER)];
    for (const { bucket } of rows) this.#buckets.delete(orderedKey(shard, bucket));
  }

  readCoverage(): RegionVector {
    return new Map(this.#coverage.scan());
  }

  clearCoverage(): void {
    this.#journal.assertWritable();
    for (const [region] of [...this.#coverage.scan()]) this.#coverage.delete(orderedKey(region));
  }

  writeCoverage(coverage: RegionVector): void {
    assertCoverage(coverage);
    this.#journal.assertWritable();
    for (const [region, hlc] of coverage) this.#coverage.set(orderedKey(region), [region, hlc]);
  }

  // ── what is set aside ──

  addPending(pending: PendingEntry): void {
    assertPending(pending);
    this.#pending.set(placeKey(pending.entry, pending.entry.seq), copyPending(pending));
  }

  pendingOf(docId: DocId): PendingEntry[] {
    return [...this.#pending.scan()]
      .filter(({ entry }) => sameBytes(entry.docId, docId))
      .map(copyPending);
  }

  pendingDocuments(): DocId[] {
    const keys = new Set<string>();
    for (const { entry } of this.#pending.scan()) keys.add(toHex(entry.docId));
    return [...keys].sort().map((key) => mustDocId(fromHex(key)));
  }

  hasPending(lane: Lane, seq: number): boolean {
    return this.#pending.has(placeKey(lane, seq));
  }

  removePending(lane: Lane, seq: number): void {
    this.#pending.delete(placeKey(lane, seq));
  }

  countPending(): number {
    return this.#pending.size;
  }

  addQuarantine(record: Omit<QuarantineRecord, "id">): QuarantineRecord {
    assertQuarantine(record);
    const id = (this.#lastQuarantineId.get(ONLY) ?? 0) + 1;
    this.#lastQuarantineId.set(ONLY, id);
    const stored = copyRecord({ ...record, reason: record.reason.toWellFormed(), id });
    this.#quarantine.set(orderedKey(id), stored);
    return copyRecord(stored);
  }

  listQuarantine(limit: number): QuarantineRecord[] {
    assertCount(limit, "limit");
    return [...this.#quarantine.scan()].reverse().slice(0, limit).map(copyRecord);
  }

  summarizeQuarantine(limit: number): QuarantineSummary[] {
    return this.listQuarantine(limit).map(({ bytes, ...head }) => ({
      ...head,
      size: bytes.length,
    }));
  }

  readQuarantine(id: number): QuarantineRecord | undefined {
    const isId = Number.isSafeInteger(id) && id > 0;
    const record = isId ? this.#quarantine.get(orderedKey(id)) : undefined;
    return record && copyRecord(record);
  }

  updateQuarantine({ id, atMs, reason, bytes }: QuarantineUpdate): boolean {
    this.#journal.assertWritable();
    assertTime(atMs);
    const record = this.readQuarantine(id);
    if (record === undefined) return false;
    const next = { ...record, atMs, reason: reason.toWellFormed(), bytes };
    this.#quarantine.set(orderedKey(id), copyRecord(next));
    return true;
  }

  removeQuarantine(id: number): boolean {
    this.#journal.assertWritable();
    return Number.isSafeInteger(id) && id > 0 && this.#quarantine.delete(orderedKey(id));
  }

  countQuarantine(): number {
    return this.#quarantine.size;
  }

  // ── answers kept, and listings ──

  keepAnswer(answer: KeptAnswer): void {
    this.#journal.assertWritable();
    assertKeptAnswer(answer);
    this.#answers.set(orderedKey(answer.key), copyAnswer(answer));
  }

  readAnswer(key: Uint8Array): KeptAnswer | undefined {
    const answer = this.#answers.get(orderedKey(key));
    return answer && copyAnswer(answer);
  }

  forgetAnswers(beforeMs: number, limit: number): number {
    this.#journal.assertWritable();
    assertTime(beforeMs);
    assertCount(limit, "limit");
    const old = [...this.#answers.scan()]
      .filter(({ atMs }) => atMs < beforeMs)
      .sort((a, b) => a.atMs - b.atMs)
      .slice(0, limit);
    for (const { key } of old) this.#answers.delete(orderedKey(key));
    return old.length;
  }

  countAnswers(): number {
    return this.#answers.size;
  }

  listProfiles(listing: ProfileListing): ListedProfile[] {
    assertListing(listing);
    return listProfiles(this.#documents.scan(), listing);
  }

  countProfiles(tenant: Tenant): number {
    return countProfiles(this.#documents.scan(), tenant);
  }

  // ── the end ──

  sizeBytes(): number {
    this.#journal.assertUsable();
    return 0;
  }

  close(): void {
    this.#journal.close();
  }
}

function keyOf({ position, docId }: DocumentPlace): string {
  return orderedKey(position, docId);
}
