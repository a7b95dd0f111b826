/** The share of samples at or below a value, by nearest rank: always a value that was measured. */
import { assert, must } from "@atoll/core";

/** `share`: 0.5 is the median. */
export function percentile(samples: readonly number[], share: number): number {
  assert(samples.length > 0, "there are samples");
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return must(sorted[rank - 1], "a sample");
}
