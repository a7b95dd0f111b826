/** 9: two regions do not reach each other, and a third one reaches both. */
import { AP, EU, US } from "../fleet/region-plan.ts";
import { linkDown } from "../judge/signal.ts";
import { setPair } from "../network/links.ts";
import type { Scenario } from "../scenario.ts";

export const partialCut: Scenario = {
  name: "partial-cut",
  numbers: [9],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `nothing passes between ${US} and ${EU}; both reach ${AP}`,
    expectation: `what either writes is in the other within seconds, through ${AP}`,
  },
  seconds: { quick: 6, full: 300 },
  convergeMsMax: 10_000,
  signal: linkDown(US, EU),
  async act(stage) {
    const { links } = stage;
    await stage.during(`${US} and ${EU} are cut off from each other`, [], async () => {
      setPair(links, US, EU, { passage: "swallow" });
      await stage.wait(stage.seconds);
      await stage.reaches(US, EU, 5_000);
      await stage.reaches(EU, US, 5_000);
      links.clear();
    });
  },
};
