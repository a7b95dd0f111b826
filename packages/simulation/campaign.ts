/**
 * Many seeds: what they found, what they cost, and which rare paths they took.
 *
 * No seed needs another, so they may run in several processes side by side; what is said of them is the same
 * however many there are. Every hundredth runs twice: another hash of its trace means that something depends on
 * more than its seed, and then no seed is worth keeping.
 */
import { join } from "node:path";
import type { Clock } from "@atoll/core";
import { systemClock } from "@atoll/core";
import type { Violation } from "./checkers/violation.ts";
import { sideBySide } from "./crew.ts";
import type { SeedResult, SeedTask } from "./seed-run.ts";
import { runSeed } from "./seed-run.ts";

export interface Failure {
  readonly seed: string;
  readonly violation: Violation;
  /** Undefined when the process that ran it is gone. */
  readonly trace: string | undefined;
}

export interface Tally {
  seeds: number;
  passed: number;
  twice: number;
  events: number;
  frames: number;
  calls: number;
  simulatedMs: number;
  /** Of all processes. */
  cpuMs: number;
  /** From the first seed to the last. */
  wallMs: number;
  readonly failures: Failure[];
  readonly marks: Map<string, number>;
}

/** What each process of a crew runs. */
export const CREW_MEMBER = join(import.meta.dirname, "crew-member.ts");

const TWICE_EVERY = 100;

export async function campaign(options: {
  readonly seeds: Iterable<string>;
  /** The name of a planted bug. */
  readonly bug?: string | undefined;
  readonly failuresMax: number;
  /** Processes; one when it is not said. */
  readonly jobs?: number;
  readonly wall?: Clock;
  readonly progress?: (tally: Tally, seed: string) => void;
}): Promise<Tally> {
  const { bug, failuresMax, jobs = 1, wall = systemClock } = options;
  const tasks = [...options.seeds].map((seed, i): SeedTask => ({
    kind: "seed",
    seed,
    runsTwice: i % TWICE_EVERY === 0,
    bug,
  }));
  const tally = emptyTally();
  const startedMs = wall.monotonicMs();
  const crew = { size: jobs, member: CREW_MEMBER, perform: runSeed };
  for await (const answer of sideBySide<SeedTask, SeedResult>(tasks, crew)) {
    const seed = tasks[tally.seeds]?.seed ?? "";
    if (answer.kind === "done") add(tally, answer.result);
    else lose(tally, seed, answer.how);
    tally.wallMs = wall.monotonicMs() - startedMs;
    options.progress?.(tally, seed);
    if (tally.failures.length >= failuresMax) break;
  }
  return tally;
}

function add(tally: Tally, result: SeedResult): void {
  const { seed, violation, trace } = result;
  tally.seeds++;
  if (result.ranTwice) tally.twice++;
  tally.events += result.events;
  tally.frames += result.frames;
  tally.calls += result.calls;
  tally.simulatedMs += result.simulatedMs;
  tally.cpuMs += result.cpuMs;
  for (const [name, count] of Object.entries(result.marks)) {
    tally.marks.set(name, (tally.marks.get(name) ?? 0) + count);
  }
  if (violation === undefined) tally.passed++;
  else tally.failures.push({ seed, violation, trace });
}

/** What ends a process is worse than what a checker sees: out of memory, or a fault in native code. */
function lose(tally: Tally, seed: string, how: string): void {
  tally.seeds++;
  const message = `the process that ran it ended: ${how}`;
  const violation = { checker: "process-lives", message, atMs: 0 };
  tally.failures.push({ seed, violation, trace: undefined });
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
    cpuMs: 0,
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
