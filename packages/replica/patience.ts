/**
 * Requests that wait until something is so.
 *
 * A wait ends in one of four ways, and whichever comes first must undo the other three: what is waited for
 * has come, the time is up, the client has left, or the process is about to stop. Whoever waits says what
 * it waits for; who brings news has everybody look again.
 */
import type { Clock } from "@atoll/core";

export interface Wait {
  readonly waitMs: number;
  /** Aborted when nobody waits for the answer any more: its reason is what waiting ends with. */
  readonly signal?: AbortSignal | undefined;
}

interface Waiter {
  readonly isSo: () => boolean;
  readonly settle: () => void;
}

export class Patience {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiters.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether it was so when the wait ended. Rejects only with the signal's reason. */
  until(isSo: () => boolean, { waitMs, signal }: Wait): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(isSo());
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter);
        timer.cancel();
        signal?.removeEventListener("abort", leave);
      };
      const leave = (): void => {
        end();
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        isSo,
        settle: () => {
          end();
          resolve(isSo());
        },
      };
      const timer = this.#clock.after(waitMs, waiter.settle);
      this.#waiters.add(waiter);
      if (signal?.aborted === true) leave();
      else signal?.addEventListener("abort", leave);
    });
  }

  /** There is news: those whose wait is over go. */
  look(): void {
    for (const waiter of this.#waiters) if (waiter.isSo()) waiter.settle();
  }

  /** Everybody goes, now and from now on: the process is about to stop. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters) waiter.settle();
  }
}
