/** Which of many things is asked for next, when few are popular: rank r is asked for like 1 ÷ r^s. */
import type { Random } from "@atoll/core";

/** As the Yahoo! Cloud Serving Benchmark has it. */
const EXPONENT = 0.99;

/** Draws 0 … count − 1, small numbers most often. */
export function zipf(count: number, random: Random): () => number {
  const upTo = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) upTo[rank] = sum += (rank + 1) ** -EXPONENT;
  return () => {
    const wanted = random.float() * sum;
    let [lo, hi] = [0, count - 1];
    while (lo < hi) {
      const middle = (lo + hi) >>> 1;
      if ((upTo[middle] ?? 0) > wanted) hi = middle;
      else lo = middle + 1;
    }
    return lo;
  };
}
