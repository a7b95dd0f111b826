/** 19: a process stops for a while and goes on as if nothing had been: a paused VM, a long collection. */
import { EU, US } from "../fleet/region-plan.ts";
import { notReady } from "../judge/signal.ts";
import type { Scenario } from "../scenario.ts";

export const frozenProcess: Scenario = {
  name: "frozen-process",
  numbers: [19],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `${EU} is stopped (SIGSTOP) and goes on later (SIGCONT)`,
    expectation: "its peers notice; it goes on as the same region, without a burst, and catches up",
  },
  seconds: { quick: 6, full: 60 },
  convergeMsMax: 15_000,
  signal: notReady(EU),
  async act(stage) {
    const region = stage.region(EU);
    const before = await stage.status(EU);
    await stage.during(`${EU} is frozen`, [EU], async () => {
      region.process.freeze();
      await stage.wait(stage.seconds);
      const state = await stage.linkState(US, EU);
      stage.expect(`${US} knows that ${EU} is silent`, state !== "live", state);
      region.process.thaw();
      await region.process.untilReady();
    });
    const after = await stage.status(EU);
    stage.expect("it is who it was", before?.origin === after?.origin, after?.origin);
  },
};
