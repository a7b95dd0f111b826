/**
 * What a replica holds of one origin's entries in one shard, without a list of them.
 *
 *     seq        1 2 3 4 5 6 7 8 9
 *     held       x x x x . . x . x
 *     contig = 4         gaps (5-6) (8-8)      max = 9
 *
 * `contig = k` promises that every entry 1 … k is applied or VOID. What is held above a gap is
 * remembered as the complement: the missing ranges between `contig` and `max`. Entries arrive nearly in
 * order, so there are few. What is found to be lost is taken out again, and is then missing like what
 * never came.
 */
import { assert, must } from "./assert.ts";
import type { Lane } from "./lane-map.ts";
import { LaneMap } from "./lane-map.ts";

/** Inclusive at both ends. */
export interface SeqRange {
  readonly lo: number;
  readonly hi: number;
}

export class LaneFrontier {
  #contig: number;
  #max: number;
  #gaps: SeqRange[];

  /** `gaps`: ascending, disjoint, all between contig + 1 and max − 1. */
  constructor(contig = 0, max = contig, gaps: readonly SeqRange[] = []) {
    assert(max >= contig, "max below contig");
    assert(gaps.length > 0 === max > contig, "gaps and max disagree");
    this.#contig = contig;
    this.#max = max;
    this.#gaps = [...gaps];
  }

  get contig(): number {
    return this.#contig;
  }

  /** The highest held; equals `contig` when nothing is missing below it. */
  get max(): number {
    return this.#max;
  }

  get gaps(): readonly SeqRange[] {
    return this.#gaps;
  }

  has(seq: number): boolean {
    if (seq <= this.#contig) return true;
    if (seq > this.#max) return false;
    return !this.#gaps.some((gap) => seq >= gap.lo && seq <= gap.hi);
  }

  /** True when this entry was not held before. */
  add(seq: number): boolean {
    assert(seq >= 1, "sequence numbers start at 1");
    if (this.has(seq)) return false;
    if (seq > this.#max) {
      if (seq > this.#max + 1) this.#gaps.push({ lo: this.#max + 1, hi: seq - 1 });
      this.#max = seq;
    } else {
      const at = this.#gaps.findIndex((gap) => seq <= gap.hi);
      this.#gaps.splice(at, 1, ...without(must(this.#gaps[at], "a gap around it"), seq));
    }
    this.#contig = this.#gaps.length === 0 ? this.#max : (this.#gaps[0] as SeqRange).lo - 1;
    return true;
  }

  /** Takes out what was lost, both ends included. True when any of it was held. */
  remove(lo: number, hi = lo): boolean {
    assert(lo >= 1, "sequence numbers start at 1");
    const end = Math.min(hi, this.#max);
    const held = rangeWithout({ lo, hi: end }, this.#gaps);
    if (held.length === 0) return false;
    this.#gaps = joined([...this.#gaps, ...held]);
    const last = this.#gaps.at(-1) as SeqRange;
    if (last.hi === this.#max) {
      this.#gaps.pop();
      this.#max = last.lo - 1;
    }
    this.#contig = this.#gaps.length === 0 ? this.#max : (this.#gaps[0] as SeqRange).lo - 1;
    return true;
  }

  /** Takes 1 … `upTo` as held: proven to be, or to be used up, without an entry for each place. */
  adopt(upTo: number): boolean {
    if (upTo <= this.#contig) return false;
    this.#gaps = this.#gaps.flatMap((gap) => {
      if (gap.hi <= upTo) return [];
      return [{ lo: Math.max(gap.lo, upTo + 1), hi: gap.hi }];
    });
    this.#max = Math.max(this.#max, upTo);
    this.#contig = this.#gaps.length === 0 ? this.#max : (this.#gaps[0] as SeqRange).lo - 1;
    return true;
  }

  /** What to ask for when somebody holds everything up to `upTo`. */
  missing(upTo: number): SeqRange[] {
    const ranges = this.#gaps
      .filter((gap) => gap.lo <= upTo)
      .map((gap) => ({ lo: gap.lo, hi: Math.min(gap.hi, upTo) }));
    if (upTo > this.#max) ranges.push({ lo: this.#max + 1, hi: upTo });
    return ranges;
  }
}

/** The range with one number taken out: itself, one part or two. */
export function without(range: SeqRange, seq: number): SeqRange[] {
  if (seq < range.lo || seq > range.hi) return [range];
  const parts = [
    { lo: range.lo, hi: seq - 1 },
    { lo: seq + 1, hi: range.hi },
  ];
  return parts.filter((part) => part.lo <= part.hi);
}

function rangeWithout(range: SeqRange, gaps: readonly SeqRange[]): SeqRange[] {
  const parts: SeqRange[] = [];
  let { lo } = range;
  for (const gap of gaps) {
    if (gap.hi < lo || gap.lo > range.hi) continue;
    if (gap.lo > lo) parts.push({ lo, hi: gap.lo - 1 });
    lo = gap.hi + 1;
  }
  return lo <= range.hi ? [...parts, { lo, hi: range.hi }] : parts;
}

/** Ascending, and neighbours made one. */
function joined(ranges: SeqRange[]): SeqRange[] {
  const result: SeqRange[] = [];
  for (const range of ranges.sort((a, b) => a.lo - b.lo)) {
    const last = result.at(-1);
    if (last === undefined || last.hi + 1 < range.lo) result.push(range);
    else result[result.length - 1] = { lo: last.lo, hi: range.hi };
  }
  return result;
}

/** All lanes of a replica: (shard, origin) → frontier. */
export class Frontier {
  #lanes = new LaneMap<LaneFrontier>();

  /** The lane's frontier, made empty when there is none. */
  lane(lane: Lane): LaneFrontier {
    let frontier = this.#lanes.get(lane);
    if (frontier === undefined) this.#lanes.set(lane, (frontier = new LaneFrontier()));
    return frontier;
  }

  /** The lane's frontier if there is one: looking at a lane that nobody has must not make it. */
  find(lane: Lane): LaneFrontier | undefined {
    return this.#lanes.get(lane);
  }

  contig(lane: Lane): number {
    return this.#lanes.get(lane)?.contig ?? 0;
  }

  set(lane: Lane, frontier: LaneFrontier): void {
    this.#lanes.set(lane, frontier);
  }

  /** Takes over another's lanes; the other must not be used afterwards. */
  replace(other: Frontier): void {
    this.#lanes = other.#lanes;
  }

  /** In ascending order of shard, then origin. */
  lanes(): Generator<readonly [Lane, LaneFrontier]> {
    return this.#lanes.entries();
  }
}
