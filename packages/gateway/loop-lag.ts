/**
 * Whether this process has more work than time: how late its timers fire.
 *
 * One late timer is a pause, of the collector or of a large write. When every timer of a second is late,
 * a queue stands: whatever is taken on now only makes everybody wait longer (the idea of CoDel, RFC 8289:
 * it is the smallest delay of an interval that tells a standing queue from a burst).
 */
import { AtollError, limits } from "@atoll/core";
import type { Clock, Timer } from "@atoll/core";

export class LoopLag {
  readonly #clock: Clock;
  readonly #recentMs: number[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    const dueMs = this.#clock.monotonicMs() + limits.LOOP_LAG_CHECK_MS;
    this.#timer = this.#clock.after(limits.LOOP_LAG_CHECK_MS, () => {
      this.#recentMs.push(Math.max(0, this.#clock.monotonicMs() - dueMs));
      if (this.#recentMs.length > limits.LOOP_LAG_CHECKS) this.#recentMs.shift();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Milliseconds that no recent timer fired earlier than. */
  get standingMs(): number {
    return this.#recentMs.length < limits.LOOP_LAG_CHECKS ? 0 : Math.min(...this.#recentMs);
  }

  get isOverloaded(): boolean {
    return this.standingMs > limits.LOOP_LAG_MS_MAX;
  }

  /** What to answer a client's write with; undefined while there is time. */
  refusal(): AtollError | undefined {
    if (!this.isOverloaded) return undefined;
    return new AtollError("overloaded", "this region has more work than time");
  }
}
