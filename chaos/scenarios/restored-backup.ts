/** 26: an old copy of the files is put back under the same name. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EU } from "../fleet/region-plan.ts";
import type { Scenario } from "../scenario.ts";

export const restoredBackup: Scenario = {
  name: "restored-backup",
  numbers: [26],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `${EU} is stopped, its files are replaced by a copy from before, and it is started again`,
    expectation:
      "it writes under a new name, so that no number is given twice, and fetches what the copy lacks",
  },
  seconds: { quick: 5, full: 300 },
  convergeMsMax: 20_000,
  async act(stage) {
    const region = stage.region(EU);
    const { process, plan } = region;
    const backup = join(stage.directory, "backup");
    await stage.during(`${EU} is stopped and copied`, [EU], async () => {
      await process.stop();
      cpSync(plan.dataDirectory, backup, { recursive: true });
      await process.start();
    });
    await stage.wait(stage.seconds);
    const before = await stage.status(EU);
    await stage.during(`${EU} is restored from an old copy`, [EU], async () => {
      await stage.drain(region); // what nobody else has is lost with the files, for every store
      await process.kill();
      rmSync(plan.dataDirectory, { recursive: true });
      cpSync(backup, plan.dataDirectory, { recursive: true });
      await process.start();
    });
    const behind = await stage.status(EU);
    stage.readmit(region);
    await stage.wait(2);
    const after = await stage.status(EU);
    const names = [before?.origin, behind?.origin, after?.origin].join(", ");
    stage.expect("it does not go on under the old name", before?.origin !== after?.origin, names);
  },
};
