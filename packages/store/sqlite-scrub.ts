/**
 * Rows as they lie, in SQLite: every table page by page, without believing a single column.
 *
 * Keys are read as text and bound as 64-bit integers, because a flipped bit may have put them beyond what
 * a JavaScript number holds, and a walk that rounds its own position never ends. Rows are removed by
 * `rowid` or by their full key for the same reason.
 */
import { Worker } from "node:worker_threads";
import { ByteStreamError, errorText } from "@atoll/core";
import type { PendingColumns, QuarantineColumns } from "./sqlite-aside.ts";
import { pendingUnlessDamaged, recordOfColumns } from "./sqlite-aside.ts";
import type { EntryColumns } from "./sqlite-columns.ts";
import { entryUnlessDamaged } from "./sqlite-columns.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";
import type { RowColumns } from "./sqlite-documents.ts";
import { SMALL_COLUMNS, documentOfColumns } from "./sqlite-documents.ts";
import type { SqliteLogSize } from "./sqlite-log-size.ts";
import { WEIGHED } from "./sqlite-log-size.ts";
import type {
  DocumentScan,
  LogScan,
  LogSize,
  PendingScan,
  QuarantineRecord,
  QuarantineScan,
  RawLane,
  RawPlace,
  StoreScrub,
} from "./store.ts";
import { assertCount, assertElement64 } from "./admissible.ts";

const INT64_MIN = -(2n ** 63n);
const EMPTY = new Uint8Array(0);

interface LogColumns extends EntryColumns {
  readonly applied_text: string;
  readonly seq_text: string;
  readonly element_text: string;
}

interface DocumentColumns extends RowColumns {
  readonly position_text: string;
  readonly tail: Uint8Array | null;
  readonly base: Uint8Array | null;
  readonly tail_changes: number;
  readonly tail_bytes: number;
}

type LaneColumns = { readonly shard: string; readonly origin: string };
type RowText = { readonly row_text: string };

export class SqliteScrub implements StoreScrub {
  readonly #connection: SqliteConnection;
  readonly #settle: () => void;
  readonly #firstLane;
  readonly #nextLane;
  readonly #scanLog;
  readonly #size: SqliteLogSize;
  readonly #weighLogRow;
  readonly #removeLogRow;
  readonly #writeElement;
  readonly #scanDocuments;
  readonly #removeDocumentRow;
  readonly #orphanBodies;
  readonly #orphanBases;
  readonly #scanPending;
  readonly #removePendingRow;
  readonly #scanQuarantine;
  readonly #removeQuarantineRow;
  readonly #clearFrontier;
  readonly #clearBuckets;

