/**
 * `npm run runbooks [-- NAME…]`: executes pages, one after the other, each against a cluster of its own.
 *
 * Exit code 0 when every page passed, 1 when one failed, 2 for a page that does not exist. A page that the
 * host cannot execute is skipped with the reason, which is told and is no pass.
 */
import { commandLine, errorText } from "@atoll/core";
import type { DrillReport } from "./drill.ts";
import { runDrill } from "./drill.ts";
import { lacking } from "./host.ts";
import type { Page } from "./page.ts";
import { readPages } from "./pages.ts";
import { record } from "./record.ts";

const USAGE = `npm run runbooks -- [NAME…]   all pages, or these
                    --list    name the pages
                    --show    what every block printed
                    --record  write the times into drills.json
`;

const { values, positionals } = commandLine(
  {
    allowPositionals: true,
    options: { list: { type: "boolean" }, record: { type: "boolean" }, show: { type: "boolean" } },
  },
  USAGE,
);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const pages = readPages();
const unknown = positionals.filter((name) => !pages.some((page) => page.name === name));
const chosen = pages.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

if (unknown.length > 0) {
  print(`no runbook is called ${unknown.join(", ")}; --list names them`);
  process.exitCode = 2;
} else if (values.list === true) {
  for (const { name, title } of pages) print(`${name.padEnd(24)} ${title}`);
} else {
  const reports: DrillReport[] = [];
  for (const page of chosen) {
    const report = await execute(page);
    reports.push(report);
    print(lineOf(report));
  }
  if (values.record === true) record(reports);
  const failed = reports.filter(({ verdict }) => verdict === "failed");
  const skipped = reports.filter(({ verdict }) => verdict === "skipped");
  const passed = reports.length - failed.length - skipped.length;
  print(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  // Said, and not waited for: a connection that a drill has cut may stay open for as long as the kernel likes.
  process.exit(failed.length > 0 ? 1 : 0);
}

async function execute(page: Page): Promise<DrillReport> {
  const reason = lacking(page.drill.needs);
  if (reason !== undefined) return { page: page.name, verdict: "skipped", reason };
  try {
    return await runDrill(page, { tell: print, show: values.show === true });
  } catch (error) {
    // Not even its regions have started: the others are drilled all the same.
    return { page: page.name, verdict: "failed", reason: errorText(error) };
  }
}

function lineOf({ page, verdict, reason, seconds, ...rest }: DrillReport): string {
  const { detectedSeconds, blocks, acknowledgedWrites } = rest;
  const words = [`${verdict.toUpperCase().padEnd(8)}${page.padEnd(24)}`];
  if (seconds !== undefined) words.push(`${seconds.toFixed(1).padStart(6)} s`);
  if (detectedSeconds !== undefined)
    words.push(`cause named after ${detectedSeconds.toFixed(1)} s`);
  if (blocks !== undefined) words.push(`${blocks} blocks`);
  if (acknowledgedWrites !== undefined && acknowledgedWrites > 0) {
    words.push(`${acknowledgedWrites} writes, none lost`);
  }
  if (reason !== undefined) words.push(reason);
  return words.join("  ");
}
