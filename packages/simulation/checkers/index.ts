/** All checkers of a run that is over. Each is a pure function of the history and the final states. */
import { checkAcknowledged } from "./acknowledged.ts";
import { checkConvergence } from "./convergence.ts";
import { checkCounters } from "./counters.ts";
import type { Evidence } from "./evidence.ts";
import { checkOwned } from "./owned.ts";
import { checkQuiescence } from "./quiescence.ts";
import { checkRefused } from "./refused.ts";
import { checkLoading, checkRoots } from "./roots.ts";
import { checkSessions } from "./sessions.ts";
import { checkSets } from "./sets.ts";
import type { Found } from "./violation.ts";

export type { Evidence } from "./evidence.ts";
export type { FinalDocument, FinalState } from "./final-state.ts";
export type { Violation } from "./violation.ts";

export const CHECKERS = [
  checkAcknowledged,
  checkConvergence,
  checkSessions,
  checkCounters,
  checkSets,
  checkOwned,
  checkRoots,
  checkLoading,
  checkQuiescence,
  checkRefused,
] as const;

export function judge(evidence: Evidence): Found[] {
  return CHECKERS.flatMap((check) => check(evidence));
}
