/**
 * `npm run chaos`: real processes, real links, one hypothesis at a time; a verdict, and exit code 0 or 1.
 */
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { commandLine, must, refuseUsage, systemClock, systemRandom, toHex } from "@atoll/core";
import { CATALOGUE, SMOKE } from "./catalogue.ts";
import { Doctor } from "./doctor.ts";
import { CRITERIA } from "./judge/verdict.ts";
import { NEEDS } from "./needs.ts";
import type { Need } from "./needs.ts";
import type { Backend } from "./network/links.ts";
import { BACKENDS } from "./network/links.ts";
import { writeReports } from "./report/write-reports.ts";
import type { RunRecord } from "./run/run-record.ts";
import { runScenario } from "./run/run-scenario.ts";
import type { Scenario } from "./scenario.ts";

const USAGE = `npm run chaos -- list                     the scenarios and their hypotheses
                 run NAME…                some of them   [--seed S]  [--backend proxy|netns]
                                          otherwise each on the one that it needs
                                          [--minutes M]  of fault, instead of some seconds
                                          [--planted P]  with a planted bug, and must fail
                 all [--quick]            all of them; --quick: seconds of fault each
                 smoke                    three of them, for every push
                 doctor                   what this host allows
                 [--json]                 one JSON object a line instead of text
                 [--out DIR]              where histories, reports and logs go
`;

const { values, positionals } = commandLine(
  {
    allowPositionals: true,
    options: {
      backend: { type: "string" },
      seed: { type: "string" },
      minutes: { type: "string" },
      quick: { type: "boolean", default: false },
      planted: { type: "string" },
      json: { type: "boolean", default: false },
      out: { type: "string" },
    },
  },
  USAGE,
);

// What was made for a run is removed when the process ends in order.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
// Said, and not waited for: what a scenario has left open is no reason to stay.
process.exit(await main());

async function main(): Promise<number> {
  const [command, ...names] = positionals;
  const backend = BACKENDS.find((name) => name === values.backend);
  if (backend !== values.backend) return refuseUsage(`no backend ${values.backend}`, USAGE);
  const planted = values.planted && plantedFile(values.planted);
  if (planted !== undefined && !existsSync(planted)) return refuseUsage(`no ${planted}`, USAGE);
  switch (command) {
    case "list":
      return list();
    case "run":
      return names.length === 0
        ? refuseUsage("run wants names; see list", USAGE)
        : runNamed(names, backend);
    case "all":
      return run(CATALOGUE, backend);
    case "smoke":
      return run(SMOKE, backend);
    case "doctor":
      return doctor();
    default:
      return refuseUsage(command === undefined ? "what?" : `no command ${command}`, USAGE);
  }
}

function list(): number {
  for (const { name, numbers, hypothesis, seconds } of CATALOGUE) {
    if (values.json) print(JSON.stringify({ name, numbers, hypothesis, seconds }));
    else print(`${name.padEnd(30)} ${numbers.join(", ").padEnd(4)} ${hypothesis.fault}`);
  }
  return 0;
}

function doctor(): number {
  for (const backend of BACKENDS) {
    const host = new Doctor(backend);
    const backendFault = host.backendFault();
    printProbe(`backend ${backend}`, backendFault);
    if (backendFault !== undefined) continue;
    for (const need of Object.keys(NEEDS) as Need[]) printProbe(`  ${need}`, host.probe(need));
    const refused = CATALOGUE.flatMap((scenario) => {
      const why = host.refuses(scenario);
      return why === undefined ? [] : [`  ${scenario.name}: ${why}`];
    });
    print(`  ${CATALOGUE.length - refused.length} of ${CATALOGUE.length} scenarios can be run`);
    for (const line of refused) print(`  SKIPPED${line}`);
  }
  return 0;
}

function printProbe(what: string, fault: string | undefined): void {
  print(`${what.padEnd(20)} ${fault === undefined ? "yes" : `no: ${fault}`}`);
}

function runNamed(
  names: readonly string[],
  backend: Backend | undefined,
): Promise<number> | number {
  const unknown = names.filter((name) => !CATALOGUE.some((scenario) => scenario.name === name));
  if (unknown.length > 0) return refuseUsage(`no scenario ${unknown.join(", ")}; see list`, USAGE);
  return run(
    CATALOGUE.filter(({ name }) => names.includes(name)),
    backend,
  );
}

