/**
 * How far the log is trimmed, in SQLite.
 *
 *     trimmed   (shard, origin) ──▶ through      rows at or below it may be gone
 *     horizon   region ──▶ hlc                   changes without a row are at or below it
 *
 * These few numbers decide whether a place without a row is trimmed or lost, and at which cuts the sums
 * are exact. One flipped bit in them would do more harm than anywhere else, so each row has a seal, a
 * CRC-32 over its key and value; a row whose seal does not hold is reported as damaged, never believed.
 */
import { crc32 } from "node:zlib";
import type { Hlc, Lane, RegionCode, RegionVector } from "@atoll/core";
import { HLC_ZERO, assert, parseHlc, parseOrigin, parseRegionCode } from "@atoll/core";
import type { LogSize, TrimmedRow } from "./store.ts";
import { assertCount, assertCoverage, assertLane } from "./admissible.ts";
import type { SqlValue, SqliteConnection } from "./sqlite-connection.ts";
import type { SqliteLogSize } from "./sqlite-log-size.ts";
import { WEIGHED } from "./sqlite-log-size.ts";

interface TrimmedColumns {
  readonly shard: number;
  readonly origin: number;
  readonly through: number;
  readonly seal: number;
}

type LaneThrough = [shard: number, origin: number, through: number];

interface HorizonColumns {
  readonly region: number;
  readonly hlc: number;
  readonly seal: number;
}

export class SqliteTrimmed {
  readonly #read;
  readonly #readLane;
  readonly #write;
  readonly #clear;
  readonly #delete;
  readonly #newest;
  readonly #readHorizon;
  readonly #writeHorizon;
  readonly #clearHorizon;
  readonly #size: SqliteLogSize;
  readonly #weigh;
  readonly #oldest;

  constructor(connection: SqliteConnection, size: SqliteLogSize) {
    this.#size = size;
    this.#read = connection.reader<[], TrimmedColumns, TrimmedRow | undefined>(
      "SELECT shard, origin, through, seal FROM trimmed ORDER BY shard, origin",
      trimmedOfColumns,
    );
    this.#readLane = connection.reader<
      [shard: number, origin: number],
      TrimmedColumns,
      TrimmedRow | undefined
    >(
      "SELECT shard, origin, through, seal FROM trimmed WHERE shard = ? AND origin = ?",
      trimmedOfColumns,
    );
    this.#write = connection.writer<SqlValue[]>(
      `INSERT INTO trimmed (shard, origin, through, seal) VALUES (?, ?, ?, ?)
       ON CONFLICT (shard, origin) DO UPDATE
       SET through = excluded.through, seal = excluded.seal`,
    );
    this.#clear = connection.writer<[]>("DELETE FROM trimmed");
    const through = "FROM log WHERE shard = ? AND origin = ? AND seq <= ?";
    this.#weigh = connection.reader<LaneThrough, LogSize, LogSize>(
      `${WEIGHED} ${through}`,
      (row) => row,
    );
    this.#delete = connection.writer<LaneThrough>(`DELETE ${through}`);
    this.#newest = connection.reader<
      [],
      { shard: number; origin: number; seq: number },
      { shard: number; origin: number; seq: number }
    >("SELECT shard, origin, seq FROM log ORDER BY applied DESC LIMIT 1", (row) => row);
    this.#readHorizon = connection.reader<
      [],
      HorizonColumns,
      readonly [RegionCode, Hlc] | undefined
    >("SELECT region, hlc, seal FROM horizon ORDER BY region", horizonOfColumns);
    this.#writeHorizon = connection.writer<SqlValue[]>(
      "INSERT INTO horizon (region, hlc, seal) VALUES (?, ?, ?)",
    );
    this.#clearHorizon = connection.writer<[]>("DELETE FROM horizon");
    this.#oldest = connection.reader<[region: number], { hlc: number }, Hlc>(
      `SELECT hlc FROM log INDEXED BY log_tail WHERE origin >> 46 = ? AND hlc > 0
       ORDER BY hlc LIMIT 1`,
      ({ hlc }) => parseHlc(hlc) ?? HLC_ZERO,
    );
  }

  trim(lane: Lane, through: number): LogSize {
    assertLane(lane);
    assertCount(through, "through");
    const newest = this.#newest.get();
    const isNewest = newest?.shard === lane.shard && newest.origin === lane.origin;
    assert(!isNewest || newest.seq > through, "the newest row of the log stays");
    const { shard, origin } = lane;
    const removed = this.#weigh.get(shard, origin, through) ?? { rows: 0, bytes: 0 };
    this.#delete.run(shard, origin, through);
    this.#size.removed(removed);
    this.write(lane, through);
    return removed;
  }

  write(lane: Lane, through: number): void {
    assertLane(lane);
    assertCount(through, "through");
    const { shard, origin } = lane;
    const grown = Math.max(through, this.#readLane.get(shard, origin)?.through ?? 0);
    this.#write.run(shard, origin, grown, sealOf(shard, origin, grown));
  }

  read(): (TrimmedRow | undefined)[] {
    return this.#read.all();
  }

  clear(): void {
    this.#clear.run();
  }

  readHorizon(): RegionVector | undefined {
    const horizon = new Map<RegionCode, Hlc>();
    for (const row of this.#readHorizon.all()) {
      if (row === undefined) return undefined;
      horizon.set(...row);
    }
    return horizon;
  }

  writeHorizon(horizon: RegionVector): void {
    assertCoverage(horizon);
    this.#clearHorizon.run();
    for (const [region, hlc] of horizon) {
      this.#writeHorizon.run(region, hlc, sealOf(0, region, hlc));
    }
  }

  oldest(region: RegionCode): Hlc | undefined {
    return this.#oldest.get(region);
  }
}

function trimmedOfColumns(row: TrimmedColumns): TrimmedRow | undefined {
  const { shard, through } = row;
  const origin = parseOrigin(row.origin);
  const isSealed = origin !== undefined && row.seal === sealOf(shard, origin, through);
  return isSealed ? { shard, origin, through } : undefined;
}

function horizonOfColumns(row: HorizonColumns): readonly [RegionCode, Hlc] | undefined {
  const region = parseRegionCode(row.region);
  const hlc = parseHlc(row.hlc);
  if (region === undefined || hlc === undefined) return undefined;
  return row.seal === sealOf(0, region, hlc) ? [region, hlc] : undefined;
}

function sealOf(...values: readonly number[]): number {
  const bytes = Buffer.allocUnsafe(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeDoubleLE(value, i * 8);
  return crc32(bytes);
}
