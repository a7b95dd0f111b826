/**
 * Waiting until regions hold the same, and having each of them sign it.
 *
 *     goal          what each region had written when the command began
 *     covered       every region holds every region's goal: nothing acknowledged before is missing anywhere
 *     cut           where all are by then, at or above the goal; what is written meanwhile lies above
 *     statements    of every region, at that one cut: root and every shard, signed
 *
 * Equal sums at one cut are the proof; an empty queue or an equal count would not be.
 */
import type { Clock } from "@atoll/core";
import { delay, isAtollError, limits } from "@atoll/core";
import type { HoldingsReport, KeysReport, SignedStatement } from "@atoll/server";
import { isSignedBy } from "@atoll/server";
import type { Cut } from "./common-cut.ts";
import { commonCut, covers } from "./common-cut.ts";

export interface Asked {
  readonly name: string;
  readonly truth: {
    holdings(): Promise<HoldingsReport>;
    statement(cut: Cut): Promise<SignedStatement>;
  };
}

export const CERTIFICATE_FORMAT = "atoll-convergence-certificate/1";

export interface Certificate {
  readonly format: typeof CERTIFICATE_FORMAT;
  readonly cluster: string;
  readonly cut: Cut;
  readonly statements: readonly SignedStatement[];
}

export type Convergence =
  | { readonly kind: "converged"; readonly certificate: Certificate; readonly tookMs: number }
  /** All that was written before is everywhere, and still the sums differ. */
  | { readonly kind: "diverged"; readonly certificate: Certificate }
  /** Who lacks whose writes. */
  | { readonly kind: "waiting"; readonly lacking: readonly string[] };

export async function untilConverged(
  asked: readonly Asked[],
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<Convergence> {
  const startedMs = clock.monotonicMs();
  const goal = Object.fromEntries(
    await Promise.all(
      asked.map(async (region) => [
        region.name,
        (await region.truth.holdings()).held[region.name] ?? 0,
      ]),
    ),
  ) as Cut;
  for (;;) {
    const outcome = await look(asked, goal);
    const tookMs = clock.monotonicMs() - startedMs;
    if (outcome.kind === "converged") return { ...outcome, tookMs };
    if (tookMs >= timeoutMs) return outcome;
    await delay(limits.COMMAND_CONVERGE_LOOK_MS);
  }
}

type Look =
  Exclude<Convergence, { kind: "converged" }> | { kind: "converged"; certificate: Certificate };

async function look(asked: readonly Asked[], goal: Cut): Promise<Look> {
  const holdings = await Promise.all(asked.map(({ truth }) => truth.holdings()));
  const lacking = holdings
    .filter(({ held }) => !covers(held, goal))
    .map(({ region, held }) => {
      const of = Object.keys(goal).filter((name) => (held[name] ?? 0) < (goal[name] ?? 0));
      return `${region} lacks writes of ${of.join(", ")}`;
    });
  if (lacking.length > 0) return { kind: "waiting", lacking };
  const cut = commonCut(holdings.map(({ held }) => held));
  try {
    const statements = await Promise.all(asked.map(({ truth }) => truth.statement(cut)));
    const cluster = statements[0]?.statement.cluster ?? "";
    const certificate = { format: CERTIFICATE_FORMAT, cluster, cut, statements } as const;
    return { kind: areEqual(statements) ? "converged" : "diverged", certificate };
  } catch (error) {
    if (!isAtollError(error) || error.code !== "cut-unavailable") throw error;
    return { kind: "waiting", lacking: [error.message] };
  }
}

export interface CertificateCheck {
  /** What is wrong with it; empty when it proves what it says. */
  readonly faults: readonly string[];
  readonly regions: readonly string[];
}

/** `keys`: of the cluster, from somebody who is trusted: a region, or a file that was kept. */
export function checkCertificate(
  { format, cut, statements, cluster }: Certificate,
  keys: KeysReport,
): CertificateCheck {
  const faults: string[] = [];
  const regions = statements.map(({ statement }) => statement.region);
  if (format !== CERTIFICATE_FORMAT) faults.push(`its format is ${String(format)}`);
  if (cluster !== keys.cluster) faults.push(`it is of cluster ${cluster}, not ${keys.cluster}`);
  if (statements.length < 2) faults.push("it has fewer than two statements");
  if (new Set(regions).size < regions.length) faults.push("a region states twice");
  for (const signed of statements) {
    const { region, cut: at, cluster: of } = signed.statement;
    const key = keys.keys[region];
    if (key === undefined) faults.push(`${region} is no region of cluster ${keys.cluster}`);
    else if (!isSignedBy(signed, key)) faults.push(`the signature of ${region} is not good`);
    if (of !== cluster) faults.push(`${region} states about cluster ${of}`);
    if (!isSameCut(at, cut)) faults.push(`${region} states about another cut`);
  }
  if (!areEqual(statements)) faults.push("the regions do not hold the same at the cut");
  return { faults, regions };
}

/** Shards whose sums are not the same in all of them. */
export function differingShards(statements: readonly SignedStatement[]): number[] {
  const [first] = statements;
  return (first?.statement.shards ?? []).flatMap((sum, shard) =>
    statements.every(({ statement }) => statement.shards[shard] === sum) ? [] : [shard],
  );
}

function areEqual(statements: readonly SignedStatement[]): boolean {
  const [first] = statements;
  const isSame = statements.every(
    ({ statement: { root, changes, shards } }) =>
      root === first?.statement.root &&
      changes === first.statement.changes &&
      shards.length === first.statement.shards.length,
  );
  return isSame && differingShards(statements).length === 0;
}

function isSameCut(a: Cut, b: Cut): boolean {
  return covers(a, b) && covers(b, a);
}
