/**
 * When replication must be looked at again although nothing has happened.
 *
 *     something is under way   every TICK_MS
 *     all is quiet             when the first heartbeat, redial or comparison is due, or a link too silent;
 *                              TICK_IDLE_MS at the latest
 *
 * What is due changes only with what is stepped, so it is asked for after every step, and a plan only ever moves
 * nearer until its tick has come. A reason that was overlooked costs TICK_IDLE_MS, not a wake-up.
 * A tick may always come sooner. One that comes later than planned says that this process was stalled.
 */
import { limits } from "@atoll/core";

export class TickPlan {
  #nextMs = Infinity;

  /** The moment at which the next tick must come. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** A tick has come: how much later than planned. Negative when sooner. */
  tick(nowMs: number): number {
    const lateMs = nowMs - this.#nextMs;
    this.#nextMs = Infinity;
    return lateMs;
  }

  /** `dueMs`: when there is something to do if nothing happens before; it may lie in the past. */
  after(nowMs: number, dueMs: () => number): void {
    const soonMs = nowMs + limits.TICK_MS;
    if (this.#nextMs <= soonMs) return; // it comes no sooner
    const wantedMs = Math.min(dueMs(), nowMs + limits.TICK_IDLE_MS);
    this.#nextMs = Math.min(this.#nextMs, Math.max(soonMs, wantedMs));
  }
}
