/**
 * Rows as they lie, in memory: the same pages as on the disk. Nothing is ever damaged here.
 */
import { assert, mustDocId, parseOrigin } from "@atoll/core";
import { assertCount, assertElement64 } from "./admissible.ts";
import type { MemoryEntries } from "./memory-entries.ts";
import type { Journal, MemoryTable } from "./memory-table.ts";
import { orderedKey, placeKey, sameBytes } from "./memory-table.ts";
import { copyBody, copyDocument, copyEntry, copyPending, copyRecord } from "./row-copies.ts";
import type {
  BucketRow,
  DocumentBody,
  DocumentRow,
  DocumentScan,
  FrontierRow,
  LogScan,
  PendingEntry,
  PendingScan,
  QuarantineRecord,
  QuarantineScan,
  RawLane,
  RawPlace,
  StoreScrub,
} from "./store.ts";
import { isVoid } from "./void-entry.ts";

interface Tables {
  readonly journal: Journal;
  readonly documents: MemoryTable<DocumentRow>;
  readonly bodies: MemoryTable<DocumentBody>;
  readonly log: MemoryEntries;
  readonly frontier: MemoryTable<FrontierRow>;
  readonly buckets: MemoryTable<BucketRow>;
  readonly pending: MemoryTable<PendingEntry>;
  readonly quarantine: MemoryTable<QuarantineRecord>;
}

export class MemoryScrub implements StoreScrub {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  nextLane(after: RawLane | undefined): RawLane | undefined {
    for (const { entry } of this.#tables.log.scan()) {
      const lane = { shard: BigInt(entry.shard), origin: BigInt(entry.origin) };
      if (after === undefined || isAfter(lane, after)) return lane;
    }
    return undefined;
  }

  scanLog(lane: RawLane, afterSeq: bigint | undefined, limit: number): LogScan[] {
    assertCount(limit, "limit");
    const page: LogScan[] = [];
    const origin = parseOrigin(Number(lane.origin));
    if (origin === undefined || lane.shard < 0n) return page;
    const after = Math.max(0, Number(afterSeq ?? 0n));
    if (after >= Number.MAX_SAFE_INTEGER) return page;
    const rows = this.#tables.log.scanLane({ shard: Number(lane.shard), origin }, after);
    for (const { entry, applied, element64 } of rows) {
      if (page.length === limit) break;
      page.push({
        applied: BigInt(applied),
        seq: BigInt(entry.seq),
        element64,
        isVoid: isVoid(entry),
        entry: copyEntry(entry),
      });
    }
    return page;
  }

  removeLogRow(applied: bigint): void {
    this.#tables.journal.assertWritable();
    this.#tables.log.removeApplied(Number(applied));
  }

  writeElement(applied: bigint, element64: bigint): void {
    this.#tables.journal.assertWritable();
    assertElement64(element64);
    this.#tables.log.writeElement(Number(applied), element64);
  }

  scanDocuments(after: RawPlace | undefined, limit: number): DocumentScan[] {
    assertCount(limit, "limit");
    const page: DocumentScan[] = [];
    for (const row of this.#tables.documents.scan()) {
      if (page.length === limit) break;
      const key = { position: BigInt(row.position), docId: new Uint8Array(row.docId) };
      if (after !== undefined && !isBeyond(key, after)) continue;
      const body = this.#tables.bodies.get(orderedKey(row.position, row.docId));
      const copy = body && copyBody(body);
      page.push({ key, row: copyDocument(row), body: copy, isTailMeasured: true });
    }
    return page;
  }

  /** Its body has the same key here, and goes with it. */
  removeDocumentRow({ position, docId }: RawPlace): void {
    const key = orderedKey(Number(position), mustDocId(docId));
    this.#tables.documents.delete(key);
    this.#tables.bodies.delete(key);
  }

  removeOrphans(): number {
    this.#tables.journal.assertWritable();
    return 0;
  }

  scanPending(after: bigint | undefined, limit: number): PendingScan[] {
    assertCount(limit, "limit");
    return [...this.#tables.pending.scan()]
      .map((pending, i) => ({ row: BigInt(i + 1), pending: copyPending(pending) }))
      .filter(({ row }) => after === undefined || row > after)
      .slice(0, limit);
  }

  removePendingRow(row: bigint): void {
    const pending = [...this.#tables.pending.scan()][Number(row) - 1];
    assert(pending !== undefined, "the row was scanned");
    this.#tables.pending.delete(placeKey(pending.entry, pending.entry.seq));
  }

  scanQuarantine(after: bigint | undefined, limit: number): QuarantineScan[] {
    assertCount(limit, "limit");
    return [...this.#tables.quarantine.scan()]
      .map((record) => ({ row: BigInt(record.id), record: copyRecord(record) }))
      .filter(({ row }) => after === undefined || row > after)
      .slice(0, limit);
  }

  removeQuarantineRow(row: bigint): void {
    this.#tables.quarantine.delete(orderedKey(Number(row)));
  }

  clearFrontier(): void {
    this.#tables.frontier.clear();
  }

  clearBuckets(): void {
    this.#tables.buckets.clear();
  }

  checkFile(): Promise<readonly string[]> {
    this.#tables.journal.assertUsable();
    return Promise.resolve([]);
  }
}

function isAfter(a: RawLane, b: RawLane): boolean {
  return a.shard > b.shard || (a.shard === b.shard && a.origin > b.origin);
}

function isBeyond(a: RawPlace, b: RawPlace): boolean {
  if (a.position !== b.position) return a.position > b.position;
  return !sameBytes(a.docId, b.docId) && Buffer.compare(a.docId, b.docId) > 0;
}
