/**
 * What is set aside, in SQLite: entries that wait for a parent and entries that wait for a person.
 *
 * Both are outside the log: neither is held, counted or announced, and the lane keeps a gap where they
 * belong, so that they are asked for again if they are lost here.
 */
import type { DocId, Lane } from "@atoll/core";
import { ByteStreamError, mustChangeHash, parseDocId } from "@atoll/core";
import type {
  PendingEntry,
  QuarantineRecord,
  QuarantineSummary,
  QuarantineUpdate,
} from "./store.ts";
import type { SqlValue, SqliteConnection } from "./sqlite-connection.ts";
import { copyRecord } from "./row-copies.ts";
import { assertCount, assertPending, assertQuarantine, assertTime } from "./admissible.ts";
import {
  chunksToBytes,
  docIdOfColumn,
  entryUnlessDamaged,
  hashOfColumn,
  originOfColumn,
  sealedDep,
} from "./sqlite-columns.ts";
import type { EntryColumns } from "./sqlite-columns.ts";

export type PendingColumns = EntryColumns & { readonly missing: Uint8Array };
type LaneSeq = [shard: number, origin: number, seq: number];

interface SummaryColumns {
  readonly id: number;
  readonly at_ms: number;
  readonly reason: string;
  readonly from_region: string | null;
  readonly shard: number | null;
  readonly origin: number | null;
  readonly seq: number | null;
  readonly doc_id: Uint8Array;
  readonly hash: Uint8Array | null;
  readonly size: number;
}

export type QuarantineColumns = Omit<SummaryColumns, "size"> & { readonly bytes: Uint8Array };

export class SqliteAside {
  readonly #addPending;
  readonly #pendingOf;
  readonly #pendingDocuments;
  readonly #hasPending;
  readonly #removePending;
  readonly #countPending;
  readonly #addQuarantine;
  readonly #listQuarantine;
  readonly #summarize;
  readonly #readQuarantine;
  readonly #writeQuarantine;
  readonly #removeQuarantine;
  readonly #countQuarantine;

