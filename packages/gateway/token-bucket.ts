/**
 * A rate with a burst, per name: the token bucket, kept as one moment in time.
 *
 * Instead of a count that a timer refills, each name has the moment at which its bucket will be full
 * again (the generic cell rate algorithm, ITU-T I.371). A request moves it by the price of one; when it
 * would lie further ahead than a full burst, the request comes too early. No timers, no refilling, and
 * a name whose moment has passed is a full bucket, so it can be forgotten.
 *
 * A share of the rate makes a request dearer and leaves the span in which a bucket fills as it is: rate and
 * burst shrink together, and what was taken before keeps its weight.
 */
import type { Clock } from "@atoll/core";
import { assert } from "@atoll/core";

export interface Rate {
  readonly perSecond: number;
  /** Requests that may come at once after a rest. */
  readonly burst: number;
}

export interface Allowance {
  readonly allowed: boolean;
  /** Whole requests that could follow at once. */
  readonly remaining: number;
  /** Until the next request is allowed; 0 when one is. */
  readonly retryMs: number;
  /** Until the bucket is full. */
  readonly resetMs: number;
}

/** Full buckets of debt that others may run up: what they have let through is paid, but not for ever. */
const DEBT_SPANS_MAX = 2;

export class TokenBuckets<Name = string> {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #share = 1;
  readonly #namesMax: number;
  /** Monotonic milliseconds, by name, in the order of use. */
  readonly #fullAtMs = new Map<Name, number>();

  /** Beyond `namesMax` names the least recently used start full again. */
  constructor(options: { readonly clock: Clock; readonly rate: Rate; readonly namesMax: number }) {
    assert(options.rate.perSecond > 0 && options.rate.burst >= 1, "a rate lets something through");
    this.#clock = options.clock;
    this.#rate = options.rate;
    this.#namesMax = options.namesMax;
  }

  /** Takes one request's worth, if it is there. */
  take(name: Name): Allowance {
    const nowMs = this.#clock.monotonicMs();
    const { priceMs, spanMs } = this.#terms();
    const before = Math.max(this.#fullAtMs.get(name) ?? 0, nowMs);
    const after = before + priceMs;
    const overMs = after - nowMs - spanMs;
    const allowed = overMs <= 1e-6; // sums of fractions
    const fullAtMs = allowed ? after : before;
    this.#keep(name, fullAtMs);
    return {
      allowed,
      remaining: Math.max(0, Math.floor((spanMs - (fullAtMs - nowMs)) / priceMs + 1e-6)),
      retryMs: allowed ? 0 : overMs,
      resetMs: fullAtMs - nowMs,
    };
  }

  /** Takes what somebody else has let through already, there or not. */
  charge(name: Name, count: number): void {
    const nowMs = this.#clock.monotonicMs();
    const { priceMs, spanMs } = this.#terms();
    const before = Math.max(this.#fullAtMs.get(name) ?? 0, nowMs);
    const after = Math.min(before + priceMs * count, nowMs + spanMs * DEBT_SPANS_MAX);
    this.#keep(name, Math.max(before, after));
  }

  /** The part of the rate and of the burst that may be let through; 0 < share ≤ 1. */
  share(share: number): void {
    assert(share > 0 && share <= 1, "a share is a part");
    this.#share = share;
  }

  /** What one request costs, and what a full bucket holds: one request at least. */
  #terms(): { readonly priceMs: number; readonly spanMs: number } {
    const priceMs = 1_000 / (this.#rate.perSecond * this.#share);
    return { priceMs, spanMs: Math.max(priceMs, priceMs * this.#rate.burst * this.#share) };
  }

  get size(): number {
    return this.#fullAtMs.size;
  }

  #keep(name: Name, fullAtMs: number): void {
    this.#fullAtMs.delete(name);
    this.#fullAtMs.set(name, fullAtMs);
    if (this.#fullAtMs.size <= this.#namesMax) return;
    const [oldest] = this.#fullAtMs.keys();
    if (oldest !== undefined) this.#fullAtMs.delete(oldest);
  }
}
