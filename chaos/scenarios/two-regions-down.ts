/** 4: of three regions one is left. */
import { AP, EU, US } from "../fleet/region-plan.ts";
import { linkDown } from "../judge/signal.ts";
import type { Scenario } from "../scenario.ts";

export const twoRegionsDown: Scenario = {
  name: "two-regions-down",
  numbers: [4],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `${EU} and ${AP} are killed at once and started again later`,
    expectation: `${US} alone serves all reads and writes, and brings the others up to date`,
  },
  seconds: { quick: 6, full: 300 },
  convergeMsMax: 15_000,
  signal: linkDown(US, EU),
  act: (stage) =>
    stage.outage(stage.region(EU), () =>
      stage.outage(stage.region(AP), async () => {
        const before = stage.calls.length;
        await stage.wait(stage.seconds);
        const served = stage.calls.slice(before).filter(({ region }) => region === 0);
        stage.expect(`clients of all regions are served by ${US}`, served.length > 0);
      }),
    ),
};
