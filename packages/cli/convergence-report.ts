/** What was found when regions were asked whether they hold the same, for people: the proof, or what it lacks. */
import { cutTimes } from "./common-cut.ts";
import type { Convergence } from "./convergence.ts";
import { differingShards } from "./convergence.ts";
import { ageText, countText, tableText } from "./output.ts";

/** `out`: where the certificate was written. */
export function convergenceLines(outcome: Convergence, out: string | undefined): string[] {
  if (outcome.kind === "waiting") {
    return [
      ...outcome.lacking.map((line) => `not converged: ${line}`),
      "Not converged in time. Nothing is lost: what is missing waits where it was written.",
    ];
  }
  const { cut, statements } = outcome.certificate;
  const different = differingShards(statements).length;
  const shards = statements[0]?.statement.shards.length ?? 0;
  const rows = statements.map(({ statement: { region, origin, changes, root } }) => {
    return [region, origin, changes, root];
  });
  const proof = [
    tableText(["region", "origin", "changes at the cut", "root at the cut"], rows),
    `cut: ${cutTimes(cut)}`,
    `shards: ${shards - different} of ${shards} equal`,
  ];
  if (outcome.kind === "diverged") {
    const verdict =
      "DIVERGED: all was received, and the sums differ. Run atoll repair for the pair.";
    return [...proof, verdict];
  }
  const took = ageText(outcome.tookMs);
  return [
    ...proof,
    `CONVERGED: ${countText(statements.length, "region")} hold the same, after ${took}.`,
    out === undefined
      ? "Keep the signed certificate with --out FILE."
      : `certificate: ${out}, signed by ${countText(statements.length, "region")}; ` +
        `check it with: atoll verify certificate ${out}`,
  ];
}
