/**
 * `npm run chaos`: real processes, real links, one hypothesis at a time; a verdict, and exit code 0 or 1.
 *
 *     npm run chaos -- list                     the scenarios and their hypotheses
 *                      run NAME…                some of them   [--backend proxy|netns] [--seed S]
 *                                               [--minutes M]  of fault, instead of some seconds
 *                      all [--quick]            all of them; --quick: seconds of fault each
 *                      smoke                    three of them, for every push
 *                      doctor                   what this host allows
 *                      [--json]                 one JSON object a line instead of text
 *                      [--out DIR]              where histories, reports and logs go
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemRandom, toHex } from "@atoll/core";
import { CATALOGUE } from "./catalogue.ts";
import { CRITERIA } from "./judge/verdict.ts";
import type { Backend } from "./network/links.ts";
import { BACKENDS } from "./network/links.ts";
import type { RunRecord } from "./run/run-scenario.ts";
import { runScenario } from "./run/run-scenario.ts";
import type { Scenario } from "./scenario.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: "string", default: "proxy" },
    seed: { type: "string" },
    minutes: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    out: { type: "string" },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const [command, ...names] = positionals;
  if (!BACKENDS.includes(values.backend as Backend)) return usage(`no backend ${values.backend}`);
  switch (command) {
    case "list":
      return list();
    case "run":
      return names.length === 0 ? usage("run wants names; see list") : runNamed(names);
    case "all":
      return run(CATALOGUE);
    default:
      return usage("what? list, run NAME…, all, smoke or doctor");
  }
}

function list(): number {
  for (const { name, numbers, hypothesis, seconds } of CATALOGUE) {
    if (values.json) print(JSON.stringify({ name, numbers, hypothesis, seconds }));
    else {
      print(`${name.padEnd(30)} ${numbers.join(", ").padEnd(8)} ${hypothesis.fault}`);
    }
  }
  return 0;
}

function runNamed(names: readonly string[]): Promise<number> | number {
  const unknown = names.filter((name) => !CATALOGUE.some((scenario) => scenario.name === name));
  if (unknown.length > 0) return usage(`no scenario ${unknown.join(", ")}; see list`);
  return run(CATALOGUE.filter(({ name }) => names.includes(name)));
}

async function run(scenarios: readonly Scenario[]): Promise<number> {
  const out = values.out ?? mkdtempSync(join(tmpdir(), "atoll-chaos-"));
  const seed = values.seed ?? toHex(systemRandom.bytes(4));
  const records: RunRecord[] = [];
  for (const scenario of scenarios) {
    tell(`${scenario.name}: ${scenario.hypothesis.fault}`);
    const { record } = await runScenario({
      scenario,
      backend: values.backend as Backend,
      seed,
      seconds: secondsOf(scenario),
      directory: join(out, scenario.name),
      tell: (line) => tell(`  ${line}`),
    });
    records.push(record);
    printRecord(record);
  }
  const failed = records.filter(({ verdict }) => verdict === "FAILED");
  if (!values.json) {
    print(`${records.length - failed.length} of ${records.length} passed; seed ${seed}; ${out}`);
  }
  return failed.length === 0 ? 0 : 1;
}

function secondsOf({ seconds }: Scenario): number {
  if (values.minutes !== undefined) return Number(values.minutes) * 60;
  return values.quick || positionals[0] === "run" ? seconds.quick : seconds.full;
}

function printRecord(record: RunRecord): void {
  if (values.json) return print(JSON.stringify(record));
  const { scenario, verdict, wallMs, criteria, expectations, error, seed } = record;
  print(`${verdict} ${scenario} in ${(wallMs / 1_000).toFixed(0)} s`);
  for (const { id, ok, detail } of criteria) {
    print(`  ${ok ? "ok  " : "FAIL"} ${id} ${CRITERIA[id]}: ${detail}`);
  }
  for (const { what, ok, detail } of expectations) {
    print(`  ${ok ? "ok  " : "FAIL"} ${what}${detail && `: ${detail}`}`);
  }
  if (error !== undefined) print(`  FAIL ${error}`);
  if (verdict === "FAILED") print(`  again: npm run chaos -- run ${scenario} --seed ${seed}`);
}

function tell(line: string): void {
  process.stderr.write(`chaos: ${line}\n`);
}

function usage(fault: string): number {
  tell(fault);
  return 2;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
