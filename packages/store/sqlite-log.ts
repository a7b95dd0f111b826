/**
 * The log in SQLite: every entry once, in the order in which it was applied here.
 *
 * A row whose change is empty is VOID: its place is used and nothing lies there. A row that is damaged
 * is left out by every reader but `scan`: to a peer that asks, it is not held.
 *
 * An entry is found four ways: by place (shard, origin, seq) for catch-up, by element for repair, by
 * region and time for what lies above a cut, and by its number for "what is new". Elements are compared by
 * their low 64 bits in the index and by
 * document and hash in the row, because 64 bits may collide and the index is a fifth of the size.
 */
import type { ChangeHash, DocId, Hlc, Lane, LogEntry, RegionCode, SeqRange } from "@atoll/core";
import { HLC_ZERO, entryBytes } from "@atoll/core";
import type { AppliedRow, DocumentPlace, LogSize, TailRow } from "./store.ts";
import type { SqlValue, SqliteConnection } from "./sqlite-connection.ts";
import type { SqliteLogSize } from "./sqlite-log-size.ts";
import { WEIGHED } from "./sqlite-log-size.ts";
import { assertCount, assertElement64, assertEntry, assertSeqRange } from "./admissible.ts";
import {
  chunksToBytes,
  docIdOfColumn,
  entryUnlessDamaged,
  hashOfColumn,
  hlcOfColumn,
  originOfColumn,
  sealedDep,
} from "./sqlite-columns.ts";
import type { EntryColumns } from "./sqlite-columns.ts";

type ElementKey = [element64: bigint, docId: DocId, hash: ChangeHash];
type LaneSeq = [shard: number, origin: number, seq: number];
type LaneRange = [shard: number, origin: number, lo: number, hi: number];

/** The head of the log: number of the newest entry, and the highest timestamp of all. */
interface Newest {
  readonly applied: number;
  readonly hlc: Hlc;
}

const found = (): true => true;

const ENTRY_COLUMNS = "shard, origin, seq, hlc, doc_id, hash, dep, containers, change";
const NEWEST = "ORDER BY applied DESC LIMIT 1";

export class SqliteLog {
  readonly #append;
  readonly #read;
  readonly #has;
  readonly #findChange;
  readonly #hasChange;
  readonly #findElement;
  readonly #tail;
  readonly #applied;
  readonly #epoch;
  readonly #nextEpoch;
  readonly #ofDocument;
  readonly #newest;
  readonly #weigh;
  readonly #remove;
  readonly #writeLastHlc;
  readonly #size: SqliteLogSize;
  /** The highest timestamp, as far as this transaction has asked or said. */
  #high: Hlc | undefined;

