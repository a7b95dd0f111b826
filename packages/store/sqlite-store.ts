/**
 * The store on disk: the contract of `store.ts`, one SQLite file, one connection.
 *
 * This class only puts together. The rules of transactions and errors are in `sqlite-connection.ts`,
 * the shape of the file in `sqlite-schema.ts`, and each noun of the contract in a file of its own.
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
import { SqliteAnswers } from "./sqlite-answers.ts";
import { SqliteAside } from "./sqlite-aside.ts";
import type { SqliteOptions } from "./sqlite-connection.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { SqliteDocuments } from "./sqlite-documents.ts";
import { SqliteListing } from "./sqlite-listing.ts";
import { SqliteLogSize } from "./sqlite-log-size.ts";
import { SqliteLog } from "./sqlite-log.ts";
import { SqliteScrub } from "./sqlite-scrub.ts";
import { SqliteStanding } from "./sqlite-standing.ts";
import { SqliteTrimmed } from "./sqlite-trimmed.ts";
import { StagedDocuments } from "./staged-documents.ts";
import { voidEntry } from "./void-entry.ts";

/** Opens or creates the file, and brings an older format to the newest. */
export function openSqliteStore(options: SqliteOptions): SqliteStore {
  return new SqliteStore(new SqliteConnection(options));
}

export class SqliteStore implements Store {
  readonly #connection: SqliteConnection;
  readonly #standing: SqliteStanding;
  readonly #documents: StagedDocuments;
  readonly #log: SqliteLog;
  readonly #logSize: SqliteLogSize;
  readonly #aside: SqliteAside;
  readonly #answers: SqliteAnswers;
  readonly #listing: SqliteListing;
  readonly #trimmed: SqliteTrimmed;
  readonly scrub: SqliteScrub;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#standing = new SqliteStanding(connection);
    this.#documents = new StagedDocuments(connection, new SqliteDocuments(connection));
    this.#logSize = new SqliteLogSize(connection);
    this.#log = new SqliteLog(connection, this.#logSize);
    this.#aside = new SqliteAside(connection);
    this.#answers = new SqliteAnswers(connection);
    this.#listing = new SqliteListing(connection);
    this.#trimmed = new SqliteTrimmed(connection, this.#logSize);
    this.scrub = new SqliteScrub(connection, this.#logSize, () => this.#documents.flush());
  }

  // ── transactions ──
  begin(): void {
    this.#log.forget();
    this.#connection.begin();
  }

  commit(): void {
    this.#end();
    this.#connection.sync();
  }

  commitSoon(durable: () => void): boolean {
    this.#end();
    return this.#connection.syncSoon(durable);
  }

  sync(): void {
    this.#connection.sync();
  }

