/**
 * Cuts a failing schedule down to what the failure needs: delta debugging (Zeller and Hildebrandt, 2002) over
 * the list of operations and faults, then over the rates that are drawn while it runs.
 *
 * A smaller schedule counts if the same checker complains: a different failure is another bug.
 */
import type { Sabotage } from "./sabotage.ts";
import type { Item, Schedule } from "./schedule.ts";
import { simulate } from "./simulation.ts";

export interface Shrunk {
  readonly schedule: Schedule;
  readonly runs: number;
}

export async function shrink(
  schedule: Schedule,
  options: {
    readonly sabotage?: Sabotage | undefined;
    readonly checker: string;
    readonly runsMax: number;
    readonly progress?: (items: number, runs: number) => void;
  },
): Promise<Shrunk> {
  let runs = 0;
  let best = schedule;
  const fails = async (candidate: Schedule): Promise<boolean> => {
    runs++;
    const { violations } = await simulate({ schedule: candidate, sabotage: options.sabotage });
    const isSame = violations[0]?.checker === options.checker;
    if (isSame) best = candidate;
    options.progress?.(best.items.length, runs);
    return isSame;
  };
  let chunk = Math.ceil(best.items.length / 2);
  while (chunk >= 1 && runs < options.runsMax) {
    let isSmaller = false;
    for (let at = 0; at < best.items.length && runs < options.runsMax;) {
      const items = without(best.items, at, chunk);
      if (await fails({ ...best, items })) isSmaller = true;
      else at += chunk;
    }
    if (chunk === 1 && !isSmaller) break;
    chunk = chunk === 1 ? 1 : Math.ceil(chunk / 2);
  }
  for (const calm of CALMER) {
    if (runs >= options.runsMax) break;
    await fails({ ...best, options: { ...best.options, ...calm } });
  }
  return { schedule: best, runs };
}

const CALMER: readonly Partial<Schedule["options"]>[] = [
  { breakRate: 0 },
  { duplicateRate: 0 },
  { reorderRate: 0 },
  { corruptRate: 0 },
  { jitterMs: 0 },
  { skewsMs: [], driftsPpm: [] },
  { old: [] },
];

function without(items: readonly Item[], at: number, count: number): Item[] {
  return [...items.slice(0, at), ...items.slice(at + count)];
}
