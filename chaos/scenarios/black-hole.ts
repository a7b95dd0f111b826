/** 12: a link on which nothing arrives and nothing is refused: TCP alone would wait for a quarter of an hour. */
import { limits } from "@atoll/core";
import { EU, US } from "../fleet/region-plan.ts";
import { linkDown } from "../judge/signal.ts";
import { setPair } from "../network/links.ts";
import type { Scenario } from "../scenario.ts";

/** Silence, the beat at which it is looked for, and a busy machine. */
const NOTICED_MS_MAX = limits.LINK_SILENCE_MS_MAX + 3_000;

export const blackHole: Scenario = {
  name: "black-hole",
  numbers: [12],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `packets between ${US} and ${EU} vanish, without RST`,
    expectation: "both call the link down within two heartbeats, and redial when it is mended",
  },
  seconds: { quick: 6, full: 120 },
  convergeMsMax: 15_000,
  signal: linkDown(US, EU, NOTICED_MS_MAX),
  async act(stage) {
    const { links } = stage;
    await stage.during(`a hole between ${US} and ${EU}`, [], async () => {
      setPair(links, US, EU, { passage: "swallow" });
      await stage.expectSoon("both call the link down", NOTICED_MS_MAX, async () => {
        const states = [await stage.linkState(US, EU), await stage.linkState(EU, US)];
        return !states.includes("live");
      });
      await stage.wait(stage.seconds);
      links.clear();
    });
  },
};
