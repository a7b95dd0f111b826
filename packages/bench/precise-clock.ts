/**
 * One clock for several processes of one machine, finer than a millisecond.
 *
 * The wall clock is shared and coarse, the monotonic one is fine and each process has its own. The moment at
 * which the wall clock ticks ties one to the other, to within a few microseconds.
 */
import type { Clock } from "@atoll/core";

/** Milliseconds since 1970, with a fraction. Spins for a millisecond once. */
export function preciseWallMs(clock: Clock): () => number {
  const startMs = clock.nowMs();
  let tickMs = startMs;
  while (tickMs === startMs) tickMs = clock.nowMs();
  const offsetMs = tickMs - clock.monotonicMs();
  return () => offsetMs + clock.monotonicMs();
}