  constructor(connection: SqliteConnection) {
    const columns = "shard, origin, seq, hlc, doc_id, hash, dep, containers, change, missing";
    this.#addPending = connection.writer<SqlValue[]>(
      `INSERT OR REPLACE INTO pending (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#pendingOf = connection.reader<[docId: DocId], PendingColumns, PendingEntry | undefined>(
      `SELECT ${columns} FROM pending WHERE doc_id = ?`, // ordered here: by SQLite it takes four times as long
      pendingUnlessDamaged,
    );
    this.#pendingDocuments = connection.reader<
      [],
      { readonly doc_id: Uint8Array },
      DocId | undefined
    >("SELECT DISTINCT doc_id FROM pending ORDER BY doc_id", (row) => parseDocId(row.doc_id));
    const bySeq = "WHERE shard = ? AND origin = ? AND seq = ?";
    this.#hasPending = connection.reader<LaneSeq, unknown, true>(
      `SELECT 1 FROM pending ${bySeq}`,
      () => true,
    );
    this.#removePending = connection.writer<LaneSeq>(`DELETE FROM pending ${bySeq}`);
    this.#countPending = connection.reader<[], { count: number }, number>(
      "SELECT count(*) AS count FROM pending",
      (row) => row.count,
    );
    this.#addQuarantine = connection.writer<SqlValue[]>(
      `INSERT INTO quarantine (at_ms, reason, from_region, shard, origin, seq, doc_id, hash, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#listQuarantine = connection.reader<[limit: number], QuarantineColumns, QuarantineRecord>(
      "SELECT * FROM quarantine ORDER BY id DESC LIMIT ?",
      recordOfColumns,
    );
    this.#summarize = connection.reader<
      [limit: number],
      SummaryColumns,
      QuarantineSummary | undefined
    >(
      `SELECT id, at_ms, reason, from_region, shard, origin, seq, doc_id, hash,
         length(bytes) AS size FROM quarantine ORDER BY id DESC LIMIT ?`,
      summaryUnlessDamaged,
    );
    this.#readQuarantine = connection.reader<[id: number], QuarantineColumns, QuarantineRecord>(
      "SELECT * FROM quarantine WHERE id = ?",
      recordOfColumns,
    );
    this.#writeQuarantine = connection.writer<SqlValue[]>(
      "UPDATE quarantine SET at_ms = ?, reason = ?, bytes = ? WHERE id = ?",
    );
    this.#removeQuarantine = connection.writer<[id: number]>("DELETE FROM quarantine WHERE id = ?");
    this.#countQuarantine = connection.reader<[], { count: number }, number>(
      "SELECT count(*) AS count FROM quarantine",
      (row) => row.count,
    );
  }

  addPending(pending: PendingEntry): void {
    assertPending(pending);
    const { entry, missing } = pending;
    const containers = chunksToBytes(entry.containers);
    this.#addPending.run(
      entry.shard,
      entry.origin,
      entry.seq,
      entry.hlc,
      entry.docId,
      entry.hash,
      sealedDep(entry, containers),
      containers,
      entry.change,
      missing,
    );
  }

  pendingOf(docId: DocId): PendingEntry[] {
    const found = this.#pendingOf.all(docId).filter((pending) => pending !== undefined);
    return found.sort(
      ({ entry: a }, { entry: b }) => a.shard - b.shard || a.origin - b.origin || a.seq - b.seq,
    );
  }

  pendingDocuments(): DocId[] {
    return this.#pendingDocuments.all().filter((docId) => docId !== undefined);
  }

  hasPending({ shard, origin }: Lane, seq: number): boolean {
    return this.#hasPending.get(shard, origin, seq) !== undefined;
  }

  removePending({ shard, origin }: Lane, seq: number): void {
    this.#removePending.run(shard, origin, seq);
  }

  countPending(): number {
    return this.#countPending.get() ?? 0;
  }

  addQuarantine(record: Omit<QuarantineRecord, "id">): QuarantineRecord {
    assertQuarantine(record);
    const reason = record.reason.toWellFormed(); // it may quote what a peer sent
    const { lastInsertRowid } = this.#addQuarantine.run(
      record.atMs,
      reason,
      record.fromRegion ?? null,
      record.lane?.shard ?? null,
      record.lane?.origin ?? null,
      record.seq ?? null,
      record.docId,
      record.hash ?? null,
      record.bytes,
    );
    return copyRecord({ ...record, reason, id: Number(lastInsertRowid) });
  }

  listQuarantine(limit: number): QuarantineRecord[] {
    assertCount(limit, "limit");
    return this.#listQuarantine.all(limit);
  }

  summarizeQuarantine(limit: number): QuarantineSummary[] {
    assertCount(limit, "limit");
    return this.#summarize.all(limit).filter((summary) => summary !== undefined);
  }

  readQuarantine(id: number): QuarantineRecord | undefined {
    return this.#readQuarantine.get(id);
  }

  updateQuarantine({ id, atMs, reason, bytes }: QuarantineUpdate): boolean {
    assertTime(atMs);
    return this.#writeQuarantine.run(atMs, reason.toWellFormed(), bytes, id).changes > 0;
  }

  removeQuarantine(id: number): boolean {
    return this.#removeQuarantine.run(id).changes > 0;
  }

  countQuarantine(): number {
    return this.#countQuarantine.get() ?? 0;
  }
}

export function pendingUnlessDamaged(row: PendingColumns): PendingEntry | undefined {
  const entry = entryUnlessDamaged(row);
  if (entry === undefined || row.missing.length !== 32) return undefined;
  return { entry, missing: mustChangeHash(row.missing) };
}

export function recordOfColumns(row: QuarantineColumns): QuarantineRecord {
  return { ...headOfColumns(row), bytes: row.bytes };
}

function summaryUnlessDamaged(row: SummaryColumns): QuarantineSummary | undefined {
  try {
    return { ...headOfColumns(row), size: row.size };
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
}

function headOfColumns(row: Omit<SummaryColumns, "size">): Omit<QuarantineSummary, "size"> {
  const { shard, origin } = row;
  const lane =
    shard === null || origin === null ? undefined : { shard, origin: originOfColumn(origin) };
  return {
    id: row.id,
    atMs: row.at_ms,
    reason: row.reason,
    fromRegion: row.from_region ?? undefined,
    lane,
    seq: row.seq ?? undefined,
    docId: docIdOfColumn(row.doc_id),
    hash: row.hash === null ? undefined : hashOfColumn(row.hash),
  };
}
