/**
 * The verdict of a run: eight criteria, the scenario's own expectations, and with each the facts it rests on.
 *
 *     C1 acknowledged writes     the simulator's checkers on the clients' history and the final states
 *     C2 sessions                the same
 *     C3 availability            answers to clients, by region
 *     C4 convergence             within the scenario's bound, and identical by every copy's own contents
 *     C5 integrity               every region reads all it has stored again
 *     C6 resources               memory and write-ahead log, compared with before the fault
 *     C7 operators               what regions said while it lasted
 *     C8 record                  seed and history are on disk and can be read back
 *
 * A criterion without facts has failed: nothing passes by not having been looked at.
 */
import type { Evidence, FinalState } from "@atoll/simulation/checkers";
import { judge } from "@atoll/simulation/checkers";
import type { Call } from "@atoll/simulation/workload";
import type { Footprint } from "../fleet/footprint.ts";
import type { VerifyReport } from "../fleet/region-admin.ts";
import type { Expectation } from "../run/stage.ts";
import type { RegionAvailability } from "./availability.ts";
import { isAvailable } from "./availability.ts";
import { compareFootprints } from "./resources.ts";
import type { Signal, SignalVerdict } from "./signal.ts";

export const CRITERIA = {
  C1: "no acknowledged write lost",
  C2: "no session sees less than it has seen",
  C3: "reads and writes are served in every region that lives",
  C4: "all copies are identical within the bound",
  C5: "what is stored is sound",
  C6: "memory and write-ahead log are back",
  C7: "the regions told their operators",
  C8: "seed and history are archived",
} as const;

export type CriterionId = keyof typeof CRITERIA;

export interface Criterion {
  readonly id: CriterionId;
  readonly ok: boolean;
  readonly detail: string;
}

/** Violations told one by one; the rest is counted. */
const TOLD_MAX = 5;

/** Which criterion a checker of the simulator speaks to. */
const CRITERION_BY_CHECKER: Readonly<Record<string, CriterionId>> = {
  acknowledged: "C1",
  counters: "C1",
  sets: "C1",
  refused: "C1",
  deletes: "C1",
  sessions: "C2",
  owned: "C2",
  convergence: "C4",
  quiescence: "C4",
  loading: "C5",
  roots: "C5",
};

export interface Facts {
  readonly calls: readonly Call[];
  readonly finals: readonly FinalState[];
  readonly losses: Evidence["losses"];
  readonly availability: readonly RegionAvailability[];
  /** Undefined: not within the patience of the runner. */
  readonly coveredMs: number | undefined;
  readonly equalMs: number | undefined;
  readonly convergeMsMax: number;
  /** What each region found when it read all it has stored; undefined: it did not end. */
  readonly verified: readonly {
    readonly region: string;
    readonly report: VerifyReport | undefined;
  }[];
  /** What each region took before the fault, and when all was over. */
  readonly before: readonly Footprint[];
  readonly after: readonly Footprint[];
  readonly signal: { readonly asked: Signal; readonly heard: SignalVerdict } | undefined;
  readonly archived: Expectation;
}

export function judgeRun(facts: Facts): Criterion[] {
  const { calls, finals, losses } = facts;
  const found = judge({ history: { calls }, finals, losses, gone: new Set() });
  const of = (id: CriterionId): readonly string[] =>
    found
      .filter(({ checker }) => (CRITERION_BY_CHECKER[checker] ?? "C1") === id)
      .map((violation) => `${violation.checker}: ${violation.message}`);
  const acknowledged = calls.filter(isAcknowledgedWrite).length;
  const withToken = calls.filter(({ token, outcome }) => token !== undefined && isAnswer(outcome));
  return [
    byViolations("C1", of("C1"), acknowledged, `${acknowledged} acknowledged writes, 0 lost`),
    byViolations(
      "C2",
      of("C2"),
      withToken.length,
      `${withToken.length} answers with a token, 0 violations`,
    ),
    available(facts.availability),
    converged(facts, of("C4")),
    sound(facts, of("C5")),
    bounded(facts),
    told(facts.signal),
    { id: "C8", ok: facts.archived.ok, detail: facts.archived.detail },
  ];
}

