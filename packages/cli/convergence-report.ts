/**
 * What becomes of the answer to whether regions hold the same: words for people, a certificate in a file, an exit
 * code; and the options of whoever asks.
 */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { limits } from "@atoll/core";
import { seconds } from "./command-context.ts";
import { cutTimes } from "./common-cut.ts";
import type { Convergence } from "./convergence.ts";
import { differingShards } from "./convergence.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { ageText, countText, tableText } from "./output.ts";

export interface ConvergenceOptions {
  /** Seconds. */
  readonly timeout: number;
  readonly out?: string;
}

export function withConvergence(command: Command): Command {
  return command
    .option(
      "--timeout <time>",
      "such as 60s or 5m",
      seconds,
      limits.COMMAND_CONVERGE_SECONDS_DEFAULT,
    )
    .option("--out <file>", "write the certificate there");
}

export function convergenceExit({ kind }: Convergence): ExitCode {
  return { converged: EXIT.ok, diverged: EXIT.unhealthy, waiting: EXIT.timeout }[kind];
}

/** Also one of a divergence, which it proves. */
export function keepCertificate(outcome: Convergence, out: string | undefined): void {
  if (outcome.kind === "waiting" || out === undefined) return;
  writeFileSync(out, `${JSON.stringify(outcome.certificate, null, 2)}\n`);
}

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
