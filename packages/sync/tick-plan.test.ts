// When a tick must come: as often as before while something is under way, and never later than it is needed.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { Regions } from "./region.fixture.ts";
import { TickPlan } from "./tick-plan.ts";

const { TICK_MS, TICK_IDLE_MS } = limits;

describe("a plan", () => {
  const planned = (dueMs: number): TickPlan => {
    const plan = new TickPlan();
    plan.after(1_000, () => dueMs);
    return plan;
  };

  test("is for the moment at which something is due", () => {
    expect(planned(1_100).nextMs).toBe(1_100);
  });

  test("is never for sooner than a tick, nor for later than an idle one", () => {
    expect(planned(0).nextMs).toBe(1_000 + TICK_MS);
    expect(planned(Infinity).nextMs).toBe(1_000 + TICK_IDLE_MS);
  });

  test("only moves nearer until its tick has come, which says how late it was", () => {
    const plan = planned(1_200);
    plan.after(1_010, () => 1_230);
    expect(plan.nextMs).toBe(1_200);
    plan.after(1_010, () => 1_100);
    expect(plan.nextMs).toBe(1_100);
    expect(plan.tick(1_600)).toBe(500);
    plan.after(1_600, () => Infinity);
    expect(plan.nextMs).toBe(1_600 + TICK_IDLE_MS);
  });
});

type Act = readonly [
  pauseMs: number,
  kind: "write" | "cut" | "heal" | "stall" | "flow",
  by: number,
];

const act: fc.Arbitrary<Act> = fc.tuple(
  fc.integer({ min: 0, max: 400 }),
  fc.constantFrom("write", "cut", "heal", "stall", "flow"),
  fc.integer({ min: 0, max: 2 }),
);

describe("a region that ticks when it is planned", () => {
  test("has nothing to do before", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(act, { maxLength: 25 }), (seed, acts) => {
        const regions = new Regions(seed, { count: 3 }).connect();
        const all = [regions.a, regions.b, regions.c].filter((region) => region !== undefined);
        const names = ["a", "b", "c"];
        for (const [pauseMs, kind, by] of acts) {
          const pair = [names[by] ?? "", names[(by + 1) % 3] ?? ""] as const;
          if (kind === "write") all[by]?.write(1 + (pauseMs % 3), 20, pauseMs % 4);
          else if (kind === "cut") regions.network.cut(...pair);
          else if (kind === "heal") regions.network.heal(...pair);
          else if (all[by] !== undefined) all[by].isStuck = kind === "stall";
          for (let left = pauseMs; left > 0; left -= 10) {
            regions.clock.advance(10);
            for (const region of all) expect(region.overlooked()).toEqual([]);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test("ticks a few times a second when all is quiet", () => {
    const regions = new Regions("quiet", { count: 3 }).connect();
    regions.clock.advance(3_000);
    const before = regions.a.ticks;
    regions.clock.advance(10_000);
    const perSecond = (regions.a.ticks - before) / 10;
    expect(perSecond).toBeGreaterThanOrEqual(1_000 / TICK_IDLE_MS);
    expect(perSecond).toBeLessThan(12); // forty, if it asked at every beat
  });
});