  #end(): void {
    this.#connection.assertWritable();
    this.#documents.flush();
    this.#logSize.write();
    this.#connection.commit();
  }

  rollback(): void {
    this.#documents.forget();
    this.#log.forget();
    this.#logSize.forget();
    this.#connection.rollback();
  }

  /** Another number than before as soon as another process has committed. */
  get dataVersion(): number {
    return this.#connection.dataVersion();
  }

  get inTransaction(): boolean {
    return this.#connection.inTransaction;
  }

  get isTransactionLost(): boolean {
    return this.#connection.isTransactionLost;
  }

  // ── identity ──
  readIdentity(): StoredIdentity | undefined {
    return this.#standing.readIdentity();
  }

  writeIdentity(identity: StoredIdentity): void {
    this.#standing.writeIdentity(identity);
  }

  // ── documents ──
  readDocument(place: DocumentPlace): DocumentRow | undefined {
    return this.#documents.read(place);
  }

  readShown(place: DocumentPlace): ShownDocument | undefined {
    return this.#documents.readShown(place);
  }

  writeDocument(row: DocumentRow): void {
    this.#documents.write(row);
  }

  readBody(place: DocumentPlace): DocumentBody | undefined {
    return this.#documents.all().readBody(place);
  }

  writeBody(place: DocumentPlace, body: DocumentBody): void {
    this.#documents.writeBody(place, body);
  }

  appendTail(place: DocumentPlace, chunks: Uint8Array, changes: number): void {
    this.#documents.appendTail(place, chunks, changes);
  }

  dirtyDocuments(limit: number): DocumentPlace[] {
    return this.#documents.all().dirtyDocuments(limit);
  }

  longTails(changesMax: number, bytesMax: number, limit: number): DocumentPlace[] {
    return this.#documents.all().longTails(changesMax, bytesMax, limit);
  }

  waitingTails(limit: number): WaitingTail[] {
    return this.#documents.all().waitingTails(limit);
  }

  listDocuments(range: DocumentRange): DocumentRow[] {
    return this.#documents.all().listDocuments(range);
  }

  listSums(range: DocumentRange): DocumentSumRow[] {
    return this.#documents.all().listSums(range);
  }

  listProfiles(listing: ProfileListing): ListedProfile[] {
    if (this.inTransaction) this.#documents.flush();
    return this.#listing.list(listing);
  }

  countProfiles(tenant: Tenant): number {
    if (this.inTransaction) this.#documents.flush();
    return this.#listing.count(tenant);
  }

  // ── answers kept ──
  keepAnswer(answer: KeptAnswer): void {
    this.#answers.keep(answer);
  }

  readAnswer(key: Uint8Array): KeptAnswer | undefined {
    return this.#answers.read(key);
  }

  forgetAnswers(beforeMs: number, limit: number): number {
    return this.#answers.forget(beforeMs, limit);
  }

  countAnswers(): number {
    return this.#answers.count();
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
    return this.#log.epoch();
  }

  nextEpoch(): void {
    this.#log.nextEpoch();
  }

  readLogOfDocument(place: DocumentPlace): LogEntry[] {
    return this.#log.ofDocument(place);
  }

  lastHlc(): Hlc {
    return this.#log.lastHlc();
  }

  writeLastHlc(hlc: Hlc): void {
    this.#log.writeLastHlc(hlc);
  }

  lastApplied(): number {
    return this.#log.lastApplied();
  }

  trimLog(lane: Lane, through: number): LogSize {
    return this.#trimmed.trim(lane, through);
  }

  writeTrimmed(lane: Lane, through: number): void {
    this.#trimmed.write(lane, through);
  }

  readTrimmed(): (TrimmedRow | undefined)[] {
    return this.#trimmed.read();
  }

  clearTrimmed(): void {
    this.#trimmed.clear();
  }

  readHorizon(): RegionVector | undefined {
    return this.#trimmed.readHorizon();
  }

  writeHorizon(horizon: RegionVector): void {
    this.#trimmed.writeHorizon(horizon);
  }

  logSize(): LogSize {
    return this.#logSize.read();
  }

  oldestHlc(region: RegionCode): Hlc | undefined {
    return this.#trimmed.oldest(region);
  }

  // ── frontier and tree ──
  readFrontier(): FrontierRow[] {
    return this.#standing.readFrontier();
  }

  writeFrontier(lane: Lane, frontier: LaneFrontier): void {
    this.#standing.writeFrontier(lane, frontier);
  }

  readBuckets(): BucketRow[] {
    return this.#standing.readBuckets();
  }

  writeBucket(row: BucketRow): void {
    this.#standing.writeBucket(row);
  }

  clearBuckets(shard: number): void {
    this.#standing.clearBuckets(shard);
  }

  readCoverage(): RegionVector {
    return this.#standing.readCoverage();
  }

  clearCoverage(): void {
    this.#standing.clearCoverage();
  }

  writeCoverage(coverage: RegionVector): void {
    this.#standing.writeCoverage(coverage);
  }

  // ── what is set aside ──
  addPending(pending: PendingEntry): void {
    this.#aside.addPending(pending);
  }

  pendingOf(docId: DocId): PendingEntry[] {
    return this.#aside.pendingOf(docId);
  }

  pendingDocuments(): DocId[] {
    return this.#aside.pendingDocuments();
  }

  hasPending(lane: Lane, seq: number): boolean {
    return this.#aside.hasPending(lane, seq);
  }

  removePending(lane: Lane, seq: number): void {
    this.#aside.removePending(lane, seq);
  }

  countPending(): number {
    return this.#aside.countPending();
  }

  addQuarantine(record: Omit<QuarantineRecord, "id">): QuarantineRecord {
    return this.#aside.addQuarantine(record);
  }

  listQuarantine(limit: number): QuarantineRecord[] {
    return this.#aside.listQuarantine(limit);
  }

  summarizeQuarantine(limit: number): QuarantineSummary[] {
    return this.#aside.summarizeQuarantine(limit);
  }

  readQuarantine(id: number): QuarantineRecord | undefined {
    return this.#aside.readQuarantine(id);
  }

  updateQuarantine(update: QuarantineUpdate): boolean {
    return this.#aside.updateQuarantine(update);
  }

  removeQuarantine(id: number): boolean {
    return this.#aside.removeQuarantine(id);
  }

  countQuarantine(): number {
    return this.#aside.countQuarantine();
  }

  // ── the file ──
  sizeBytes(): number {
    return this.#connection.sizeBytes();
  }

  /** Without the pages that trimming has left free. */
  usedBytes(): number {
    return this.#connection.usedBytes();
  }

  /** Changes the quota of a file that is open. */
  limitFile(bytes: number): void {
    this.#connection.limitFile(bytes);
  }

  close(): void {
    this.#documents.forget();
    this.#logSize.forget();
    this.#connection.close();
  }
}
