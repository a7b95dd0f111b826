/**
 * The first door: time.
 *
 * This file alone reads the machine's clock or sets a timer. Everything else is given a `Clock`, or
 * just `nowMs`, so that a simulated fleet can live through a day in a second and a test never sleeps.
 */
export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump in either direction. */
  nowMs(): number;
  /** Milliseconds since some fixed moment; never goes back. For measuring waits. */
  monotonicMs(): number;
  /** Fires once, `delayMs` from now at the earliest. Does not keep the process alive. */
  after(delayMs: number, fire: () => void): Timer;
  /** Runs once the events already waiting have been handled: the end of this turn. */
  afterTurn(run: () => void): void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fire) {
    const handle = setTimeout(fire, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  afterTurn(run) {
    setImmediate(run);
  },
};

/** Resolves after `delayMs`; for the outer shell (command line, start-up polling), not for rooms. */
export function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

/** Stops this thread for `ms`: for a command's own work that must leave the machine to others. */
export function blockThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

interface Scheduled {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** A clock that moves only when told. Timers fire in order of time, then of setting. */
export class ManualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #scheduled: Scheduled[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  /** Whole, as a machine's is, also where time passes by fractions. */
  nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    const entry = { dueMs: this.#nowMs + delayMs, order: this.#order++, fire };
    this.#scheduled.push(entry);
    return {
      cancel: () => {
        this.#scheduled = this.#scheduled.filter((other) => other !== entry);
      },
    };
  }

  afterTurn(run: () => void): void {
    this.after(0, run);
  }

  /** Moves time forward and fires what falls due on the way, including what that sets. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#scheduled
        .filter((entry) => entry.dueMs <= untilMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#scheduled = this.#scheduled.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.fire();
    }
    this.#nowMs = untilMs;
  }
}
