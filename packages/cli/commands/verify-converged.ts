/** `atoll verify converged` and `atoll verify certificate`: the proof that nothing is lost, and its check. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { AtollError, errorText, systemClock } from "@atoll/core";
import { keysReport, statementReport } from "@atoll/server";
import type { KeysReport } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { cutTimes } from "../common-cut.ts";
import type { Certificate, Convergence } from "../convergence.ts";
import type { ConvergenceOptions } from "../convergence-report.ts";
import {
  convergenceExit,
  convergenceLines,
  keepCertificate,
  withConvergence,
} from "../convergence-report.ts";
import { CERTIFICATE_FORMAT, checkCertificate, untilConverged } from "../convergence.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { clusterKeys, fleetOf, namedMembers, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { countText, outputOption, printData } from "../output.ts";
import { withRegions } from "../pair.ts";

interface ConvergedOptions extends FleetOptions, OutputOption, ConvergenceOptions {
  readonly all?: true;
}

export function addVerifyConverged(verify: Command, context: CommandContext): void {
  const { terminal } = context;
  withConvergence(withFleet(verify.command("converged [region...]")))
    .description(
      "wait until regions hold the same at one cut, and have each sign it; exit code 3 when they " +
        "differ there, 4 when something is still missing somewhere",
    )
    .option("--all", "all regions of the cluster, which is the default")
    .addOption(outputOption())
    .action(async (regions: readonly string[], options: ConvergedOptions) => {
      await converged(regions, options, context);
    });

  withFleet(verify.command("certificate <file>"))
    .description(
      "check a certificate: signatures, one cut, equal sums; exit code 3 when it is none",
    )
    .option(
      "--keys <file>",
      "public keys that were kept (atoll key ls -o json); no region is asked",
    )
    .addOption(outputOption())
    .action(
      async (
        file: string,
        { keys: kept, output, ...fleet }: FleetOptions & OutputOption & { readonly keys?: string },
      ) => {
        const certificate = readCertificate(file);
        const keys = kept === undefined ? await clusterKeys(fleetOf(fleet)) : readKeys(kept);
        const { faults, regions } = checkCertificate(certificate, keys);
        if (output !== "table")
          printData(terminal, output, { good: faults.length === 0, faults, regions });
        else if (faults.length === 0) {
          terminal.print(
            `Good: ${regions.join(", ")} of cluster ${certificate.cluster} hold the same at ` +
              `${cutTimes(certificate.cut)}; ${countText(regions.length, "signature")} checked.`,
          );
        } else for (const fault of faults) terminal.print(`NOT GOOD: ${fault}`);
        context.end(faults.length === 0 ? EXIT.ok : EXIT.unhealthy);
      },
    );
}

async function converged(
  wanted: readonly string[],
  { output, timeout, out, ...fleet }: ConvergedOptions,
  { terminal, end }: CommandContext,
): Promise<void> {
  const members = fleetOf(fleet);
  const named = await namedMembers(members);
  const asked = wanted.length === 0 ? named : named.filter(({ name }) => wanted.includes(name));
  const outcome = await withRegions(asked, async (regions): Promise<Convergence> => {
    const first = regions[0];
    if (first === undefined) return { kind: "waiting", lacking: ["no region answers"] };
    const all = wanted.length > 0 ? wanted : Object.keys((await first.truth.keys()).keys);
    const silent = all.filter((name) => !asked.some((member) => member.name === name));
    if (silent.length > 0) {
      const lacking = silent.map((name) => `${name} does not answer, or was not named`);
      return { kind: "waiting", lacking };
    }
    return untilConverged(regions, { clock: systemClock, timeoutMs: timeout * 1_000 });
  });
  keepCertificate(outcome, out);
  if (output !== "table") printData(terminal, output, outcome);
  else for (const line of convergenceLines(outcome, out)) terminal.print(line);
  end(convergenceExit(outcome));
}

function readCertificate(file: string): Certificate {
  const raw = readJson(file) as Partial<Certificate> | null;
  const statements = Array.isArray(raw?.statements)
    ? raw.statements.map((each) => statementReport.safeParse(each))
    : [];
  const isShaped =
    raw?.format === CERTIFICATE_FORMAT &&
    typeof raw.cluster === "string" &&
    typeof raw.cut === "object" &&
    statements.every(({ success }) => success);
  if (!isShaped) throw new AtollError("malformed-request", `${file} is no convergence certificate`);
  return raw as Certificate;
}

function readKeys(file: string): KeysReport {
  const parsed = keysReport.safeParse(readJson(file));
  if (parsed.success) return parsed.data;
  throw new AtollError("malformed-request", `${file} holds no keys of a cluster`);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as unknown;
  } catch (error) {
    const text = `${file} cannot be read: ${errorText(error)}`;
    throw new AtollError("malformed-request", text, {}, error);
  }
}
