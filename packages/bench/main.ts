/**
 * `npm run bench [-- NAME…]`: measures, prints a table, and with `--json` one line for a program.
 *
 * Exit code 1 for a missed budget only with `--check`: on a machine that others use, too, a missed budget
 * may say more about them than about us.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandLine, refuseUsage } from "@atoll/core";
import { antiEntropyBench } from "./anti-entropy.ts";
import type { Bench, BenchReport, Budget } from "./bench.ts";
import { catchUpBench } from "./catch-up.ts";
import { crashBench } from "./crash.ts";
import { durabilityBench } from "./durability.ts";
import { machineFacts } from "./machine.ts";
import { mixedBench } from "./mixed.ts";
import { overloadBench } from "./overload.ts";
import { writeProfile } from "./profile-files.ts";
import { historyBench } from "./history.ts";
import { ingestBench } from "./ingest.ts";
import { memoryBench } from "./memory.ts";
import { readBench } from "./read.ts";
import { readersBench } from "./readers.ts";
import { sessionsBench } from "./sessions.ts";
import { retentionBench } from "./retention.ts";
import { startupBench } from "./startup.ts";
import { storageBench } from "./storage.ts";
import { tableText } from "./table.ts";
import { visibilityBench } from "./visibility.ts";
import { writeBench } from "./write.ts";

const BENCHES: readonly Bench[] = [
  antiEntropyBench,
  catchUpBench,
  retentionBench,
  storageBench,
  visibilityBench,
  readBench,
  readersBench,
  writeBench,
  ingestBench,
  durabilityBench,
  sessionsBench,
  crashBench,
  overloadBench,
  mixedBench,
  historyBench,
  startupBench,
  memoryBench,
];

const PROFILES = join(import.meta.dirname, "profiles");

const USAGE = `npm run bench -- [NAME…] [--json] [--quick | --large] [--profile] [--check] [--directory DIR]

${BENCHES.map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`).join("\n")}

  (no name)      all of them, one after the other
  --json         one line of JSON for each on standard output, nothing else
  --quick        a size for tests: shows that the bench works, and nothing about Atoll
  --large        the size that the budgets were made for, where it is not the default
  --profile      where the processor's time went
  --check        exit code 1 when a budget is missed
  --kills N --images N --seed S   of crash: how often, and which chance
  --directory    where the databases are made (default: the system's temporary directory)
`;

const { values, positionals } = commandLine(
  {
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      large: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      kills: { type: "string" },
      images: { type: "string" },
      seed: { type: "string" },
      directory: { type: "string" },
    },
  },
  USAGE,
);
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

process.exitCode = await main();

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) return refuseUsage(`no bench ${unknown.join(", ")}`, USAGE);
  if (values.quick && values.large)
    return refuseUsage("--quick and --large exclude each other", USAGE);
  const chosen = BENCHES.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );
  let isMissed = false;
  for (const bench of chosen) {
    if (chosen.length > 1) tell(`── ${bench.name}: ${bench.summary}`);
    if (await isMissedBy(bench)) isMissed = true;
  }
  return values.check && isMissed ? 1 : 0;
}

/** Measures and prints; whether a budget was missed. */
async function isMissedBy(bench: Bench): Promise<boolean> {
  const directory = mkdtempSync(join(values.directory ?? tmpdir(), "atoll-bench-"));
  const clean = (): void => rmSync(directory, { recursive: true, force: true });
  const cleanAndEnd = (): void => {
    clean(); // gigabytes that nobody would find
    process.exit(1);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, cleanAndEnd);
  try {
    const { quick, large, profile, seed } = values;
    const kills = countOf(values.kills);
    const images = countOf(values.images);
    const report = await bench.run({
      ...{ quick, large, profile, kills, images, seed, directory, tell },
      mayInstall: true,
    });
    for (const [name, where] of Object.entries(report.profiles ?? {})) {
      writeProfile(PROFILES, `${bench.name}-${name}`, where);
    }
    process.stdout.write(values.json ? `${jsonLine(bench, report)}\n` : `${reportText(report)}\n`);
    return report.budgets.some(({ met }) => !met);
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, cleanAndEnd);
    clean();
  }
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text)) throw new Error(`${text} is no number of times`);
  return Number(text);
}

function jsonLine({ name }: Bench, { parameters, figures, budgets }: BenchReport): string {
  return JSON.stringify({ bench: name, ...machineFacts(), parameters, ...figures, budgets });
}

function reportText({ parameters, budgets, tables }: BenchReport): string {
  const facts = Object.entries({ ...machineFacts(), ...parameters });
  return [
    facts.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", "),
    ...tables.map(tableText),
    tableText({
      title: "Budgets",
      columns: ["budget", "value", "", "limit", ""],
      rows: budgets.map(budgetRow),
    }),
  ].join("\n\n");
}

function budgetRow({ name, value, limit, atLeast, met }: Budget): (string | number)[] {
  return [name, value, atLeast ? "≥" : "≤", limit, met ? "met" : "MISSED"];
}
