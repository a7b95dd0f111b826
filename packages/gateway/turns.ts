/**
 * Work that comes in pieces from many at once, one piece to a turn of the event loop.
 *
 * Two hundred feeds that become writable in one turn, or as many lists that are asked for, would each read
 * their page in that turn, and whoever only wants one profile would wait for all of them. Here they queue, and what else has arrived is served
 * between one piece and the next. Alone, nobody waits.
 */
import type { Clock } from "@atoll/core";

export class Turns {
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];
  #isTaken = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Settles when it is the caller's turn: at once when nobody has had this one. */
  next(): Promise<void> {
    if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#take();
    return Promise.resolve();
  }

  #take(): void {
    this.#isTaken = true;
    this.#clock.afterTurn(() => {
      const first = this.#waiting.shift();
      this.#isTaken = false;
      if (first === undefined) return;
      this.#take();
      first();
    });
  }
}
