/**
 * A timer that several ask for: it rings at the earliest moment that anybody has asked for since it rang last.
 *
 * Whoever asked for a later one asks again when it rings. So nobody has to remember who wants to be woken
 * when, and nothing that is asked for is forgotten for longer than until then.
 */
import type { Clock, Timer } from "@atoll/core";

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | undefined;
  #atMs = Infinity;
  #isOver = false;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** To ring at this moment, at the latest. Monotonic. */
  by(atMs: number): void {
    if (atMs >= this.#atMs || this.#isOver) return;
    this.#timer?.cancel();
    this.#atMs = atMs;
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => {
      this.#atMs = Infinity;
      this.#ring();
    });
  }

  /** Never again. */
  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }
}
