/**
 * Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014) in one safe integer.
 *
 *     52 bits = 42 bits of milliseconds since 2020-01-01 | 10 bits of counter
 *
 * Timestamps of one origin strictly increase, follow everything the origin had seen, and stay within
 * a bounded distance of its wall clock. Safety never depends on them: order inside an origin is its
 * sequence number, order inside a document is the hash graph of its changes. They decide how long a
 * session waits and where anti-entropy cuts.
 */
import { assert } from "./assert.ts";
import { CLOCK_PULL_MS_MAX, CLOCK_RECALL_MS_MAX } from "./limits.ts";

declare const hlcBrand: unique symbol;
export type Hlc = number & { readonly [hlcBrand]: true };

const EPOCH_MS = Date.UTC(2020, 0, 1);
const COUNTER_SPAN = 1024;
export const HLC_MAX = (2 ** 52 - 1) as Hlc;

export const HLC_ZERO = 0 as Hlc;

export function hlcFromMs(wallMs: number): Hlc {
  return (Math.max(0, Math.floor(wallMs - EPOCH_MS)) * COUNTER_SPAN) as Hlc;
}

/** Milliseconds since 1970 of the physical part. */
export function hlcToMs(hlc: Hlc): number {
  return Math.floor(hlc / COUNTER_SPAN) + EPOCH_MS;
}

/** For numbers from disk or the wire; undefined when out of range. */
export function parseHlc(value: number): Hlc | undefined {
  return Number.isSafeInteger(value) && value >= 0 && value <= HLC_MAX ? (value as Hlc) : undefined;
}

export function mustHlc(value: number): Hlc {
  const hlc = parseHlc(value);
  assert(hlc !== undefined, `not a timestamp: ${value}`);
  return hlc;
}

export class HybridClock {
  #last: Hlc;

  /** `last`: the highest timestamp in the replica's own log, so that a restart never goes back. */
  constructor(last: Hlc = HLC_ZERO) {
    this.#last = last;
  }

  /** The highest timestamp given out or learnt so far. */
  get last(): Hlc {
    return this.#last;
  }

  /** A new timestamp, larger than every earlier one. A full counter borrows the next millisecond. */
  tick(nowMs: number): Hlc {
    this.#last = Math.max(this.#last + 1, hlcFromMs(nowMs)) as Hlc;
    assert(this.#last <= HLC_MAX, "the clock has passed the year 2159");
    return this.#last;
  }

  /**
   * Learns of a timestamp from elsewhere, so that what is written next sorts after it. A peer with a
   * broken clock may pull us at most `CLOCK_PULL_MS_MAX` beyond our own wall clock.
   */
  observe(remote: Hlc, nowMs: number): void {
    this.#raise(remote, nowMs + CLOCK_PULL_MS_MAX);
  }

  /** Learns of a timestamp that this very clock gave out, and forgot. */
  recall(own: Hlc, nowMs: number): void {
    this.#raise(own, nowMs + CLOCK_RECALL_MS_MAX);
  }

  #raise(learnt: Hlc, boundMs: number): void {
    this.#last = Math.max(this.#last, Math.min(learnt, hlcFromMs(boundMs))) as Hlc;
  }
}
