/** The last recorded drill of each page, in `drills.json`: what was executed again replaces what was there. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DrillReport } from "./drill.ts";
import { RUNBOOKS } from "./pages.ts";

export type RecordedDrill = Pick<
  DrillReport,
  "verdict" | "reason" | "seconds" | "detectedSeconds" | "acknowledgedWrites"
>;

const FILE = join(RUNBOOKS, "drills.json");

export function readRecord(): Readonly<Record<string, RecordedDrill>> {
  if (!existsSync(FILE)) return {};
  return JSON.parse(readFileSync(FILE, "utf8")) as Record<string, RecordedDrill>;
}

export function record(reports: readonly DrillReport[]): void {
  const drills = { ...readRecord(), ...Object.fromEntries(reports.map(entryOf)) };
  const sorted = Object.entries(drills).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}

function entryOf(report: DrillReport): readonly [string, RecordedDrill] {
  const { page, verdict, reason, seconds, detectedSeconds, acknowledgedWrites } = report;
  const recorded = {
    verdict,
    ...(verdict === "skipped" && reason !== undefined && { reason }),
    ...(seconds !== undefined && { seconds: rounded(seconds) }),
    ...(detectedSeconds !== undefined && { detectedSeconds: rounded(detectedSeconds) }),
    ...(acknowledgedWrites !== undefined && { acknowledgedWrites }),
  };
  return [page, recorded];
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
