/**
 * The shortest way from one sequence to another (Myers, "An O(ND) Difference Algorithm", 1986).
 *
 * A list or text that arrives whole must not replace what is there: concurrent edits elsewhere in
 * it would be lost. Common ends are trimmed first, so a typical edit costs its own length. The
 * search gives up after `DIFF_EDITS_MAX` differences and calls the whole middle one hunk, because
 * its cost is quadratic in them and the input comes from strangers.
 */
import { limits } from "@atoll/core";

/** Replace `oldCount` elements from `oldStart` by `newCount` elements from `newStart`. */
export interface Hunk {
  readonly oldStart: number;
  readonly oldCount: number;
  readonly newStart: number;
  readonly newCount: number;
}

/** Hunks in ascending order, not touching each other; empty when the sequences are equal. */
export function diffSequences(before: readonly string[], after: readonly string[]): Hunk[] {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < shorter - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end++;
  }
  const oldCount = before.length - start - end;
  const newCount = after.length - start - end;
  const middle = { oldStart: start, oldCount, newStart: start, newCount };
  if (oldCount === 0 && newCount === 0) return [];
  if (oldCount === 0 || newCount === 0) return [middle];
  return searchMiddle(before, after, middle) ?? [middle];
}

function searchMiddle(
  before: readonly string[],
  after: readonly string[],
  middle: Hunk,
): Hunk[] | undefined {
  const { oldStart, oldCount, newStart, newCount } = middle;
  const editsMax = Math.min(oldCount + newCount, limits.DIFF_EDITS_MAX);
  const offset = editsMax + 1;
  // furthest[offset + k]: how far along `before` the best path on diagonal k has come
  const furthest = new Int32Array(2 * editsMax + 3);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= editsMax; edits++) {
    trace.push(furthest.slice(offset - edits - 1, offset + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      const left = furthest[offset + k - 1] as number;
      const right = furthest[offset + k + 1] as number;
      let x = k === -edits || (k !== edits && left < right) ? right : left + 1;
      while (x < oldCount && x - k < newCount && before[oldStart + x] === after[newStart + x - k]) {
        x++;
      }
      furthest[offset + k] = x;
      if (x >= oldCount && x - k >= newCount) return walkBack(trace, middle);
    }
  }
  return undefined;
}

/** `trace[d]` holds the diagonals −d−1 … d+1 as they were before the step that made edit d. */
function walkBack(trace: readonly Int32Array[], middle: Hunk): Hunk[] {
  const hunks: Hunk[] = [];
  let x = middle.oldCount;
  let y = middle.newCount;
  for (let edits = trace.length - 1; edits > 0; edits--) {
    const row = trace[edits] as Int32Array;
    const k = x - y;
    const at = (diagonal: number): number => row[diagonal + edits + 1] as number;
    const isInsert = k === -edits || (k !== edits && at(k - 1) < at(k + 1));
    const previousX = isInsert ? at(k + 1) : at(k - 1);
    const previousY = previousX - (isInsert ? k + 1 : k - 1);
    prepend(hunks, {
      oldStart: middle.oldStart + previousX,
      oldCount: isInsert ? 0 : 1,
      newStart: middle.newStart + previousY,
      newCount: isInsert ? 1 : 0,
    });
    x = previousX;
    y = previousY;
  }
  return hunks.reverse();
}

/** `hunks` is in descending order here; steps without a match between them become one hunk. */
function prepend(hunks: Hunk[], step: Hunk): void {
  const last = hunks.at(-1);
  if (
    last !== undefined &&
    step.oldStart + step.oldCount === last.oldStart &&
    step.newStart + step.newCount === last.newStart
  ) {
    hunks[hunks.length - 1] = {
      oldStart: step.oldStart,
      oldCount: step.oldCount + last.oldCount,
      newStart: step.newStart,
      newCount: step.newCount + last.newCount,
    };
  } else hunks.push(step);
}
