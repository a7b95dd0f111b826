import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "@atoll/core";
import { TokenBuckets } from "./token-bucket.ts";

function bucketsOf(perSecond: number, burst: number, namesMax = 100) {
  const clock = new ManualClock();
  return { clock, buckets: new TokenBuckets({ clock, rate: { perSecond, burst }, namesMax }) };
}

describe("a token bucket", () => {
  test("lets a burst through at once and then refuses, saying when", () => {
    const { buckets } = bucketsOf(10, 3);
    expect(buckets.take("a")).toMatchObject({ allowed: true, remaining: 2, retryMs: 0 });
    expect(buckets.take("a")).toMatchObject({ allowed: true, remaining: 1, resetMs: 200 });
    expect(buckets.take("a")).toMatchObject({ allowed: true, remaining: 0 });
    expect(buckets.take("a")).toMatchObject({ allowed: false, remaining: 0, retryMs: 100 });
  });

  test("keeps its promise: after the time it named, one more comes through, and no two", () => {
    const { clock, buckets } = bucketsOf(4, 2);
    buckets.take("a");
    buckets.take("a");
    const { retryMs } = buckets.take("a");
    clock.advance(retryMs);
    expect(buckets.take("a").allowed).toBe(true);
    expect(buckets.take("a").allowed).toBe(false);
  });

  test("gives every name a bucket of its own", () => {
    const { buckets } = bucketsOf(1, 1);
    expect(buckets.take("a").allowed).toBe(true);
    expect(buckets.take("b").allowed).toBe(true);
    expect(buckets.take("a").allowed).toBe(false);
  });

  test("forgets the least recently used name when there are too many", () => {
    const { buckets } = bucketsOf(1, 1, 2);
    buckets.take("a");
    buckets.take("b");
    buckets.take("a");
    buckets.take("c");
    expect(buckets.size).toBe(2);
    expect(buckets.take("a").allowed).toBe(false);
    expect(buckets.take("b").allowed).toBe(true);
  });

  test("never lets more through in any stretch of time than the burst and the rate", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 8 }),
        (waits, perSecond, burst) => {
          const { clock, buckets } = bucketsOf(perSecond, burst);
          const allowedAtMs: number[] = [];
          for (const wait of waits) {
            clock.advance(wait);
            if (buckets.take("a").allowed) allowedAtMs.push(clock.monotonicMs());
          }
          for (const [from, startMs] of allowedAtMs.entries()) {
            for (let to = from; to < allowedAtMs.length; to++) {
              const seconds = ((allowedAtMs[to] ?? 0) - startMs) / 1_000;
              expect(to - from + 1).toBeLessThanOrEqual(burst + perSecond * seconds + 1e-3);
            }
          }
        },
      ),
    );
  });
});