  /** `settle`: writes what is staged of documents, before anybody looks past the stage. */
  constructor(connection: SqliteConnection, size: SqliteLogSize, settle: () => void) {
    this.#size = size;
    this.#settle = settle;
    this.#connection = connection;
    const lane = "SELECT CAST(shard AS TEXT) AS shard, CAST(origin AS TEXT) AS origin FROM log";
    const firstLane = "ORDER BY log.shard, log.origin LIMIT 1";
    this.#firstLane = connection.reader<[], LaneColumns, RawLane>(`${lane} ${firstLane}`, rawLane);
    this.#nextLane = connection.reader<[bigint, bigint], LaneColumns, RawLane>(
      `${lane} WHERE (log.shard, log.origin) > (?, ?) ${firstLane}`,
      rawLane,
    );
    this.#scanLog = connection.reader<[bigint, bigint, bigint, number], LogColumns, LogScan>(
      `SELECT shard, origin, seq, hlc, doc_id, hash, dep, containers, change,
         CAST(applied AS TEXT) AS applied_text, CAST(seq AS TEXT) AS seq_text,
         CAST(element64 AS TEXT) AS element_text
       FROM log WHERE shard = ? AND origin = ? AND seq > ? ORDER BY seq LIMIT ?`,
      (row) => ({
        applied: BigInt(row.applied_text),
        seq: BigInt(row.seq_text),
        element64: BigInt(row.element_text),
        isVoid: row.change.length === 0,
        entry: entryUnlessDamaged(row),
      }),
    );
    const byNumber = "FROM log WHERE applied = ?";
    this.#weighLogRow = connection.reader<[bigint], LogSize, LogSize>(
      `${WEIGHED} ${byNumber}`,
      (row) => row,
    );
    this.#removeLogRow = connection.writer<[bigint]>(`DELETE ${byNumber}`);
    this.#writeElement = connection.writer<[element64: bigint, applied: bigint]>(
      "UPDATE log SET element64 = ? WHERE applied = ?",
    );
    this.#scanDocuments = connection.reader<
      [bigint, Uint8Array, number],
      DocumentColumns,
      DocumentScan
    >(
      `SELECT ${SMALL_COLUMNS}, d.tail_changes, d.tail_bytes,
         CAST(d.position AS TEXT) AS position_text,
         (SELECT view FROM body WHERE id = d.body) AS view,
         (SELECT tail FROM body WHERE id = d.body) AS tail,
         (SELECT base FROM base WHERE id = d.body) AS base
       FROM document d WHERE (d.position, d.doc_id) > (?, ?) ORDER BY d.position, d.doc_id LIMIT ?`,
      documentScan,
    );
    this.#removeDocumentRow = connection.writer<[bigint, Uint8Array]>(
      "DELETE FROM document WHERE position = ? AND doc_id = ?",
    );
    const orphans = "WHERE id NOT IN (SELECT body FROM document)";
    this.#orphanBodies = connection.writer(`DELETE FROM body ${orphans}`);
    this.#orphanBases = connection.writer(`DELETE FROM base ${orphans}`);
    this.#scanPending = connection.reader<[bigint, number], PendingColumns & RowText, PendingScan>(
      `SELECT CAST(rowid AS TEXT) AS row_text, * FROM pending WHERE rowid > ?
       ORDER BY rowid LIMIT ?`,
      (row) => ({ row: BigInt(row.row_text), pending: pendingUnlessDamaged(row) }),
    );
    this.#removePendingRow = connection.writer<[bigint]>("DELETE FROM pending WHERE rowid = ?");
    this.#scanQuarantine = connection.reader<
      [bigint, number],
      QuarantineColumns & RowText,
      QuarantineScan
    >(
      `SELECT CAST(id AS TEXT) AS row_text, * FROM quarantine WHERE id > ? ORDER BY id LIMIT ?`,
      (row) => ({ row: BigInt(row.row_text), record: recordUnlessDamaged(row) }),
    );
    this.#removeQuarantineRow = connection.writer<[bigint]>("DELETE FROM quarantine WHERE id = ?");
    this.#clearFrontier = connection.writer("DELETE FROM frontier");
    this.#clearBuckets = connection.writer("DELETE FROM bucket");
  }

  nextLane(after: RawLane | undefined): RawLane | undefined {
    return after === undefined
      ? this.#firstLane.get()
      : this.#nextLane.get(after.shard, after.origin);
  }

  scanLog(lane: RawLane, afterSeq: bigint | undefined, limit: number): LogScan[] {
    assertCount(limit, "limit");
    return this.#scanLog.all(lane.shard, lane.origin, afterSeq ?? INT64_MIN, limit);
  }

  removeLogRow(applied: bigint): void {
    const removed = this.#weighLogRow.get(applied);
    this.#removeLogRow.run(applied);
    if (removed !== undefined) this.#size.removed(removed);
  }

  writeElement(applied: bigint, element64: bigint): void {
    assertElement64(element64);
    this.#writeElement.run(element64, applied);
  }

  scanDocuments(after: RawPlace | undefined, limit: number): DocumentScan[] {
    assertCount(limit, "limit");
    this.#settle();
    return this.#scanDocuments.all(after?.position ?? INT64_MIN, after?.docId ?? EMPTY, limit);
  }

  removeDocumentRow({ position, docId }: RawPlace): void {
    this.#settle();
    this.#removeDocumentRow.run(position, docId);
  }

  removeOrphans(): number {
    this.#settle();
    return this.#orphanBodies.run().changes + this.#orphanBases.run().changes;
  }

  scanPending(after: bigint | undefined, limit: number): PendingScan[] {
    assertCount(limit, "limit");
    return this.#scanPending.all(after ?? INT64_MIN, limit);
  }

  removePendingRow(row: bigint): void {
    this.#removePendingRow.run(row);
  }

  scanQuarantine(after: bigint | undefined, limit: number): QuarantineScan[] {
    assertCount(limit, "limit");
    return this.#scanQuarantine.all(after ?? INT64_MIN, limit);
  }

  removeQuarantineRow(row: bigint): void {
    this.#removeQuarantineRow.run(row);
  }

  clearFrontier(): void {
    this.#clearFrontier.run();
  }

  clearBuckets(): void {
    this.#clearBuckets.run();
  }

  /** In a thread of its own, on a connection of its own: it reads the whole file. */
  checkFile(): Promise<readonly string[]> {
    const { path } = this.#connection;
    if (path === ":memory:") return Promise.resolve([]);
    return new Promise((resolve) => {
      const worker = new Worker(new URL("./sqlite-check.ts", import.meta.url), {
        workerData: path,
      });
      worker.once("message", resolve);
      worker.once("error", (error) => resolve([errorText(error)]));
      worker.unref();
    });
  }
}

function rawLane({ shard, origin }: LaneColumns): RawLane {
  return { shard: BigInt(shard), origin: BigInt(origin) };
}

function documentScan(columns: DocumentColumns): DocumentScan {
  const { tail, base } = columns;
  let row: DocumentScan["row"];
  try {
    row = documentOfColumns(columns);
  } catch (error) {
    if (!(error instanceof ByteStreamError)) throw error;
  }
  return {
    key: { position: BigInt(columns.position_text), docId: columns.doc_id },
    row,
    body:
      tail === null
        ? undefined
        : { base: base ?? undefined, tail, tailChanges: columns.tail_changes },
    isTailMeasured: columns.tail_bytes === (tail?.length ?? 0),
  };
}

function recordUnlessDamaged(row: QuarantineColumns): QuarantineRecord | undefined {
  try {
    return recordOfColumns(row);
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
}
