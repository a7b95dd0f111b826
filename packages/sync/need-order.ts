/**
 * In which order missing entries are asked for.
 *
 *     lane a   1 ······················ 900      newest first:  a 837–900, b 437–500,
 *     lane b   1 ············· 500                              a 709–836, b 309–436, a 453–708 …
 *                                               oldest first:  a 1–900, b 1–500
 *
 * Newest first, because what was written last is what readers want, and most documents were written
 * once or twice during an outage, so that an entry's parents are here already. Ranges double in length
 * going back: fine where it matters, and few. Where documents were written many times, a newest entry
 * waits for all older ones of its document, and asking so would carry the outage through the waiting
 * room; `CatchUp` notices and asks oldest first, where parents come before children.
 */
import type { Lane, SeqRange } from "@atoll/core";
import { limits } from "@atoll/core";
import type { NeedRange } from "./messages.ts";

export interface MissingLane {
  readonly lane: Lane;
  /** What the peer has announced. */
  readonly upTo: number;
  /** Ascending and disjoint. */
  readonly missing: readonly SeqRange[];
}

/** The ranges that are wanted most, whole, until there are so many entries in them. */
export function foremost(ranges: readonly NeedRange[], entries: number): NeedRange[] {
  let left = entries;
  const end = ranges.findIndex(({ lo, hi }) => (left -= hi - lo + 1) <= 0);
  return end === -1 ? [...ranges] : ranges.slice(0, end + 1);
}

/** By shard, so that documents are read and compared with their neighbours. */
export function oldestFirst(lanes: readonly MissingLane[]): NeedRange[] {
  return lanes.flatMap(({ lane, upTo, missing }) =>
    missing.map((range) => ({ ...lane, ...range, open: range.hi === upTo })),
  );
}

export function newestFirst(lanes: readonly MissingLane[]): NeedRange[] {
  const levels: NeedRange[][] = [];
  for (const { lane, upTo, missing } of lanes) {
    let level = 0;
    let room = limits.NEED_NEWEST_ENTRIES;
    for (const range of missing.toReversed()) {
      for (let { hi } = range; hi >= range.lo;) {
        const lo = Math.max(range.lo, hi - room + 1);
        (levels[level] ??= []).push({ ...lane, lo, hi, open: hi === upTo });
        room -= hi - lo + 1;
        hi = lo - 1;
        if (room === 0) room = limits.NEED_NEWEST_ENTRIES * 2 ** ++level;
      }
    }
  }
  return levels.flat();
}

/** Parts of ascending ranges that lie outside others. */
export function outside(ranges: readonly SeqRange[], excluded: readonly SeqRange[]): SeqRange[] {
  let rest = [...ranges];
  for (const { lo, hi } of excluded) {
    rest = rest.flatMap((range) =>
      [
        { lo: range.lo, hi: Math.min(range.hi, lo - 1) },
        { lo: Math.max(range.lo, hi + 1), hi: range.hi },
      ].filter((part) => part.lo <= part.hi),
    );
  }
  return rest;
}
