/** 31: one region after the other is upgraded, and one is rolled back, under load. */
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { EU, REGIONS } from "../fleet/region-plan.ts";
import type { Launch } from "../fleet/region-process.ts";
import type { Scenario } from "../scenario.ts";

/** There is one release so far: the one before is played by one that speaks the protocol before ours. */
const EARLIER = join(import.meta.dirname, "..", "planted", "earlier-protocol.mjs");
const earlier: Launch = { nodeOptions: ["--import", pathToFileURL(EARLIER).href] };
const present: Launch = {};

export const rollingUpgrade: Scenario = {
  name: "rolling-upgrade",
  numbers: [31],
  hypothesis: {
    steady: "three regions of the release before serve reads and writes",
    fault: "they are stopped in order and started with this release, one by one; one goes back",
    expectation: "releases that are one apart replicate; nobody notices but by a region's absence",
  },
  launch: () => earlier,
  seconds: { quick: 3, full: 300 },
  convergeMsMax: 15_000,
  async act(stage) {
    const change = async (name: string, launch: Launch, what: string): Promise<void> => {
      const region = stage.region(name);
      await stage.during(`${name} ${what}`, [name], async () => {
        const isInTime = await region.process.stop();
        stage.expect(`${name} stops in order`, isInTime);
        await region.process.start(launch);
      });
      await stage.wait(stage.seconds);
    };
    for (const name of REGIONS) await change(name, present, "is upgraded");
    await change(EU, earlier, "is rolled back");
    await stage.reaches(EU, REGIONS[0], 10_000);
    await stage.reaches(REGIONS[0], EU, 10_000);
  },
};
