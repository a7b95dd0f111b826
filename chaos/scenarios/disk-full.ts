/** 22: the disk of one region is full, to the last byte. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { limits } from "@atoll/core";
import type { Region } from "../fleet/fleet.ts";
import type { RegionPlan } from "../fleet/region-plan.ts";
import { EU, restUrl } from "../fleet/region-plan.ts";
import type { Launch } from "../fleet/region-process.ts";
import type { Scenario } from "../scenario.ts";

/** Above what a region keeps free for replication, or it would refuse writes from the start. */
const DISK_BYTES = limits.DISK_RESUME_BYTES + 128 * 1024 * 1024;
const RESUMED_MS_MAX = 5_000 + limits.DISK_CHECK_MS;
const BALLAST = "ballast";

export const diskFull: Scenario = {
  name: "disk-full",
  numbers: [22],
  hypothesis: {
    steady: `three regions serve; the files of ${EU} lie on a small disk`,
    fault: `a file fills the disk of ${EU} to the last byte, and is removed later`,
    expectation: "it refuses writes with 507, serves reads, and takes writes again by itself",
  },
  needs: ["mount"],
  launch: onSmallDisk,
  seconds: { quick: 6, full: 120 },
  convergeMsMax: 20_000,
  async act(stage) {
    const region = stage.region(EU);
    await stage.during(`the disk of ${EU} is full`, [EU], async () => {
      fill(region);
      await stage.expectSoon("writes are refused with 507", RESUMED_MS_MAX, async () => {
        return (await write(region)) === 507;
      });
      await stage.wait(stage.seconds);
      const read = await fetch(`${restUrl(region.plan)}/v1/profiles?pageSize=1`);
      stage.expect("reads are served", read.status === 200, `${read.status}`);
      stage.expect(`${EU} lives`, region.process.isUp);
      inside(region, "rm", "-f", join(region.plan.dataDirectory, BALLAST));
      await stage.expectSoon("writes are taken again by themselves", RESUMED_MS_MAX, async () => {
        return (await write(region)) < 300;
      });
    });
  },
};

/** A tmpfs that only this process sees, and that goes with it. */
function onSmallDisk({ name, dataDirectory }: RegionPlan): Launch {
  if (name !== EU) return {};
  const script = `mount -t tmpfs -o size=${DISK_BYTES} chaos "$0" && exec "$@"`;
  return { prefix: ["unshare", "--mount", "sh", "-c", script, dataDirectory] };
}

function fill(region: Region): void {
  const file = join(region.plan.dataDirectory, BALLAST);
  try {
    inside(region, "dd", "if=/dev/zero", `of=${file}`, "bs=1M", "status=none");
  } catch {
    // It ends when there is no room: that is what it is for.
  }
}

/** Runs a command where the region's process sees its files. */
function inside(region: Region, ...command: readonly string[]): void {
  const target = ["--target", `${region.process.pid ?? 0}`, "--mount"];
  execFileSync("nsenter", [...target, ...command], { stdio: "ignore" });
}

async function write(region: Region): Promise<number> {
  const answer = await fetch(`${restUrl(region.plan)}/v1/profiles/f-disk`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ displayName: `${region.process.pid}` }),
  });
  await answer.arrayBuffer();
  return answer.status;
}
