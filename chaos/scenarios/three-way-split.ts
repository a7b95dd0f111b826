/** 7: every region is alone. */
import { AP, EU, REGIONS, US } from "../fleet/region-plan.ts";
import { linkDown } from "../judge/signal.ts";
import { setPair } from "../network/links.ts";
import type { Scenario } from "../scenario.ts";

export const threeWaySplit: Scenario = {
  name: "three-way-split",
  numbers: [7],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: "nothing passes between any two regions",
    expectation: "each serves its own clients; all become equal by themselves",
  },
  seconds: { quick: 7, full: 600 },
  convergeMsMax: 15_000,
  signal: linkDown(US, EU),
  async act(stage) {
    const { links } = stage;
    await stage.during("all links are cut", [], async () => {
      setPair(links, US, EU, { passage: "swallow" });
      setPair(links, EU, AP, { passage: "swallow" });
      setPair(links, AP, US, { passage: "swallow" });
      await stage.wait(stage.seconds);
      const roots = await Promise.all(
        REGIONS.map(async (name) => (await stage.status(name))?.root),
      );
      stage.expect("all three have diverged", new Set(roots).size === 3);
      links.clear();
    });
  },
};
