/** The times of the last recorded drills, as `drills.json` keeps them. */
import type { DrillReport } from "./drill.ts";

export function recordOf(reports: readonly DrillReport[]): string {
  const round = (seconds: number): number => Math.round(seconds * 10) / 10;
  const drills = Object.fromEntries(
    reports.map(({ page, verdict, reason, seconds, detectedSeconds }) => [
      page,
      {
        verdict,
        ...(verdict === "skipped" && { reason }),
        ...(seconds !== undefined && { seconds: round(seconds) }),
        ...(detectedSeconds !== undefined && { detectedSeconds: round(detectedSeconds) }),
      },
    ]),
  );
  return `${JSON.stringify(drills, undefined, 2)}\n`;
}
