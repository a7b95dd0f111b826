/** What happens to a region's files: copied, put back, damaged, on a disk that is too small. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SeededRandom, limits } from "@atoll/core";
import type { RegionName } from "../packages/server/faulty-links.fixture.ts";
import { damagePlaces, flipOneBit } from "../packages/store/damage.fixture.ts";
import type { Stage } from "./stage.ts";

/** Above the reserve before the ballast, below it with the ballast. */
const SMALL_DISK_MIB = 400;
const FLIPS = 3;

export function copyOf({ directory }: Stage, region: RegionName): string {
  return join(directory, `copy-of-${region}`);
}

export function copyFiles(stage: Stage, region: RegionName): void {
  cpSync(stage.cluster.region(region).directory, copyOf(stage, region), { recursive: true });
}

export function restoreFiles(stage: Stage, region: RegionName): void {
  const to = stage.cluster.region(region).directory;
  rmSync(to, { recursive: true });
  cpSync(copyOf(stage, region), to, { recursive: true });
}

/** Flips bits in a table's bytes, as a disk does that forgets. */
export function damageFiles({ cluster }: Stage, region: RegionName, table: string): void {
  const path = cluster.databaseOf(region);
  const places = damagePlaces(path).filter((place) => place.table === table);
  const random = new SeededRandom(`damage ${region} ${table}`);
  let flips = 0;
  for (const place of places) {
    if (flips < FLIPS && flipOneBit(path, place, random) !== undefined) flips++;
  }
  if (flips === 0) throw new Error(`nothing to damage in ${table} of ${region}`);
}

/** A file of ballast leaves less than the reserve, as a log that nobody rotates would. */
export function useSmallDisk({ cluster, afterwards }: Stage, region: RegionName): void {
  const { directory } = cluster.region(region);
  const aside = `${directory}.aside`;
  renameSync(directory, aside);
  mkdirSync(directory);
  const options = `size=${SMALL_DISK_MIB}m,mode=0700`;
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory]);
  afterwards.push(() => execFileSync("umount", [directory]));
  cpSync(aside, directory, { recursive: true });
  const { bavail, bsize } = statfsSync(directory);
  const ballast = bavail * bsize - limits.DISK_RESERVE_BYTES + 16 * 1024 * 1024;
  writeFileSync(join(directory, "ballast"), Buffer.alloc(ballast));
}
