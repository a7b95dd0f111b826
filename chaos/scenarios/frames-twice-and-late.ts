/** 15: every second frame arrives twice, every second one behind the next. */
import { REGIONS } from "../fleet/region-plan.ts";
import type { Scenario } from "../scenario.ts";

export const framesTwiceAndLate: Scenario = {
  name: "frames-twice-and-late",
  numbers: [15],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: "half of all frames on all links are doubled, and half are overtaken by the next",
    expectation: "receiving twice equals receiving once: counters are exact, nothing is lost",
  },
  needs: ["frames"],
  load: { weights: { owned: 2, marks: 2, counter: 4, set: 2, free: 1 } },
  seconds: { quick: 8, full: 300 },
  convergeMsMax: 20_000,
  async act(stage) {
    const frames = { duplicateRate: 0.5, reorderRate: 0.5, corruptRate: 0 };
    await stage.during("frames twice and late", [], async () => {
      for (const from of REGIONS) {
        for (const to of REGIONS) if (from !== to) stage.links.set(from, to, { frames });
      }
      await stage.wait(stage.seconds);
      stage.links.clear();
    });
  },
};
