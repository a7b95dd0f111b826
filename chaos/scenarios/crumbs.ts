/** 17: bytes arrive one by one, and connections end slowly. */
import { EU, US } from "../fleet/region-plan.ts";
import { setPair } from "../network/links.ts";
import type { Scenario } from "../scenario.ts";

export const crumbs: Scenario = {
  name: "crumbs",
  numbers: [17],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `everything between ${US} and ${EU} arrives in pieces of one to four bytes`,
    expectation: "a slow reader's limits are not met by mistake: the link stays live",
  },
  needs: ["slices"],
  load: { rate: 40 },
  seconds: { quick: 8, full: 300 },
  convergeMsMax: 20_000,
  async act(stage) {
    const { links } = stage;
    await stage.during(`crumbs between ${US} and ${EU}`, [], async () => {
      setPair(links, US, EU, { sliceBytes: 4, delayMs: 20 });
      const dials = links.dials(US, EU);
      await stage.wait(stage.seconds);
      const again = links.dials(US, EU);
      stage.expect("the link is not given up", dials === again, `${dials} dials, then ${again}`);
      links.clear();
    });
  },
};
