/**
 * Many seeds, one after the other: what they found, what they cost, and which rare paths they took.
 *
 * Every hundredth runs twice: another hash of its trace means that something depends on more than its seed,
 * and then no seed is worth keeping.
 */
import type { Clock } from "@atoll/core";
import { systemClock } from "@atoll/core";
import type { Violation } from "./checkers/violation.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Schedule } from "./schedule.ts";
import { drawSchedule } from "./schedule.ts";
import type { RunResult } from "./simulation.ts";
import { simulate } from "./simulation.ts";

export interface Failure {
  readonly schedule: Schedule;
  readonly violation: Violation;
  readonly trace: string;
}

export interface Tally {
  seeds: number;
  passed: number;
  twice: number;
  events: number;
  frames: number;
  calls: number;
  simulatedMs: number;
  wallMs: number;
  readonly failures: Failure[];
  readonly marks: Map<string, number>;
}

const TWICE_EVERY = 100;

export async function campaign(options: {
  readonly seeds: Iterable<string>;
  readonly sabotage?: Sabotage | undefined;
  readonly failuresMax: number;
  readonly wall?: Clock;
  readonly progress?: (tally: Tally, seed: string) => void | Promise<void>;
}): Promise<Tally> {
  const wall = options.wall ?? systemClock;
  const tally = emptyTally();
  for (const seed of options.seeds) {
    const schedule = drawSchedule(seed);
    const startedMs = wall.monotonicMs();
    const result = await simulate({ schedule, sabotage: options.sabotage });
    add(tally, schedule, result);
    if (tally.seeds % TWICE_EVERY === 1) await again(tally, schedule, result, options.sabotage);
    tally.wallMs += wall.monotonicMs() - startedMs;
    await options.progress?.(tally, seed);
    if (tally.failures.length >= options.failuresMax) break;
  }
  return tally;
}

function add(tally: Tally, schedule: Schedule, result: RunResult): void {
  tally.seeds++;
  tally.events += result.events;
  tally.frames += result.frames;
  tally.calls += result.calls;
  tally.simulatedMs += result.simulatedMs;
  for (const [name, count] of result.marks) {
    tally.marks.set(name, (tally.marks.get(name) ?? 0) + count);
  }
  const [violation] = result.violations;
  if (violation === undefined) tally.passed++;
  else tally.failures.push({ schedule, violation, trace: result.trace });
}

async function again(
  tally: Tally,
  schedule: Schedule,
  first: RunResult,
  sabotage: Sabotage | undefined,
): Promise<void> {
  const second = await simulate({ schedule, sabotage });
  tally.twice++;
  if (second.trace === first.trace) return;
  const message = `${first.trace} the first time, ${second.trace} the second`;
  const violation = { checker: "determinism", message, atMs: 0 };
  tally.failures.push({ schedule, violation, trace: first.trace });
}

function emptyTally(): Tally {
  return {
    seeds: 0,
    passed: 0,
    twice: 0,
    events: 0,
    frames: 0,
    calls: 0,
    simulatedMs: 0,
    wallMs: 0,
    failures: [],
    marks: new Map(),
  };
}

/** Seeds in their canonical form: 0x1, 0x2 … */
export function* seedsFrom(first: number, count: number): Generator<string> {
  for (let i = first; i < first + count; i++) yield seedText(i);
}

export function seedText(seed: number): string {
  return `0x${seed.toString(16)}`;
}
