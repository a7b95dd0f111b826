/** 8: what one region says no longer arrives at another, while what it hears does; for good. */
import { EU, US } from "../fleet/region-plan.ts";
import { linkDown } from "../judge/signal.ts";
import type { Scenario } from "../scenario.ts";

export const oneWayCut: Scenario = {
  name: "one-way-cut",
  numbers: [8],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `nothing passes from ${US} to ${EU}; from ${EU} to ${US} everything does`,
    expectation:
      "neither takes the link for live; all converge through the third region while the cut lasts",
  },
  seconds: { quick: 6, full: 600 },
  convergeMsMax: 10_000,
  signal: linkDown(EU, US),
  async act(stage) {
    const { links } = stage;
    await stage.during(`${EU} is deaf to ${US}`, [], async () => {
      links.set(US, EU, { passage: "swallow" });
      await stage.wait(stage.seconds);
      for (const [from, to] of [
        [US, EU],
        [EU, US],
      ] as const) {
        const state = await stage.linkState(from, to);
        stage.expect(`${from} does not take its link to ${to} for live`, state !== "live", state);
        await stage.reaches(from, to, 5_000);
      }
      links.clear();
    });
  },
};
