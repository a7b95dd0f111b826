/**
 * Is a planted bug caught, by which checker, and how many seeds did it take?
 *
 * A seed counts only if it passes without the bug: otherwise it would have failed anyway.
 */
import { must } from "@atoll/core";
import { seedsFrom } from "./campaign.ts";
import { plantedByName } from "./planted.ts";
import { drawSchedule } from "./schedule.ts";
import { breathe } from "./seed-run.ts";
import { simulate } from "./simulation.ts";

export interface HuntTask {
  readonly kind: "hunt";
  /** Its name. */
  readonly bug: string;
  readonly seedsMax: number;
}

export interface Hunted {
  readonly name: string;
  /** Undefined: not within the seeds that were allowed. */
  readonly seeds?: number | undefined;
  readonly seed?: string | undefined;
  readonly checker?: string | undefined;
}

export async function hunt({ bug, seedsMax }: HuntTask): Promise<Hunted> {
  const sabotage = must(plantedByName(bug), bug);
  let seeds = 0;
  for (const seed of seedsFrom(1, seedsMax)) {
    seeds++;
    await breathe();
    const schedule = drawSchedule(seed);
    const { violations } = await simulate({ schedule, sabotage });
    const [violation] = violations;
    if (violation === undefined) continue;
    const sound = await simulate({ schedule });
    if (sound.violations.length > 0) continue;
    return { name: bug, seeds, seed, checker: violation.checker };
  }
  return { name: bug };
}
