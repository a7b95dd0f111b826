/**
 * The log in memory: every entry once, found by number, by place and by element, as on the disk.
 */
import type { ChangeHash, DocId, Hlc, Lane, LogEntry, RegionCode, SeqRange } from "@atoll/core";
import { HLC_ZERO, assert, entryBytes, mustChangeHash, mustDocId, originRegion } from "@atoll/core";
import type { AppliedRow, DocumentPlace, LogSize, TailRow } from "./store.ts";
import { assertCount, assertElement64, assertEntry, assertSeqRange } from "./admissible.ts";
import type { Journal } from "./memory-table.ts";
import { AFTER, MemoryTable, orderedKey, placeKey, sameBytes } from "./memory-table.ts";
import { copyEntry } from "./row-copies.ts";
import { isVoid } from "./void-entry.ts";

export interface Applied {
  readonly entry: LogEntry;
  readonly applied: number;
  readonly element64: bigint;
  /** The highest timestamp up to and including this entry. */
  readonly hlcHigh: Hlc;
}

export class MemoryEntries {
  readonly #entries: MemoryTable<Applied>;
  readonly #byPlace: MemoryTable<Applied>;
  readonly #byElement: MemoryTable<readonly Applied[]>;
  readonly #byTime: MemoryTable<Applied>;

  constructor(journal: Journal) {
    this.#entries = new MemoryTable(journal);
    this.#byPlace = new MemoryTable(journal);
    this.#byElement = new MemoryTable(journal);
    this.#byTime = new MemoryTable(journal);
  }

