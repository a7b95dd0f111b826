/** One limit for several regions, linked, cut and healed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock, limits } from "@atoll/core";
import { RateLimits, rateHeaders } from "./rate-limits.ts";

const RATE = { perSecond: 40, burst: 20 };
const STEP_MS = 50;
const NAME = "key:ci";

/** Regions that tell each other what they let through, over links that can be cut. */
class Fleet {
  readonly clock = new ManualClock();
  readonly regions: readonly RateLimits[];
  allowed = 0;
  #links: readonly (readonly boolean[])[];
  #toldMs = 0;

  constructor(count: number) {
    this.regions = Array.from(
      { length: count },
      () => new RateLimits({ writes: RATE }, this.clock),
    );
    this.#links = [];
    this.link(() => true);
  }

  link(isLinked: (a: number, b: number) => boolean): void {
    this.#links = this.regions.map((_, a) => this.regions.map((_, b) => isLinked(a, b)));
    this.regions.forEach((region, a) => {
      region.sharedBy(this.#links[a]?.filter(Boolean).length ?? 1, this.regions.length);
    });
  }

  /** In each of these regions a client asks for more than it may. */
  run(ms: number, asking: readonly number[]): void {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      for (const at of asking) {
        for (let i = 0; i < 10; i++) {
          if (this.regions[at]?.take("writes", NAME)?.allowed === true) this.allowed++;
        }
      }
      this.clock.advance(STEP_MS);
      this.#tell();
    }
  }

  #tell(): void {
    if (this.clock.monotonicMs() - this.#toldMs < limits.SPENT_PERIOD_MS) return;
    this.#toldMs = this.clock.monotonicMs();
    const news = this.regions.map((region) => region.takeSpent());
    news.forEach((spent, from) => {
      this.regions.forEach((region, to) => {
        if (to !== from && this.#links[from]?.[to] === true) region.hear(spent);
      });
    });
  }
}

const SECONDS = 20;
const whole = RATE.perSecond * SECONDS;

function apart(cut: number) {
  return (a: number, b: number): boolean => a === b || (a !== cut && b !== cut);
}

describe.each([2, 3])("of %i regions", (count) => {
  const all = Array.from({ length: count }, (_, i) => i);
  /** A burst in each, and what is let through before it is told. */
  const excess = count * (RATE.burst + RATE.perSecond * 2 * (limits.SPENT_PERIOD_MS / 1_000));

  test("a client of all of them gets the rate once", () => {
    const fleet = new Fleet(count);
    fleet.run(SECONDS * 1_000, all);
    expect(fleet.allowed).toBeGreaterThan(0.9 * whole);
    expect(fleet.allowed).toBeLessThan(whole + excess);
  });

  test("a client of one of them gets all of it there", () => {
    const fleet = new Fleet(count);
    fleet.run(SECONDS * 1_000, [0]);
    expect(fleet.allowed).toBeGreaterThanOrEqual(whole);
    expect(fleet.allowed).toBeLessThanOrEqual(whole + RATE.burst);
  });

  test("while one is cut off it lets its share through, and the others theirs", () => {
    const fleet = new Fleet(count);
    fleet.link(apart(0));
    fleet.run(SECONDS * 1_000, [0]);
    const alone = fleet.allowed;
    expect(alone).toBeGreaterThan((0.95 * whole) / count);
    expect(alone).toBeLessThanOrEqual((whole + RATE.burst) / count + 1);
    fleet.run(SECONDS * 1_000, all);
    expect(fleet.allowed - alone).toBeGreaterThan(0.9 * whole);
    expect(fleet.allowed - alone).toBeLessThan(whole + excess);
  });

  test("the limit holds whatever is cut and healed meanwhile, and goes unused by nobody", () => {
    const phase = fc.record({
      cut: fc.integer({ min: -1, max: count - 1 }),
      steps: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1, maxLength: 12 }), (phases) => {
        const fleet = new Fleet(count);
        let seconds = 0;
        for (const { cut, steps } of phases) {
          fleet.link(apart(cut));
          fleet.run(steps * STEP_MS, all);
          seconds += (steps * STEP_MS) / 1_000;
        }
        const phaseExcess = phases.length * RATE.perSecond * 2 * (limits.SPENT_PERIOD_MS / 1_000);
        const most = RATE.perSecond * seconds + excess + count * phaseExcess;
        expect(fleet.allowed).toBeLessThanOrEqual(most);
        expect(fleet.allowed).toBeGreaterThanOrEqual(0.6 * RATE.perSecond * seconds);
      }),
      { numRuns: 60 },
    );
  });
});

test("headers say the limit as it is for the cluster, and what is left here", () => {
  const [region] = new Fleet(2).regions;
  const answer = region?.take("writes", NAME);
  if (answer === undefined) throw new Error("not limited");
  expect(rateHeaders("writes", answer)).toEqual({
    "RateLimit-Policy": '"writes";q=20;w=1',
    RateLimit: '"writes";r=19;t=1',
  });
  expect(region?.take("reads", NAME)).toBeUndefined();
});

test("a share below one request still lets one through, now and then", () => {
  const clock = new ManualClock();
  const region = new RateLimits({ writes: { perSecond: 1, burst: 1 } }, clock);
  region.sharedBy(1, 3);
  expect(region.take("writes", NAME)?.allowed).toBe(true);
  clock.advance(2_900);
  expect(region.take("writes", NAME)?.allowed).toBe(false);
  clock.advance(200);
  expect(region.take("writes", NAME)?.allowed).toBe(true);
});

test("what others let through is owed, and not without end", () => {
  const clock = new ManualClock();
  const [here, there] = [1, 2].map(() => new RateLimits({ writes: RATE }, clock));
  if (here === undefined || there === undefined) throw new Error("two regions");
  there.take("writes", NAME);
  const [spent] = there.takeSpent();
  here.hear([{ bucket: spent?.bucket ?? 0n, count: Number.MAX_SAFE_INTEGER }]);
  const refused = here.take("writes", NAME);
  expect(refused).toMatchObject({ allowed: false, remaining: 0 });
  clock.advance(refused?.retryMs ?? 0);
  expect(here.take("writes", NAME)?.allowed).toBe(true);
  expect(refused?.retryMs).toBeLessThan(1_000);
});
