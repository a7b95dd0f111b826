/**
 * `npm run sim`: many seeds, one seed, or the planted bugs; a verdict, and for each failure all that is needed
 * to see it again.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { commandLine, refuseUsage, systemClock } from "@atoll/core";
import type { Failure, Tally } from "./campaign.ts";
import { CREW_MEMBER, campaign, seedsFrom } from "./campaign.ts";
import { parseCorpusFile } from "./corpus.ts";
import { sideBySide } from "./crew.ts";
import type { Hunted, HuntTask } from "./hunt.ts";
import { hunt } from "./hunt.ts";
import { PLANTED, plantedByName } from "./planted.ts";
import { RARE_PATHS } from "./rare-paths.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Schedule } from "./schedule.ts";
import { drawSchedule } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const SEEDS_DEFAULT = 100;
const SHRINK_RUNS_MAX = 200;
const PLANTED_SEEDS_MAX = 200;
const PROGRESS_MS = 2_000;
/** A shorter schedule would not show them, or would end this process. */
const UNCUTTABLE: readonly string[] = ["determinism", "process-lives"];

const USAGE = `npm run sim -- --seeds 1000                 seeds 0x1 … 0x3e8, until one fails
               [--first N]                  from another one on
               [--keep-going]               whatever fails
               [--no-shrink]                without cutting failures down
               [--jobs N]                   in so many processes; as many as there are processors
npm run sim -- --seed 0x2a [--until 12000]  one of them, up to a moment, in milliseconds
               [--trace]                    with every event
               [--bug NAME]                 with a planted bug
npm run sim -- --planted [--bug NAME]       is every planted bug caught? [--jobs N]
npm run sim -- --corpus FILE                a schedule from a file
npm run sim -- --json                       one JSON object instead of text
`;

const { values } = commandLine(
  {
    options: {
      seeds: { type: "string" },
      first: { type: "string" },
      seed: { type: "string" },
      until: { type: "string" },
      trace: { type: "boolean" },
      json: { type: "boolean" },
      planted: { type: "boolean" },
      bug: { type: "string" },
      corpus: { type: "string" },
      jobs: { type: "string" },
      "keep-going": { type: "boolean" },
      "no-shrink": { type: "boolean" },
    },
  },
  USAGE,
);

process.exitCode = await main();

async function main(): Promise<number> {
  const jobs = Number(values.jobs ?? availableParallelism());
  if (!Number.isInteger(jobs) || jobs < 1) return refuseUsage("--jobs wants a number", USAGE);
  if (values.bug !== undefined && plantedBug() === undefined)
    return refuseUsage(`no bug ${values.bug}`, USAGE);
  if (values.planted === true) return planted(jobs);
  if (values.corpus !== undefined) {
    return one(parseCorpusFile(readFileSync(values.corpus, "utf8")).schedule);
  }
  if (values.seed !== undefined) return one(drawSchedule(canonical(values.seed)));
  return many(jobs);
}

async function many(jobs: number): Promise<number> {
  const count = Number(values.seeds ?? SEEDS_DEFAULT);
  const first = Number(values.first ?? 1);
  if (!Number.isInteger(count) || count < 1) return refuseUsage("--seeds wants a number", USAGE);
  let toldMs = 0;
  let failed = 0;
  const tally = await campaign({
    seeds: seedsFrom(first, count),
    bug: values.bug,
    failuresMax: values["keep-going"] === true ? Infinity : 1,
    jobs,
    progress: (so, seed) => {
      const nowMs = systemClock.monotonicMs();
      if (so.failures.length > failed) {
        failed = so.failures.length;
        process.stderr.write(`sim: ${seed} failed: ${so.failures.at(-1)?.violation.checker}\n`);
      }
      if (nowMs - toldMs > PROGRESS_MS && values.json !== true) {
        toldMs = nowMs;
        process.stderr.write(`sim: ${so.seeds}/${count} ${seed} ${so.failures.length} failed\n`);
      }
    },
  });
  for (const failure of tally.failures) await tellFailure(failure, drawSchedule(failure.seed));
  return verdict(tally, jobs);
}

async function one(schedule: Schedule): Promise<number> {
  const startedMs = systemClock.monotonicMs();
  const result = await simulate({
    schedule,
    sabotage: plantedBug(),
    untilMs: values.until === undefined ? undefined : Number(values.until),
    keepsTrace: values.trace === true,
  });
  const wallMs = systemClock.monotonicMs() - startedMs;
  if (values.trace === true) process.stdout.write(`${result.lines?.join("\n") ?? ""}\n`);
  const [violation] = result.violations;
  const { seed, trace, events, simulatedMs, calls } = result;
  if (violation !== undefined) await tellFailure({ seed, violation, trace }, schedule);
  const facts = { seed, trace, events, simulatedMs, calls, wallMs: Math.round(wallMs) };
  const passed = violation === undefined;
  if (values.json === true)
    print(JSON.stringify({ ...facts, passed, violations: result.violations }));
  else print(`${passed ? "PASSED" : "FAILED"} ${JSON.stringify(facts)}`);
  return passed ? 0 : 1;
}

