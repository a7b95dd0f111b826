/**
 * The frontier as it is stored; and where a stored lane cannot be what was written, as the log says.
 *
 * A region must start with one flipped bit in its smallest table: everything in it follows from the log.
 * What decodes and is consistent is believed here, and compared with the log by the scrub. At or below
 * the place up to which a lane is trimmed the log says nothing, and everything is held.
 */
import type { Hlc, Lane, RegionCode, RegionVector } from "@atoll/core";
import {
  Frontier,
  HLC_ZERO,
  LaneFrontier,
  LaneMap,
  isAtollError,
  limits,
  originRegion,
  parseOrigin,
} from "@atoll/core";
import type { FrontierRow, Store } from "@atoll/store";

/** What a restart begins with. */
export interface StoredStanding {
  readonly frontier: Frontier;
  /** Places at or below may have no row in the log, although they are held. */
  readonly trimmed: LaneMap<number>;
  /** No change without a row lies above it. */
  readonly horizon: RegionVector;
  /** Some of what is remembered of trimming was damaged, and was derived again: to be written. */
  readonly isDerived: boolean;
}

export function loadStanding(store: Store, shardCount: number): StoredStanding {
  const rows = store.readTrimmed();
  const trimmed = new LaneMap<number>();
  for (const row of rows) if (row !== undefined) trimmed.set(row, row.through);
  const isDamaged = rows.includes(undefined);
  const frontier = new Frontier();
  for (const row of storedLanes(store, shardCount, trimmed)) {
    const lane = { shard: row.shard, origin: row.origin };
    const { contig, max, gaps } = row;
    const isSound = isConsistent(row);
    const held = isSound
      ? new LaneFrontier(contig, max, gaps)
      : laneOfLog(store, lane, trimmed.get(lane) ?? 0);
    if (isDamaged && trimmed.get(lane) === undefined) {
      const through = throughOf(store, lane, held);
      if (through > 0) trimmed.set(lane, through);
    }
    held.adopt(trimmed.get(lane) ?? 0);
    frontier.set(lane, held);
  }
  const horizon = store.readHorizon();
  const isDerived = isDamaged || horizon === undefined;
  return { frontier, trimmed, horizon: horizon ?? horizonOf(store, frontier), isDerived };
}

/** What was remembered of this lane is damaged: rows are dense above it. */
function throughOf(store: Store, lane: Lane, { contig }: LaneFrontier): number {
  const raw = { shard: BigInt(lane.shard), origin: BigInt(lane.origin) };
  const [first] = store.scrub.scanLog(raw, 0n, 1);
  return Math.min(contig, first === undefined ? contig : Number(first.seq) - 1);
}

/** Nothing that is held here lies above the highest timestamp of the log. */
function horizonOf(store: Store, frontier: Frontier): RegionVector {
  const horizon = new Map<RegionCode, Hlc>();
  for (const [{ origin }] of frontier.lanes()) horizon.set(originRegion(origin), store.lastHlc());
  return horizon;
}

/** A lane of a shard that the cluster does not have is another's, which is then missing: the log knows it. */
function storedLanes(store: Store, shardCount: number, trimmed: LaneMap<number>): FrontierRow[] {
  const lanes = new LaneMap<FrontierRow>();
  const derive = (lane: Lane): void => {
    if (lanes.get(lane) === undefined) lanes.set(lane, { ...lane, contig: 0, max: 1, gaps: [] });
  };
  const rows = readFrontier(store);
  const sound = rows?.filter(({ shard }) => shard < shardCount) ?? [];
  for (const row of sound) lanes.set(row, row);
  if (sound.length !== rows?.length) {
    for (let raw = store.scrub.nextLane(undefined); raw; raw = store.scrub.nextLane(raw)) {
      const origin = parseOrigin(Number(raw.origin));
      const isShard = raw.shard >= 0n && raw.shard < BigInt(shardCount);
      if (origin !== undefined && isShard) derive({ shard: Number(raw.shard), origin });
    }
  }
  for (const [lane] of trimmed.entries()) if (lane.shard < shardCount) derive(lane);
  return [...lanes.entries()].map(([, row]) => row);
}

/** Undefined when some row does not decode. */
function readFrontier(store: Store): FrontierRow[] | undefined {
  try {
    return store.readFrontier();
  } catch (error) {
    if (!isAtollError(error)) throw error;
    return undefined;
  }
}

function isConsistent({ shard, contig, max, gaps }: FrontierRow): boolean {
  if ([shard, contig, max].some((value) => !Number.isSafeInteger(value) || value < 0)) return false;
  if (max < contig || gaps.length > 0 !== max > contig) return false;
  if (gaps.length > 0 && gaps[0]?.lo !== contig + 1) return false;
  let previous = contig - 1;
  for (const { lo, hi } of gaps) {
    if (lo <= previous + 1 || hi < lo || hi >= max) return false;
    previous = hi;
  }
  return true;
}

function laneOfLog(store: Store, lane: Lane, through: number): LaneFrontier {
  const held = new LaneFrontier(through);
  const raw = { shard: BigInt(lane.shard), origin: BigInt(lane.origin) };
  let after: bigint | undefined;
  for (;;) {
    const page = store.scrub.scanLog(raw, after, limits.SCRUB_PAGE_ROWS);
    for (const { seq, entry, isVoid } of page) {
      after = seq;
      const isMark = isVoid && entry?.hlc === HLC_ZERO; // of an entry that was lost
      if (entry !== undefined && entry.seq >= 1 && !isMark) held.add(entry.seq);
    }
    if (page.length < limits.SCRUB_PAGE_ROWS) return held;
  }
}
