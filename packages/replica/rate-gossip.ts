/**
 * The rates of clients between regions: what was let through here is told, and who listens is counted.
 *
 * At a beat of its own, slower than that of heartbeats: a rate is a matter of seconds, and telling each
 * request would cost more than the requests.
 */
import type { Clock, Spending, SpendingExchange } from "@atoll/core";
import { limits } from "@atoll/core";

export class RateGossip {
  readonly #rates: SpendingExchange;
  readonly #clock: Clock;
  readonly #regions: number;
  readonly #sharers: () => number;
  readonly #tell: (spent: readonly Spending[]) => void;
  #toldMs = -Infinity;

  constructor(options: {
    readonly rates: SpendingExchange;
    readonly clock: Clock;
    /** Of the cluster. */
    readonly regions: number;
    /** Other regions that tell and are told, now. */
    readonly sharers: () => number;
    readonly tell: (spent: readonly Spending[]) => void;
  }) {
    this.#rates = options.rates;
    this.#clock = options.clock;
    this.#regions = options.regions;
    this.#sharers = options.sharers;
    this.#tell = options.tell;
  }

  /** When it is to be told again. */
  get dueMs(): number {
    return this.#toldMs + limits.SPENT_PERIOD_MS;
  }

  tick(): void {
    this.#rates.sharedBy(1 + this.#sharers(), this.#regions);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.dueMs) return;
    this.#toldMs = nowMs;
    const spent = this.#rates.takeSpent();
    if (spent.length > 0) this.#tell(spent);
  }
}
