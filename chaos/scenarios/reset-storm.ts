/** 18: connections are reset again and again while regions catch up. */
import { AP, EU, US } from "../fleet/region-plan.ts";
import { setPair } from "../network/links.ts";
import type { Scenario } from "../scenario.ts";

export const resetStorm: Scenario = {
  name: "reset-storm",
  numbers: [18],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `${AP} is cut off, and reset every half second while it catches up`,
    expectation: "it goes on where it was and needs no quiet to become equal",
  },
  needs: ["resets"],
  seconds: { quick: 8, full: 120 },
  convergeMsMax: 20_000,
  async act(stage) {
    const { links } = stage;
    await stage.during(`${AP} is cut off`, [], async () => {
      for (const other of [US, EU]) setPair(links, AP, other, { passage: "swallow" });
      await stage.wait(stage.seconds / 2);
      links.clear();
    });
    let resets = 0;
    await stage.during(`the links of ${AP} are reset`, [], async () => {
      const untilMs = stage.nowMs() + (stage.seconds / 2) * 1_000;
      while (stage.nowMs() < untilMs) {
        resets += links.reset(AP, US) + links.reset(AP, EU);
        await stage.wait(0.3 + 0.4 * stage.random.float());
      }
    });
    stage.expect("links were reset", resets > 0, `${resets} times`);
  },
};
