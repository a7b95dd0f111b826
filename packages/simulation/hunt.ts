/**
 * Is a planted bug caught, by which checker, and how many seeds did it take?
 *
 * A seed counts only if it passes without the bug: otherwise it would have failed anyway.
 */
import type { Sabotage } from "./sabotage.ts";
import { drawSchedule } from "./schedule.ts";
import { simulate } from "./simulation.ts";
import { seedsFrom } from "./campaign.ts";

export interface Hunted {
  readonly name: string;
  /** Undefined: not within the seeds that were allowed. */
  readonly seeds: number | undefined;
  readonly seed: string | undefined;
  readonly checker: string | undefined;
}

export async function hunt(
  sabotage: Sabotage,
  options: { readonly first: number; readonly seedsMax: number; readonly tick?: () => unknown },
): Promise<Hunted> {
  let seeds = 0;
  for (const seed of seedsFrom(options.first, options.seedsMax)) {
    seeds++;
    await options.tick?.();
    const schedule = drawSchedule(seed);
    const { violations } = await simulate({ schedule, sabotage });
    const [violation] = violations;
    if (violation === undefined) continue;
    const sound = await simulate({ schedule });
    if (sound.violations.length > 0) continue;
    return { name: sabotage.name, seeds, seed, checker: violation.checker };
  }
  return { name: sabotage.name, seeds: undefined, seed: undefined, checker: undefined };
}
