/** 24: bits of a database turn while nobody looks, and the end of its write-ahead log is torn off. */
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "@atoll/core";
import { errorText } from "@atoll/core";
import type { Region } from "../fleet/fleet.ts";
import { AP } from "../fleet/region-plan.ts";
import type { Stage } from "../run/stage.ts";
import type { Scenario } from "../scenario.ts";

const FLIPS = 12;
/** The first page holds the header, of which SQLite says by itself when it is wrong. */
const PAGE_BYTES = 4_096;
const REPAIRED_MS_MAX = 60_000;

export const damagedFiles: Scenario = {
  name: "damaged-files",
  numbers: [24],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: `${FLIPS} bits of the database of ${AP} turn; later it is killed and its WAL is torn off`,
    expectation:
      "it finds the damage or refuses to start, nobody else is touched, and peers make it whole again",
  },
  seconds: { quick: 2, full: 60 },
  convergeMsMax: REPAIRED_MS_MAX,
  async act(stage) {
    const region = stage.region(AP);
    const random = stage.random.fork("damage");
    await stage.during(`bits of the files of ${AP} turn`, [AP], async () => {
      await stage.drain(region);
      await region.process.stop(); // in order, so that all of it lies in the database
      const what = flipBits(region.plan.dataDirectory, random);
      const found = await repair(stage, region);
      stage.expect("the damage is found", found !== undefined, `${what}; ${found ?? "unnoticed"}`);
    });
    stage.readmit(region);
    await stage.wait(stage.seconds);
    await stage.during(`the WAL of ${AP} is torn off`, [AP], async () => {
      const before = await stage.status(AP);
      await stage.drain(region);
      await region.process.kill();
      const what = tearWal(region.plan.dataDirectory, random);
      await region.process.start();
      const after = await stage.status(AP);
      stage.expect("it does not go on under its name", before?.origin !== after?.origin, what);
    });
    stage.readmit(region);
  },
};

function flipBits(directory: string, random: Random): string {
  const file = join(directory, "atoll.db");
  const bytes = readFileSync(file);
  for (let i = 0; i < FLIPS; i++) {
    const at = PAGE_BYTES + random.below(bytes.length - PAGE_BYTES);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  }
  writeFileSync(file, bytes);
  return `${FLIPS} of ${bytes.length * 8} bits turned`;
}

function tearWal(directory: string, random: Random): string {
  const wal = join(directory, "atoll.db-wal");
  const walBytes = existsSync(wal) ? statSync(wal).size : 0;
  const kept = Math.floor(walBytes * random.float());
  if (walBytes > 0) truncateSync(wal, kept);
  return `${kept} of ${walBytes} bytes kept`;
}

/** Starts it and has it look; one that cannot live with its files is given none. How it was found. */
async function repair(stage: Stage, region: Region): Promise<string | undefined> {
  try {
    await region.process.start();
    const report = await region.admin.verify();
    if (report?.state === "done") {
      const { found, repaired } = report.faults;
      if (found === 0) return undefined;
      if (await isWhole(stage, region)) return `verify found ${found}, ${repaired} repaired`;
    }
  } catch (error) {
    return rebuild(region, errorText(error).split("\n")[0] ?? "");
  }
  return rebuild(region, "it cannot mend all of it");
}

async function isWhole(stage: Stage, region: Region): Promise<boolean> {
  const untilMs = stage.nowMs() + REPAIRED_MS_MAX / 2;
  while (stage.nowMs() < untilMs) {
    const report = await region.admin.verify();
    if (report?.faults.found === 0) return true;
    await stage.wait(1);
  }
  return false;
}

/** What the runbook says of a database that cannot be mended: the peers have all of it. */
async function rebuild(region: Region, why: string): Promise<string> {
  await region.process.kill();
  rmSync(region.plan.dataDirectory, { recursive: true });
  await region.process.start();
  return `${why}; rebuilt from its peers`;
}
