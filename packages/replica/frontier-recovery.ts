/**
 * The frontier as it is stored; and where a stored lane cannot be what was written, as the log says.
 *
 * A region must start with one flipped bit in its smallest table: everything in it follows from the log.
 * What decodes and is consistent is believed here, and compared with the log by the scrub.
 */
import type { Lane } from "@atoll/core";
import { Frontier, HLC_ZERO, LaneFrontier, isAtollError, limits, parseOrigin } from "@atoll/core";
import type { FrontierRow, Store } from "@atoll/store";

export function loadFrontier(store: Store): Frontier {
  const frontier = new Frontier();
  for (const row of storedLanes(store)) {
    const { contig, max, gaps } = row;
    const held = isConsistent(row) ? new LaneFrontier(contig, max, gaps) : laneOfLog(store, row);
    frontier.set({ shard: row.shard, origin: row.origin }, held);
  }
  return frontier;
}

function storedLanes(store: Store): FrontierRow[] {
  try {
    return store.readFrontier();
  } catch (error) {
    if (!isAtollError(error)) throw error;
  }
  const lanes: FrontierRow[] = [];
  for (let raw = store.scrub.nextLane(undefined); raw; raw = store.scrub.nextLane(raw)) {
    const origin = parseOrigin(Number(raw.origin));
    const shard = Number(raw.shard);
    const isLane = origin !== undefined && Number.isSafeInteger(shard) && shard >= 0;
    if (isLane) lanes.push({ shard, origin, contig: 0, max: 1, gaps: [] }); // to be derived
  }
  return lanes;
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

function laneOfLog(store: Store, lane: Lane): LaneFrontier {
  const held = new LaneFrontier();
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
