/**
 * Pauses between attempts: exponential, capped, with full jitter (Brooker, "Exponential Backoff And
 * Jitter", 2015), so that a fleet that lost a region does not return to it in step.
 */
import type { Random } from "@atoll/core";
import { limits } from "@atoll/core";

/** `attempt` counts from 0. Milliseconds, at least a tenth of the bound. */
export function redialDelayMs(attempt: number, random: Random): number {
  const bound = Math.min(limits.REDIAL_MS_MAX, limits.REDIAL_MS_MIN * 2 ** Math.min(attempt, 16));
  return bound * (0.1 + 0.9 * random.float());
}
