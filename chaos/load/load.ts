/**
 * Clients of a whole run: the workload of the simulator, at its times, over HTTP.
 *
 * Open loop, as people are: the next operation comes when its time has come, whatever became of the one
 * before. A session that is stuck behind a slow answer lets further ones go, and they are counted: a queue that
 * grew during a fault would otherwise fall on the regions all at once when it ends.
 *
 * A client goes to the region that it is drawn for; while that one is not ready, to the next one that is, as a
 * load balancer would send it. Readiness is looked up by the observer and lags behind, so some fail first.
 */
import type { Random, Timer } from "@atoll/core";
import { SeededRandom, delay, must, systemClock } from "@atoll/core";
import type { Operation, ProfileClient, WorkloadShape } from "@atoll/simulation/workload";
import { History, Session, drawOperations } from "@atoll/simulation/workload";
import { rampedMs } from "./ramp.ts";

const BEAT_MS = 10;
/** Operations of one session that wait before further ones are let go. */
const SESSION_QUEUE_MAX = 3;
/** A session that may not wait long does not sit out a whole partition. */
const WAIT_MS_MAX = 1_000;
const DRAIN_MS_MAX = 30_000;

export interface LoadShape {
  /** Operations a second, reads among them. */
  readonly rate: number;
  readonly sessions: number;
  /** Profiles of each usage; of those that sessions own, for each session. */
  readonly profiles: number;
  readonly readRate: number;
  readonly hopRate: number;
  readonly receiptRate: number;
  readonly weights: WorkloadShape["weights"];
}

export const LOAD_DEFAULT: LoadShape = {
  rate: 100,
  sessions: 32,
  profiles: 12,
  readRate: 0.3,
  hopRate: 0.02,
  receiptRate: 0,
  weights: { owned: 3, marks: 3, counter: 2, set: 1, free: 2 },
};

/**
 * For scenarios that owe 200 acknowledged writes a second. Few hop: a client that comes to the other side of a cut cannot be
 * served what it has seen, waits for it with each request, and would soon be most of the load.
 */
export const LOAD_HIGH: Partial<LoadShape> = {
  rate: 380,
  sessions: 112,
  profiles: 10,
  readRate: 0.2,
  hopRate: 0.004,
};

/** Drawn at a time: a run may go on for an hour, and its operations need not all be in memory. */
const STRETCH_MS = 60_000;
const REGIONS = 3;

export interface LoadOptions {
  readonly client: ProfileClient;
  readonly shape: LoadShape;
  readonly seed: string;
  /** Milliseconds since the run began. */
  readonly nowMs: () => number;
  /** Until all clients are there. */
  readonly rampMs: number;
  /** Where a client that is drawn for a region goes. */
  readonly route: (region: number) => number;
}

export class Load {
  readonly history = new History();
  readonly #options: LoadOptions;
  readonly #sessions: readonly Session[];
  readonly #operations: Generator<Operation, void>;
  #next: Operation | undefined;
  #startedMs = 0;
  #timer: Timer | undefined;
  #skipped = 0;

  constructor(options: LoadOptions) {
    const { client, shape, nowMs } = options;
    this.#options = options;
    this.#sessions = Array.from(
      { length: shape.sessions },
      () => new Session({ client, history: this.history, nowMs }),
    );
    this.#operations = operationsOf(shape, new SeededRandom(`${options.seed}/load`));
  }

  /** Operations that were not sent because their session was stuck. */
  get skipped(): number {
    return this.#skipped;
  }

  start(): void {
    this.#startedMs = systemClock.monotonicMs();
    this.#next = this.#draw();
    this.#beat();
  }

  /** No new operations; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const untilMs = systemClock.monotonicMs() + DRAIN_MS_MAX;
    while (this.#sessions.some(({ open }) => open > 0)) {
      if (systemClock.monotonicMs() > untilMs) throw new Error("requests without an answer");
      await delay(BEAT_MS);
    }
  }

  #beat(): void {
    const dueMs = rampedMs(systemClock.monotonicMs() - this.#startedMs, this.#options.rampMs);
    while (this.#next !== undefined && this.#next.atMs <= dueMs) {
      this.#send(this.#next);
      this.#next = this.#draw();
    }
    this.#timer = systemClock.after(BEAT_MS, () => this.#beat());
  }

  #send(operation: Operation): void {
    const session = must(this.#sessions[operation.session], "a session");
    if (session.open > SESSION_QUEUE_MAX) {
      this.#skipped++;
      return;
    }
    const region = this.#options.route(operation.region);
    session.add({ ...operation, region, waitMs: Math.min(operation.waitMs, WAIT_MS_MAX) });
  }

  #draw(): Operation | undefined {
    return this.#operations.next().value ?? undefined;
  }
}

function* operationsOf(shape: LoadShape, random: Random): Generator<Operation, void> {
  const { rate, ...rest } = shape;
  const operations = Math.ceil((rate * STRETCH_MS) / 1_000);
  const about = { ...rest, operations, untilMs: STRETCH_MS, regions: REGIONS, burst: 1 };
  for (let stretch = 0; ; stretch++) {
    const numberedFrom = stretch * operations;
    for (const operation of drawOperations(random, { ...about, numberedFrom })) {
      yield { ...operation, atMs: stretch * STRETCH_MS + operation.atMs };
    }
  }
}
