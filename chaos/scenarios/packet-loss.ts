/** 14: a third of all packets is lost, below TCP. */
import { EU, US } from "../fleet/region-plan.ts";
import { setPair } from "../network/links.ts";
import type { Scenario } from "../scenario.ts";

export const packetLoss: Scenario = {
  name: "packet-loss",
  numbers: [14],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `30 % of the packets between ${US} and ${EU} are lost`,
    expectation: "the link may come and go; nothing is lost, and all converge within a minute",
  },
  needs: ["loss"],
  backends: ["netns"],
  seconds: { quick: 10, full: 300 },
  convergeMsMax: 60_000,
  async act(stage) {
    await stage.during(`30 % loss between ${US} and ${EU}`, [], async () => {
      setPair(stage.links, US, EU, { lossRate: 0.3 });
      await stage.wait(stage.seconds);
      stage.links.clear();
    });
  },
};
