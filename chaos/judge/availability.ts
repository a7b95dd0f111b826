/**
 * C3: reads never fail where a region can be reached, and writes are taken in every region that lives.
 *
 * A refusal is no failure when the client asked for something that nobody could give: a version that is no
 * longer there, a session's view that is on the other side of a cut. Such answers are counted apart.
 */
import type { Call } from "@atoll/simulation/workload";

export const WRITE_AVAILABILITY_MIN = 0.999;
/** So few writes that one failure would say more than it means: one is allowed. */
const FAILURES_ALLOWED_MIN = 1;

/** Faults of the region; every other refusal is an answer. */
const FAILURES = [
  "unreachable",
  "overloaded",
  "draining",
  "storage-full",
  "storage-failed",
  "document-quarantined",
  "outcome-unknown",
  "internal",
];

export interface RegionAvailability {
  readonly region: string;
  readonly reads: number;
  readonly readsFailed: number;
  readonly writes: number;
  readonly writesFailed: number;
  /** Refused because the region had not what the session has seen. */
  readonly sessionsRefused: number;
  /** While the scenario had taken the region away. */
  readonly excused: number;
  readonly failures: readonly string[];
}

export function availabilityOf(
  regions: readonly string[],
  calls: readonly Call[],
  isExcused: (region: string, fromMs: number, toMs: number) => boolean,
): RegionAvailability[] {
  return regions.map((region, place) => {
    const mine = calls.filter((call) => call.region === place);
    const failed = mine.filter(isFailure);
    const ours = failed.filter(
      ({ invokedMs, completedMs }) => !isExcused(region, invokedMs, completedMs ?? Infinity),
    );
    const isRead = ({ edit }: Call): boolean => edit === undefined;
    return {
      region,
      reads: mine.filter(isRead).length,
      readsFailed: ours.filter(isRead).length,
      writes: mine.filter((call) => !isRead(call)).length,
      writesFailed: ours.filter((call) => !isRead(call)).length,
      sessionsRefused: mine.filter((call) => codeOf(call) === "session-not-available").length,
      excused: failed.length - ours.length,
      failures: ours
        .slice(0, 5)
        .map((call) => `call ${call.index} at ${Math.round(call.invokedMs)} ms: ${codeOf(call)}`),
    };
  });
}

export function isAvailable(each: RegionAvailability): boolean {
  const allowed = Math.max(FAILURES_ALLOWED_MIN, each.writes * (1 - WRITE_AVAILABILITY_MIN));
  return each.readsFailed === 0 && each.writesFailed <= allowed;
}

function isFailure(call: Call): boolean {
  const code = codeOf(call);
  return code === "unknown" || FAILURES.includes(code) || code.startsWith("status-5");
}

function codeOf({ outcome }: Call): string {
  if (outcome === undefined) return "unknown";
  return outcome.kind === "refused" ? outcome.code : outcome.kind;
}
