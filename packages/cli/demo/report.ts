/** What the demo found, for a person to read in ten seconds. */
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import type { DemoReport } from "./run-demo.ts";

const ROOT_CHARS_SHOWN = 16;

export function demoExitCode(report: DemoReport): ExitCode {
  const isProven = provenExitCode(report);
  return isProven === EXIT.ok && refusedWrites(report) > 0 ? EXIT.failure : isProven;
}

function provenExitCode(report: DemoReport): ExitCode {
  if (report.comparison.different.length > 0) return EXIT.unhealthy;
  if (report.caughtUpMs === undefined || report.convergedMs === undefined) return EXIT.timeout;
  return new Set(report.rootByRegion.values()).size === 1 ? EXIT.ok : EXIT.unhealthy;
}

/** Equal copies of half the data would prove nothing, so a refused write fails the demo, too. */
function refusedWrites({ imported, countsByPhase }: DemoReport): number {
  const phases = Object.values(countsByPhase);
  return imported.failed + phases.map(({ refused }) => refused).reduce(sum, 0);
}

export function demoReportLines(report: DemoReport): string[] {
  const { imported, comparison, countsByPhase, cutRegion } = report;
  const phases = Object.values(countsByPhase);
  const writes = phases
    .flatMap(({ writesByRegion }) => [...writesByRegion.values()])
    .reduce(sum, 0);
  const refused = refusedWrites(report);
  const upserts = phases.map((phase) => phase.upserts).reduce(sum, 0);
  const alone = countsByPhase.cut.writesByRegion.get(cutRegion) ?? 0;
  const others = [...countsByPhase.cut.writesByRegion.values()].reduce(sum, 0) - alone;
  const perSecond = Math.round(writes / Math.max(report.writeSeconds, 0.001));
  const rows: [string, string][] = [
    [
      "profiles",
      `${comparison.present}, after ${imported.created + imported.updated} imported and ` +
        `${comparison.absent} deleted`,
    ],
    ["edits", `${report.edits} by ${report.editors} editors`],
    ["writes", `${writes} in ${report.writeSeconds.toFixed(1)} s, ${perSecond}/s`],
    ["during the cut", `${alone} in ${cutRegion}, ${others} in the other regions`],
    ["met too early", `${upserts} patches of profiles that their region did not have yet`],
    ["conflicts", `${comparison.conflicted} profiles hold concurrent values`],
    ["caught up", `${durationText(report.caughtUpMs)} after the heal, while writes went on`],
    ["converged", `${durationText(report.convergedMs)} after the last write`],
    ...[...report.rootByRegion].map(([region, root]): [string, string] => [
      `root ${region}`,
      root.slice(0, ROOT_CHARS_SHOWN),
    ]),
  ];
  if (refused > 0) rows.push(["refused", `${refused} writes; the first of each part are below`]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`),
    ...imported.faults.map((fault) => `  import, ${fault}`),
    ...phases.flatMap(({ refusals }) => refusals.map((refusal) => `  ${refusal}`)),
    verdict(report),
  ];
}

function verdict(report: DemoReport): string {
  const { comparison, rootByRegion } = report;
  if (provenExitCode(report) === EXIT.ok) {
    const count = comparison.present + comparison.absent;
    return `All ${count} profiles are byte-identical in all ${rootByRegion.size} regions, and the roots are equal.`;
  }
  const { different } = comparison;
  if (different.length > 0) {
    return `DIVERGED: ${different.length} profiles differ, such as ${different.slice(0, 5).join(", ")}.`;
  }
  return "NOT PROVEN: the regions did not report equal roots in time.";
}

function durationText(ms: number | undefined): string {
  if (ms === undefined) return "not in time";
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function sum(a: number, b: number): number {
  return a + b;
}