  constructor(connection: SqliteConnection, size: SqliteLogSize) {
    this.#size = size;
    this.#append = connection.writer<SqlValue[]>(
      `INSERT INTO log (${ENTRY_COLUMNS}, element64, hlc_high)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#read = connection.reader<LaneRange, EntryColumns, LogEntry | undefined>(
      `SELECT ${ENTRY_COLUMNS} FROM log WHERE shard = ? AND origin = ? AND seq BETWEEN ? AND ?
       AND length(change) > 0 ORDER BY seq`,
      entryUnlessDamaged,
    );
    this.#has = connection.reader<[number, number, seq: number], unknown, true>(
      "SELECT 1 FROM log WHERE shard = ? AND origin = ? AND seq = ?",
      found,
    );
    const byElement = "FROM log WHERE element64 = ? AND doc_id = ? AND hash = ? LIMIT 1";
    this.#findChange = connection.reader<ElementKey, EntryColumns, LogEntry | undefined>(
      `SELECT ${ENTRY_COLUMNS} ${byElement}`,
      entryUnlessDamaged,
    );
    this.#hasChange = connection.reader<ElementKey, unknown, true>(`SELECT 1 ${byElement}`, found);
    this.#findElement = connection.reader<
      [element64: bigint, limit: number],
      EntryColumns,
      LogEntry | undefined
    >(
      `SELECT ${ENTRY_COLUMNS} FROM log WHERE element64 = ? AND length(change) > 0 LIMIT ?`,
      entryUnlessDamaged,
    );
    this.#tail = connection.reader<
      [region: number, after: number, limit: number],
      Pick<EntryColumns, "doc_id" | "hash">,
      TailRow
    >(
      `SELECT doc_id, hash FROM log INDEXED BY log_tail
       WHERE origin >> 46 = ? AND hlc > ? AND length(change) > 0 ORDER BY hlc LIMIT ?`,
      (row) => ({ docId: docIdOfColumn(row.doc_id), hash: hashOfColumn(row.hash) }),
    );
    this.#applied = connection.reader<
      [after: number, limit: number],
      Pick<EntryColumns, "doc_id" | "hash" | "origin" | "hlc"> & { readonly applied: number },
      AppliedRow
    >(
      `SELECT applied, doc_id, hash, origin, hlc FROM log
       WHERE applied > ? AND length(change) > 0 ORDER BY applied LIMIT ?`,
      (row) => ({
        applied: row.applied,
        docId: docIdOfColumn(row.doc_id),
        hash: hashOfColumn(row.hash),
        origin: originOfColumn(row.origin),
        hlc: hlcOfColumn(row.hlc),
      }),
    );
    this.#epoch = connection.reader<[], { epoch: number }, number>(
      "SELECT epoch FROM epoch",
      ({ epoch }) => epoch,
    );
    this.#nextEpoch = connection.writer<[]>("UPDATE epoch SET epoch = epoch + 1");
    this.#ofDocument = connection.reader<
      [shard: number, docId: DocId],
      EntryColumns,
      LogEntry | undefined
    >(
      `SELECT ${ENTRY_COLUMNS} FROM log INDEXED BY log_place WHERE shard = ? AND doc_id = ?
       AND length(change) > 0 ORDER BY applied`,
      entryUnlessDamaged,
    );
    const bySeq = "FROM log WHERE shard = ? AND origin = ? AND seq = ?";
    this.#weigh = connection.reader<LaneSeq, LogSize, LogSize>(`${WEIGHED} ${bySeq}`, (row) => row);
    this.#remove = connection.writer<LaneSeq>(`DELETE ${bySeq}`);
    this.#writeLastHlc = connection.writer<[hlc: number]>(
      "UPDATE log SET hlc_high = ? WHERE applied = (SELECT max(applied) FROM log)",
    );
    this.#newest = connection.reader<[], { applied: number; hlc_high: number }, Newest>(
      `SELECT applied, hlc_high FROM log ${NEWEST}`,
      (row) => ({ applied: row.applied, hlc: hlcOfColumn(row.hlc_high) }),
    );
  }

  append(entry: LogEntry, element64: bigint): void {
    assertEntry(entry);
    assertElement64(element64);
    const containers = chunksToBytes(entry.containers);
    const known = this.#high ?? this.lastHlc();
    const high = entry.hlc > known ? entry.hlc : known;
    this.#append.run(
      entry.shard,
      entry.origin,
      entry.seq,
      entry.hlc,
      entry.docId,
      entry.hash,
      sealedDep(entry, containers),
      containers,
      entry.change,
      element64,
      high,
    );
    this.#size.added(entry.change, containers);
    this.#high = high;
  }

  /** What the log says may have changed: a transaction begins or was undone, or rows are gone. */
  forget(): void {
    this.#high = undefined;
  }

  read({ shard, origin }: Lane, range: SeqRange, bytesMax: number): LogEntry[] {
    assertSeqRange(range);
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (const entry of this.#read.each(shard, origin, range.lo, range.hi)) {
      if (entry === undefined) continue;
      entries.push(entry);
      bytes += entryBytes(entry);
      if (bytes > bytesMax) break;
    }
    return entries;
  }

  has({ shard, origin }: Lane, seq: number): boolean {
    return this.#has.get(shard, origin, seq) !== undefined;
  }

  findChange(docId: DocId, hash: ChangeHash, element64: bigint): LogEntry | undefined {
    return this.#findChange.get(element64, docId, hash);
  }

  hasChange(docId: DocId, hash: ChangeHash, element64: bigint): boolean {
    return this.#hasChange.get(element64, docId, hash) !== undefined;
  }

  findElement(element64: bigint, limit: number): LogEntry[] {
    assertElement64(element64);
    assertCount(limit, "limit");
    return this.#findElement.all(element64, limit).filter((entry) => entry !== undefined);
  }

  tail(region: RegionCode, after: Hlc, limit: number): TailRow[] {
    assertCount(limit, "limit");
    return this.#tail.all(region, after, limit);
  }

  applied(after: number, limit: number): AppliedRow[] {
    assertCount(limit, "limit");
    return this.#applied.all(after, limit);
  }

  epoch(): number {
    return this.#epoch.get() ?? 0;
  }

  nextEpoch(): void {
    this.#nextEpoch.run();
  }

  ofDocument({ shard, docId }: DocumentPlace): LogEntry[] {
    return this.#ofDocument.all(shard, docId).filter((entry) => entry !== undefined);
  }

  remove({ shard, origin }: Lane, seq: number): boolean {
    this.forget();
    const removed = this.#weigh.get(shard, origin, seq);
    if (removed === undefined || removed.rows === 0) return false;
    this.#remove.run(shard, origin, seq);
    this.#size.removed(removed);
    return true;
  }

  writeLastHlc(hlc: Hlc): void {
    this.forget();
    this.#writeLastHlc.run(hlc);
  }

  lastHlc(): Hlc {
    return this.#newest.get()?.hlc ?? HLC_ZERO;
  }

  lastApplied(): number {
    return this.#newest.get()?.applied ?? 0;
  }
}
