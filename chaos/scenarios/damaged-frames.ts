/** 16: one frame in twenty is cut short or has a bit turned in what it carries. */
import { limits } from "@atoll/core";
import { EU, REGIONS, US } from "../fleet/region-plan.ts";
import type { Scenario } from "../scenario.ts";

/** What came damaged is asked for again after this pause; then a busy machine. */
const CONVERGE_MS_MAX = limits.QUARANTINE_RETRY_MS + 15_000;

export const damagedFrames: Scenario = {
  name: "damaged-frames",
  numbers: [16],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `5 % of the frames between ${US} and ${EU} are cut short or damaged`,
    expectation: "none is accepted, no region stops, and one error does not end a friendship",
  },
  needs: ["frames"],
  seconds: { quick: 8, full: 300 },
  convergeMsMax: CONVERGE_MS_MAX,
  async act(stage) {
    const frames = { duplicateRate: 0, reorderRate: 0, corruptRate: 0.05 };
    await stage.during(`damaged frames between ${US} and ${EU}`, [], async () => {
      stage.links.set(US, EU, { frames });
      stage.links.set(EU, US, { frames });
      await stage.wait(stage.seconds);
      stage.links.clear();
    });
    for (const name of REGIONS) {
      stage.expect(`${name} lives`, stage.region(name).process.isUp);
    }
  },
};
