/**
 * `kill -9` at chosen points of a region under load, and at any moment; then it is started again and asked.
 *
 *     in-transaction   rows are written, nothing is committed
 *     before-commit    all rows of a group are written
 *     after-commit     in the log, on its way to the disk
 *     after-sync       durable, and nobody has been answered
 *     any moment       between two answers, in a checkpoint, while starting
 *
 * Lost: an addition that was answered and is not shown. Invented: one that nobody sent.
 */
import type { Random } from "@atoll/core";
import { delay } from "@atoll/core";
import { fileFaults } from "@atoll/store";
import { CrashRegion } from "./crash-region.ts";

const POINTS = [
  "in-transaction",
  "before-commit",
  "after-commit",
  "after-sync",
  "any moment",
] as const;
const CLIENTS = 8;
/** The point is passed so many times before it kills: the first few belong to the start. */
const PASSES_MAX = 60;
const MOMENT_MS_MAX = 600;

export interface KillCounts {
  kills: number;
  /** Of them, before the region served. */
  whileStarting: number;
  acknowledged: number;
  lost: number;
  invented: number;
  readonly byPoint: Record<string, number>;
  readonly faults: string[];
}

export async function killing(
  directory: string,
  kills: number,
  random: Random,
  tell: (line: string) => void,
): Promise<KillCounts> {
  const region = new CrashRegion(directory, CLIENTS);
  const byPoint = Object.fromEntries(POINTS.map((point) => [point, 0]));
  const counts: KillCounts = {
    ...{ kills: 0, whileStarting: 0, acknowledged: 0, lost: 0, invented: 0 },
    ...{ byPoint, faults: [] },
  };
  try {
    for (; counts.kills < kills; counts.kills++) {
      const point = POINTS[counts.kills % POINTS.length] ?? "any moment";
      await killOnce(region, point, random, counts);
      byPoint[point] = (byPoint[point] ?? 0) + 1;
      if ((counts.kills + 1) % 25 === 0) tell(`${counts.kills + 1} kills, ${counts.lost} lost`);
    }
    if (!(await region.start())) counts.faults.push("it does not start any more");
    else if (!(await compare(region, counts))) counts.faults.push("it does not show what it has");
    region.kill("SIGTERM");
    await region.ended;
    counts.faults.push(...fileFaults(region.database));
  } finally {
    region.kill();
  }
  counts.acknowledged = region.tallies.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  return counts;
}

async function killOnce(
  region: CrashRegion,
  point: (typeof POINTS)[number],
  random: Random,
  counts: KillCounts,
): Promise<void> {
  const isServing = await region.start(
    point === "any moment" ? [] : ["--import", crashAt(point, 1 + random.below(PASSES_MAX))],
  );
  if (isServing) {
    await compare(region, counts);
    const loaded = region.load();
    if (point === "any moment") {
      await delay(random.below(MOMENT_MS_MAX));
      region.kill();
    }
    await loaded;
  } else counts.whileStarting++;
  const { code, signal } = await region.ended;
  if (signal !== "SIGKILL") counts.faults.push(`it ended by itself, ${code}: ${region.words}`);
}

/** What is shown now, against what was answered before. False when not all could be asked. */
async function compare(region: CrashRegion, counts: KillCounts): Promise<boolean> {
  for (const tally of region.tallies) {
    let shown: number;
    try {
      shown = await region.shown(tally);
    } catch {
      return false; // killed while it was asked: the next start is asked
    }
    counts.lost += Math.max(0, tally.acknowledged - shown);
    counts.invented += Math.max(0, shown - tally.sent);
    // What had no answer has one now: it is there, and must stay.
    tally.acknowledged = Math.max(tally.acknowledged, shown);
    tally.sent = tally.acknowledged;
  }
  return true;
}

function crashAt(point: string, count: number): string {
  const module = new URL(import.meta.resolve("@atoll/store/crash-points"));
  module.searchParams.set("point", point);
  module.searchParams.set("count", String(count));
  return module.href;
}