export function isAcknowledgedWrite({ edit, outcome }: Call): boolean {
  return edit !== undefined && isAnswer(outcome);
}

function isAnswer(outcome: Call["outcome"]): boolean {
  return outcome?.kind === "found" || outcome?.kind === "absent";
}

function byViolations(
  id: CriterionId,
  violations: readonly string[],
  count: number,
  well: string,
): Criterion {
  if (count === 0) return { id, ok: false, detail: "nothing to judge" };
  return {
    id,
    ok: violations.length === 0,
    detail: violations.length === 0 ? well : list(violations),
  };
}

function available(regions: readonly RegionAvailability[]): Criterion {
  const detail = regions
    .map(({ region, reads, readsFailed, writes, writesFailed, excused, sessionsRefused }) => {
      const failed = `${readsFailed} of ${reads} reads and ${writesFailed} of ${writes} writes failed`;
      return `${region}: ${failed}, ${excused} excused, ${sessionsRefused} sessions ahead`;
    })
    .concat(regions.flatMap(({ failures }) => failures))
    .join("; ");
  return { id: "C3", ok: regions.length > 0 && regions.every(isAvailable), detail };
}

function converged(facts: Facts, violations: readonly string[]): Criterion {
  const { coveredMs, equalMs, convergeMsMax } = facts;
  const isIn = (ms: number | undefined): boolean => ms !== undefined && ms <= convergeMsMax;
  const said = (ms: number | undefined): string => (ms === undefined ? "never" : `${ms} ms`);
  const times =
    `everything written before the heal everywhere after ${said(coveredMs)}, ` +
    `all equal ${said(equalMs)} after the last write; bound ${convergeMsMax} ms`;
  const ok = isIn(coveredMs) && isIn(equalMs) && violations.length === 0;
  return {
    id: "C4",
    ok,
    detail: violations.length === 0 ? times : `${times}; ${list(violations)}`,
  };
}

function sound({ verified }: Facts, violations: readonly string[]): Criterion {
  const wrong = verified.flatMap(({ region, report }) => {
    if (report?.state !== "done") return [`${region}: the verification did not end`];
    const { found, listed } = report.faults;
    return found === 0 ? [] : [`${region}: ${found} faults, ${JSON.stringify(listed)}`];
  });
  const all = [...wrong, ...violations];
  const detail = `${verified.length} regions verified all they have stored, 0 faults`;
  const ok = verified.length > 0 && all.length === 0;
  return { id: "C5", ok, detail: all.length === 0 ? detail : list(all) };
}

function bounded({ before, after }: Facts): Criterion {
  return { id: "C6", ...compareFootprints(before, after) };
}

function told(signal: Facts["signal"]): Criterion {
  if (signal === undefined) {
    return { id: "C7", ok: true, detail: "this fault is none that operators are told of" };
  }
  const { asked, heard } = signal;
  const { firedAfterMs, clearedAfterMs } = heard;
  const fires = firedAfterMs !== undefined && firedAfterMs <= asked.firesMsMax;
  const clears = clearedAfterMs !== undefined && clearedAfterMs <= asked.clearsMsMax;
  const after = (ms: number | undefined): string =>
    ms === undefined ? "never" : `${Math.round(ms)} ms`;
  const detail =
    `${asked.what}: ${after(firedAfterMs)} after the fault (at most ${asked.firesMsMax}), ` +
    `cleared ${after(clearedAfterMs)} after the heal (at most ${asked.clearsMsMax})`;
  return { id: "C7", ok: fires && clears, detail };
}

function list(violations: readonly string[]): string {
  const more = violations.length > TOLD_MAX ? ` and ${violations.length - TOLD_MAX} more` : "";
  return `${violations.length} violations: ${violations.slice(0, TOLD_MAX).join("; ")}${more}`;
}
