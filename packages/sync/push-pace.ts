/**
 * How long a fresh entry waits for company: as long as the measured rate makes company likely.
 *
 *     delay   2 ms ────────────── rising ────────────── 10 ms          above 1,000 entries/s
 *
 * A batch costs a frame, a transaction and a heartbeat on the other side whatever it holds, and it
 * compresses better when it holds more. The rate is a count that decays, so it follows a burst at once
 * and forgets it soon; a guess from the queue's length would be wrong whenever commits come in groups.
 */
import { limits } from "@atoll/core";

export class PushPace {
  #count = 0;
  #countedMs = 0;

  add(entries: number, nowMs: number): void {
    this.#count = this.#countAt(nowMs) + entries;
    this.#countedMs = nowMs;
  }

  delayMs(nowMs: number): number {
    const perSecond = (this.#countAt(nowMs) * 1000) / limits.PUSH_RATE_DECAY_MS;
    const share = Math.min(1, perSecond / limits.PUSH_RATE_HIGH);
    return limits.PUSH_DELAY_MS + share * (limits.PUSH_DELAY_MS_MAX - limits.PUSH_DELAY_MS);
  }

  #countAt(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#countedMs);
    return this.#count * Math.exp(-passedMs / limits.PUSH_RATE_DECAY_MS);
  }
}