  append(entry: LogEntry, element64: bigint): void {
    assertEntry(entry);
    assertElement64(element64);
    const place = placeKey(entry, entry.seq);
    assert(!this.#byPlace.has(place), "a place in the log is given once");
    const applied = this.lastApplied() + 1;
    const highest = this.lastHlc();
    const hlcHigh = entry.hlc > highest ? entry.hlc : highest;
    this.#keep({ entry: copyEntry(entry), applied, element64, hlcHigh });
  }

  read(lane: Lane, range: SeqRange, bytesMax: number): LogEntry[] {
    assertSeqRange(range);
    const from = placeKey(lane, range.lo);
    const to = placeKey(lane, range.hi) + AFTER;
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (const { entry } of this.#byPlace.scan(from, to)) {
      if (isVoid(entry)) continue;
      entries.push(copyEntry(entry));
      bytes += entryBytes(entry);
      if (bytes > bytesMax) break;
    }
    return entries;
  }

  has(lane: Lane, seq: number): boolean {
    return this.#byPlace.has(placeKey(lane, seq));
  }

  findChange(docId: DocId, hash: ChangeHash, element64: bigint): LogEntry | undefined {
    const rows = this.#byElement.get(String(element64)) ?? [];
    const row = rows.find(
      ({ entry }) => sameBytes(entry.docId, docId) && sameBytes(entry.hash, hash),
    );
    return row && copyEntry(row.entry);
  }

  hasChange(docId: DocId, hash: ChangeHash, element64: bigint): boolean {
    return this.findChange(docId, hash, element64) !== undefined;
  }

  findElement(element64: bigint, limit: number): LogEntry[] {
    assertElement64(element64);
    assertCount(limit, "limit");
    const rows = (this.#byElement.get(String(element64)) ?? []).filter(
      ({ entry }) => !isVoid(entry),
    );
    return rows.slice(0, limit).map(({ entry }) => copyEntry(entry));
  }

  tail(region: RegionCode, after: Hlc, limit: number): TailRow[] {
    assertCount(limit, "limit");
    const rows: TailRow[] = [];
    const above = this.#byTime.scan(orderedKey(region, after) + AFTER, orderedKey(region) + AFTER);
    for (const { entry } of above) {
      if (rows.length === limit) break;
      if (isVoid(entry)) continue;
      const docId = mustDocId(new Uint8Array(entry.docId));
      rows.push({ docId, hash: mustChangeHash(new Uint8Array(entry.hash)) });
    }
    return rows;
  }

  applied(after: number, limit: number): AppliedRow[] {
    assertCount(limit, "limit");
    const rows: AppliedRow[] = [];
    for (const { applied, entry } of this.#entries.scan(orderedKey(after) + AFTER)) {
      if (rows.length === limit) break;
      if (isVoid(entry)) continue;
      const { docId, hash, origin, hlc } = copyEntry(entry);
      rows.push({ applied, docId, hash, origin, hlc });
    }
    return rows;
  }

  ofDocument({ shard, docId }: DocumentPlace): LogEntry[] {
    return [...this.#entries.scan()]
      .filter(({ entry }) => entry.shard === shard && sameBytes(entry.docId, docId))
      .filter(({ entry }) => !isVoid(entry))
      .map(({ entry }) => copyEntry(entry));
  }

  lastHlc(): Hlc {
    return this.#entries.last()?.hlcHigh ?? HLC_ZERO;
  }

  lastApplied(): number {
    return this.#entries.last()?.applied ?? 0;
  }

  writeLastHlc(hlc: Hlc): void {
    const last = this.#entries.last();
    if (last !== undefined) this.#replace(last, { ...last, hlcHigh: hlc });
  }

  remove(lane: Lane, seq: number): boolean {
    const row = this.#byPlace.get(placeKey(lane, seq));
    this.#byPlace.delete(placeKey(lane, seq)); // also asserts the transaction
    if (row !== undefined) this.#forget(row);
    return row !== undefined;
  }

  /** The newest row stays. */
  trim(lane: Lane, through: number): LogSize {
    const newest = this.#entries.last()?.entry;
    const isNewest = newest?.shard === lane.shard && newest.origin === lane.origin;
    assert(!isNewest || newest.seq > through, "the newest row of the log stays");
    const rows = [...this.#byPlace.scan(placeKey(lane, 0), placeKey(lane, through) + AFTER)];
    for (const { entry } of rows) this.remove(lane, entry.seq);
    return sizeOf(rows);
  }

  size(): LogSize {
    return sizeOf([...this.#entries.scan()]);
  }

  oldestHlc(region: RegionCode): Hlc | undefined {
    const from = orderedKey(region, HLC_ZERO + 1);
    for (const { entry } of this.#byTime.scan(from, orderedKey(region) + AFTER)) return entry.hlc;
    return undefined;
  }

  // ── for the scrub ──

  /** Of one lane, above a number. */
  scanLane(lane: Lane, afterSeq: number): Generator<Applied> {
    return this.#byPlace.scan(
      placeKey(lane, afterSeq + 1),
      orderedKey(lane.shard, lane.origin) + AFTER,
    );
  }

  *scan(): Generator<Applied> {
    yield* this.#byPlace.scan();
  }

  removeApplied(applied: number): void {
    const row = this.#entries.get(orderedKey(applied));
    if (row !== undefined) this.remove(row.entry, row.entry.seq);
  }

  writeElement(applied: number, element64: bigint): void {
    const row = this.#entries.get(orderedKey(applied));
    if (row !== undefined) this.#replace(row, { ...row, element64 });
  }

  #replace(row: Applied, next: Applied): void {
    this.#forget(row);
    this.#keep(next);
  }

  #keep(row: Applied): void {
    this.#entries.set(orderedKey(row.applied), row);
    this.#byPlace.set(placeKey(row.entry, row.entry.seq), row);
    const sameElement = this.#byElement.get(String(row.element64)) ?? [];
    this.#byElement.set(String(row.element64), [...sameElement, row]);
    this.#byTime.set(timeKey(row), row);
  }

  #forget(row: Applied): void {
    this.#entries.delete(orderedKey(row.applied));
    this.#byTime.delete(timeKey(row));
    const key = String(row.element64);
    const others = (this.#byElement.get(key) ?? []).filter((other) => other !== row);
    if (others.length > 0) this.#byElement.set(key, others);
    else this.#byElement.delete(key);
  }
}

function timeKey({ entry, applied }: Applied): string {
  return orderedKey(originRegion(entry.origin), entry.hlc, applied);
}

function sizeOf(rows: readonly Applied[]): LogSize {
  const bytes = rows.reduce((total, { entry }) => total + entryBytes(entry), 0);
  return { rows: rows.length, bytes };
}
