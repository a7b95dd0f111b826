/** 11: a link that comes and goes faster than anybody can settle. */
import { AP, EU, US } from "../fleet/region-plan.ts";
import { setPair } from "../network/links.ts";
import type { Scenario } from "../scenario.ts";

/** Both may dial, twice a second at most while a link never settles, and once at once. */
const DIALS_PER_SECOND_MAX = 4;

export const flapping: Scenario = {
  name: "flapping",
  numbers: [11],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `all links of ${AP} are cut and mended every one to three seconds`,
    expectation: "it reconnects, and no more often than its pauses allow; nothing is lost",
  },
  seconds: { quick: 14, full: 1_800 },
  convergeMsMax: 15_000,
  async act(stage) {
    const { links, random } = stage;
    const dials = (): number =>
      [US, EU].reduce((sum, other) => {
        return sum + (links.dials(AP, other) ?? 0) + (links.dials(other, AP) ?? 0);
      }, 0);
    const before = dials();
    const startedMs = stage.nowMs();
    let flaps = 0;
    await stage.during(`the links of ${AP} flap`, [], async () => {
      while (stage.nowMs() - startedMs < stage.seconds * 1_000) {
        for (const other of [US, EU]) setPair(links, AP, other, { passage: "swallow" });
        await stage.wait(1 + 2 * random.float());
        links.clear();
        await stage.wait(1 + 2 * random.float());
        flaps++;
      }
    });
    if (links.dials(AP, US) === undefined) return; // nobody counts them on this backend
    const perSecond = (dials() - before) / ((stage.nowMs() - startedMs) / 1_000);
    const detail = `${flaps} flaps, ${perSecond.toFixed(1)} dials/s, at most ${DIALS_PER_SECOND_MAX}`;
    stage.expect("it does not dial without a pause", perSecond <= DIALS_PER_SECOND_MAX, detail);
  },
};