async function run(scenarios: readonly Scenario[], asked: Backend | undefined): Promise<number> {
  const startedMs = systemClock.monotonicMs();
  const out = values.out ?? mkdtempSync(join(tmpdir(), "atoll-chaos-"));
  const seed = values.seed ?? toHex(systemRandom.bytes(4));
  const doctors = new Map(BACKENDS.map((backend) => [backend, new Doctor(backend)]));
  const records: RunRecord[] = [];
  for (const scenario of scenarios) {
    const directory = join(out, scenario.name);
    const backend = backendOf(scenario, asked);
    const host = must(doctors.get(backend), backend);
    const about = { scenario, backend, seed, directory };
    const reason = host.refuses(scenario);
    const record = reason === undefined ? await play(about) : skipped(about, reason);
    records.push(record);
    printRecord(record);
  }
  const counted = (verdict: RunRecord["verdict"]): number =>
    records.filter((record) => record.verdict === verdict).length;
  const seconds = Math.round((systemClock.monotonicMs() - startedMs) / 1_000);
  const counts = `${counted("PASSED")} passed, ${counted("FAILED")} failed, ${counted("SKIPPED")} skipped`;
  if (!values.json) print(`${counts} in ${seconds} s; seed ${seed}; ${out}`);
  return counted("FAILED") === 0 && counted("PASSED") > 0 ? 0 : 1;
}

interface About {
  readonly scenario: Scenario;
  readonly backend: Backend;
  readonly seed: string;
  readonly directory: string;
}

async function play(about: About): Promise<RunRecord> {
  const { scenario } = about;
  tell(`${scenario.name}: ${scenario.hypothesis.fault}`);
  const planted = values.planted && pathToFileURL(plantedFile(values.planted)).href;
  const details = await runScenario({
    ...about,
    seconds: secondsOf(scenario),
    planted,
    tell: (line) => tell(`  ${line}`),
  });
  writeReports(details, scenario);
  return details.record;
}

function skipped({ scenario, backend, seed, directory }: About, reason: string): RunRecord {
  const { name, numbers, convergeMsMax } = scenario;
  const nothing = {
    criteria: [],
    expectations: [],
    writesPerSecond: 0,
    acknowledged: 0,
    wallMs: 0,
  };
  const about = { scenario: name, numbers, backend, seed, convergeMsMax, directory, host: "" };
  return { ...about, ...nothing, verdict: "SKIPPED", reason };
}

function plantedFile(name: string): string {
  return join(import.meta.dirname, "planted", `${name}.mjs`);
}

/** The one that was asked for, or the first that the scenario can be run on. */
function backendOf({ backends = BACKENDS }: Scenario, asked: Backend | undefined): Backend {
  return asked ?? must(backends[0], "a backend");
}

function secondsOf({ seconds }: Scenario): number {
  if (values.minutes !== undefined) return Number(values.minutes) * 60;
  return values.quick || positionals[0] !== "all" ? seconds.quick : seconds.full;
}

function printRecord(record: RunRecord): void {
  if (values.json) return print(JSON.stringify(record));
  const { scenario, verdict, wallMs, criteria, expectations, reason, seed, directory } = record;
  if (verdict === "SKIPPED") return print(`SKIPPED ${scenario}: ${reason}`);
  const { writesPerSecond, acknowledged } = record;
  const load = `${acknowledged} writes acknowledged, ${writesPerSecond}/s, ${record.host}`;
  print(`${verdict} ${scenario} in ${(wallMs / 1_000).toFixed(0)} s, ${load}`);
  for (const { id, ok, detail } of criteria) {
    print(`  ${ok ? "ok  " : "FAIL"} ${id} ${CRITERIA[id]}: ${detail}`);
  }
  for (const { what, ok, detail } of expectations) {
    print(`  ${ok ? "ok  " : "FAIL"} ${what}${detail && `: ${detail}`}`);
  }
  if (reason !== undefined) print(`  FAIL ${reason}`);
  const how = values.planted === undefined ? "" : ` --planted ${values.planted}`;
  if (verdict === "FAILED") print(`  again: npm run chaos -- run ${scenario} --seed ${seed}${how}`);
  print(`  report: ${join(directory, "report.html")}`);
}

function tell(line: string): void {
  if (!values.json) process.stderr.write(`chaos: ${line}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
