/** 6: one region against two, with clients that write on both sides: the case that Atoll exists for. */
import { AP, EU, US } from "../fleet/region-plan.ts";
import { linkDown } from "../judge/signal.ts";
import { setPair } from "../network/links.ts";
import { LOAD_HIGH } from "../load/load.ts";
import type { Scenario } from "../scenario.ts";

export const splitBrain: Scenario = {
  name: "split-brain",
  numbers: [6],
  hypothesis: {
    steady: "three regions serve 200 writes a second and more, and lag by less than a second",
    fault: `nothing passes between ${AP} and the two others; clients write on both sides`,
    expectation:
      "both sides serve all the while, both know of the cut within 10 s, and become equal by themselves",
  },
  load: LOAD_HIGH,
  writesPerSecondMin: 200,
  seconds: { quick: 8, full: 600 },
  convergeMsMax: 15_000,
  signal: linkDown(US, AP),
  async act(stage) {
    const { links } = stage;
    await stage.during(`${AP} is cut off from ${US} and ${EU}`, [], async () => {
      for (const other of [US, EU]) setPair(links, AP, other, { passage: "swallow" });
      await stage.wait(stage.seconds);
      for (const [from, to] of [
        [US, AP],
        [AP, US],
        [AP, EU],
        [EU, AP],
      ] as const) {
        const state = await stage.linkState(from, to);
        stage.expect(`${from} knows that it does not reach ${to}`, state !== "live", state);
      }
      const roots = await Promise.all([US, AP].map((name) => stage.status(name)));
      const [one, other] = roots.map((status) => status?.root);
      stage.expect("the sides have diverged", one !== other, "otherwise nothing was tested");
      links.clear();
    });
  },
};
