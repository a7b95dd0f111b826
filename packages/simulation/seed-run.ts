/**
 * One seed of many: run, run again where somebody wants to know whether it repeats, and told as plain data, because
 * it may run in another process.
 */
import { must, systemClock } from "@atoll/core";
import type { Violation } from "./checkers/violation.ts";
import { plantedByName } from "./planted.ts";
import { drawSchedule } from "./schedule.ts";
import { simulate } from "./simulation.ts";

export interface SeedTask {
  readonly kind: "seed";
  readonly seed: string;
  /** Another hash of its trace means that something depends on more than its seed. */
  readonly runsTwice: boolean;
  /** The name of a planted bug. */
  readonly bug?: string | undefined;
}

export interface SeedResult {
  readonly seed: string;
  /** Undefined: it has passed. */
  readonly violation?: Violation | undefined;
  readonly trace: string;
  readonly ranTwice: boolean;
  readonly events: number;
  readonly frames: number;
  readonly calls: number;
  readonly simulatedMs: number;
  /** What it took in all, the second run included. */
  readonly cpuMs: number;
  /** Rare paths, and how often each was taken. */
  readonly marks: Readonly<Record<string, number>>;
}

export async function runSeed({ seed, runsTwice, bug }: SeedTask): Promise<SeedResult> {
  const sabotage = bug === undefined ? undefined : must(plantedByName(bug), bug);
  const before = process.cpuUsage();
  const schedule = drawSchedule(seed);
  const first = await simulate({ schedule, sabotage });
  const { trace, events, frames, calls, simulatedMs, marks } = first;
  let [violation] = first.violations;
  if (runsTwice) {
    const again = await simulate({ schedule, sabotage });
    const message = `${trace} the first time, ${again.trace} the second`;
    if (again.trace !== trace) violation = { checker: "determinism", message, atMs: 0 };
  }
  await breathe();
  const { user, system } = process.cpuUsage(before);
  const about = { seed, violation, trace, ranTwice: runsTwice };
  const counts = { events, frames, calls, simulatedMs, cpuMs: (user + system) / 1_000 };
  return { ...about, ...counts, marks: Object.fromEntries(marks) };
}

/** A turn of the event loop, which a simulation never gives it: what the collector found is freed in it. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => systemClock.afterTurn(resolve));
}