async function planted(jobs: number): Promise<number> {
  let caught = 0;
  const tasks = PLANTED.map(({ name }) => name)
    .filter((name) => values.bug === undefined || name === values.bug)
    .map((bug): HuntTask => ({ kind: "hunt", bug, seedsMax: PLANTED_SEEDS_MAX }));
  let next = 0;
  const crew = { size: jobs, member: CREW_MEMBER, perform: hunt };
  for await (const answer of sideBySide<HuntTask, Hunted>(tasks, crew)) {
    const name = tasks[next++]?.bug ?? "";
    const hunted: Hunted = answer.kind === "done" ? answer.result : { name };
    if (hunted.seeds !== undefined) caught++;
    if (values.json === true) {
      print(JSON.stringify(hunted));
      continue;
    }
    const lost = answer.kind === "lost" ? `LOST: ${answer.how}` : "NOT CAUGHT";
    const took = hunted.seeds === undefined ? lost : `${hunted.seeds} seeds`;
    print(`${name.padEnd(34)} ${took.padEnd(12)} ${hunted.checker ?? ""} ${hunted.seed ?? ""}`);
  }
  print(`${caught} of ${tasks.length} planted bugs caught`);
  return caught === tasks.length ? 0 : 1;
}

/** First line and last line are enough to repeat it; the file to keep it for ever. */
async function tellFailure(failure: Failure, schedule: Schedule): Promise<void> {
  const { seed, violation, trace = "none" } = failure;
  const bug = values.bug === undefined ? "" : ` --bug ${values.bug}`;
  if (values.json === true) {
    print(JSON.stringify({ seed, violation, trace, options: schedule.options }));
    return;
  }
  print(`FAILED SEED=${seed} ${versions()} TRACE=${trace}`);
  print(`  ${violation.checker} at ${violation.atMs} ms: ${violation.message}`);
  print(`  options ${JSON.stringify(schedule.options)}`);
  print(`  again: npm run sim -- --seed ${seed}${bug}`);
  const isWorthCutting = values.until === undefined && !UNCUTTABLE.includes(violation.checker);
  if (!isWorthCutting || values["no-shrink"] === true) return;
  const { schedule: small, runs } = await shrink(schedule, {
    sabotage: plantedBug(),
    checker: violation.checker,
    runsMax: SHRINK_RUNS_MAX,
  });
  const file = join(ROOT, `sim-${seed}.json`);
  const about = `${violation.checker}: ${violation.message.slice(0, 200)}`;
  writeFileSync(file, `${JSON.stringify({ about, schedule: small }, undefined, 1)}\n`);
  print(`  ${schedule.items.length} items cut down to ${small.items.length} in ${runs} runs`);
  print(
    `  kept in ${relative(process.cwd(), file)}; once mended, move it to packages/simulation/corpus/`,
  );
}

function verdict(tally: Tally, jobs: number): number {
  const { seeds, passed, twice, events, frames, calls, simulatedMs, cpuMs, wallMs } = tally;
  const unhit = RARE_PATHS.filter((name) => !tally.marks.has(name));
  const facts = {
    seeds,
    passed,
    twice,
    jobs,
    simulatedHours: round(simulatedMs / 3_600_000),
    events,
    frames,
    calls,
    eventsPerSecond: Math.round((events / wallMs) * 1_000),
    eventsPerCpuSecond: Math.round((events / cpuMs) * 1_000),
    ratio: Math.round(simulatedMs / wallMs),
    ratioToCpu: Math.round(simulatedMs / cpuMs),
    rarePaths: RARE_PATHS.length,
    unhit,
  };
  if (values.json === true) {
    print(JSON.stringify({ ...facts, marks: Object.fromEntries(tally.marks) }));
  } else {
    const isSound = passed === seeds && tally.failures.length === 0;
    print(
      `${isSound ? "PASSED" : "FAILED"} ${passed} of ${seeds} seeds (${twice} ran twice) ` +
        `in ${jobs} process${jobs === 1 ? "" : "es"}: ` +
        `${facts.simulatedHours} simulated hours, ${events} events, ${facts.eventsPerSecond} ` +
        `events/s (${facts.eventsPerCpuSecond} per CPU second), simulated to wall ${facts.ratio}:1 ` +
        `(to CPU ${facts.ratioToCpu}:1)`,
    );
    print(`rare paths taken: ${RARE_PATHS.length - unhit.length} of ${RARE_PATHS.length}`);
    for (const name of unhit) print(`  not taken: ${name}`);
  }
  return tally.failures.length === 0 ? 0 : 1;
}

function plantedBug(): Sabotage | undefined {
  return values.bug === undefined ? undefined : plantedByName(values.bug);
}

function versions(): string {
  return `COMMIT=${commit()} NODE=${process.versions.node} AUTOMERGE=${versionOf("@automerge/automerge")} SQLITE3=${versionOf("better-sqlite3")}`;
}

function commit(): string {
  try {
    const options = { cwd: ROOT, encoding: "utf8" } as const;
    return execFileSync("git", ["describe", "--always", "--dirty"], options).trim();
  } catch {
    return "unknown";
  }
}

function versionOf(name: string): string {
  const file = join(ROOT, "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** 42, 0x2a and 2A are one seed. */
function canonical(text: string): string {
  const number = Number(text);
  return Number.isSafeInteger(number) && number >= 0 ? `0x${number.toString(16)}` : text;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
