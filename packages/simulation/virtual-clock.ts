/**
 * The clock of one process in virtual time: wrong by an offset, fast or slow by a rate, and late.
 *
 * The wall clock may jump. The monotonic one drifts and never goes back, and starts at zero with each
 * process. Timers fire at the delay asked for or later, as the contract allows: how much later is drawn
 * once per run, because a host that rounds its timers is the usual one, and the cheaper one to run.
 */
import type { Clock, Random, Timer } from "@atoll/core";
import type { Host, World } from "./world.ts";

/** When every run begins, by true time. */
export const START_MS = 1_700_000_000_000;

export interface ClockFaults {
  /** Of the wall clock, now. Survives a restart: it is the machine's. */
  offsetMs: number;
  /** Parts per million by which both clocks run fast. */
  readonly driftPpm: number;
}

export interface ClockPace {
  /** Timers fire at multiples of this. */
  readonly timerGrainMs: number;
  /** How long the end of a turn may take: the commit is in it. */
  readonly turnMs: { readonly min: number; readonly max: number };
}

export class VirtualClock implements Clock {
  readonly #world: World;
  readonly #host: Host;
  readonly #faults: ClockFaults;
  readonly #pace: ClockPace;
  readonly #random: Random;
  readonly #startedMs: number;
  readonly #rate: number;

  constructor(options: {
    readonly world: World;
    readonly host: Host;
    readonly faults: ClockFaults;
    readonly pace: ClockPace;
    readonly random: Random;
  }) {
    this.#world = options.world;
    this.#host = options.host;
    this.#faults = options.faults;
    this.#pace = options.pace;
    this.#random = options.random;
    this.#startedMs = options.world.nowMs;
    this.#rate = 1 + options.faults.driftPpm / 1e6;
  }

  nowMs(): number {
    return Math.floor(START_MS + this.#world.nowMs * this.#rate + this.#faults.offsetMs);
  }

  monotonicMs(): number {
    return (this.#world.nowMs - this.#startedMs) * this.#rate + 1_000;
  }

  after(delayMs: number, fire: () => void): Timer {
    const { timerGrainMs } = this.#pace;
    let trueMs = Math.max(1, delayMs) / this.#rate; // a real timer knows nothing shorter
    // Short waits are exact: they are hand-overs inside the process rather than waits.
    if (timerGrainMs > 1 && delayMs >= timerGrainMs / 4) {
      const dueMs = this.#world.nowMs + trueMs;
      trueMs = Math.ceil(dueMs / timerGrainMs) * timerGrainMs - this.#world.nowMs;
    }
    const event = this.#world.schedule(trueMs, this.#host, fire);
    return {
      cancel: () => {
        event.isCancelled = true;
      },
    };
  }

  afterTurn(run: () => void): void {
    const { min, max } = this.#pace.turnMs;
    this.#world.schedule(min + (max - min) * this.#random.float(), this.#host, run);
  }
}
