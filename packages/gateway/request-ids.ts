/**
 * Names for requests whose clients gave none: UUIDv7 with a counter (RFC 9562 section 6.2, method 1).
 *
 *     time 48 | 7 | counter 12 | variant | random 62, drawn anew whenever the counter is full
 *
 * Every request needs one, and a fresh draw for each would cost a hot read more than finding its profile.
 * They are unique and tell their time; they are no secret, and nothing relies on their being guessed.
 */
import { newProfileId } from "@atoll/core";
import type { Clock, Random } from "@atoll/core";

const COUNTS = 4_096;
const COUNTERS = Array.from({ length: COUNTS }, (_, n) => `-7${n.toString(16).padStart(3, "0")}-`);
/** "0198c1a2-3b4c-7" and three digits of the counter. */
const TAIL_FROM = 19;

export class RequestIds {
  readonly #clock: Clock;
  readonly #random: Random;
  #count = COUNTS;
  #tail = "";
  #atMs = NaN;
  #time = "";

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): string {
    const nowMs = this.#clock.nowMs();
    if (this.#count === COUNTS) {
      this.#tail = newProfileId(nowMs, this.#random).slice(TAIL_FROM);
      this.#count = 0;
    }
    if (nowMs !== this.#atMs) {
      this.#atMs = nowMs;
      const hex = Math.trunc(nowMs).toString(16).padStart(12, "0");
      this.#time = `${hex.slice(0, 8)}-${hex.slice(8)}`;
    }
    return `${this.#time}${COUNTERS[this.#count++] ?? ""}${this.#tail}`;
  }
}
