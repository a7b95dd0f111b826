/**
 * How many writes a second were acknowledged while clients were there.
 *
 * From the end of the warm-up to the moment clients stop: the time before tells of compilers, and the time after
 * of clients that are gone. The fault lies in between and is no excuse.
 */
import type { Call } from "@atoll/simulation/workload";
import { isAcknowledgedWrite } from "./verdict.ts";

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export function writesPerSecond(calls: readonly Call[], { fromMs, toMs }: Span): number {
  if (toMs <= fromMs) return 0;
  const taken = calls.filter(
    (call) =>
      isAcknowledgedWrite(call) &&
      call.completedMs !== undefined &&
      call.completedMs >= fromMs &&
      call.completedMs < toMs,
  );
  return (taken.length / (toMs - fromMs)) * 1_000;
}
