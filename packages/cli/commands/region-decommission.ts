/** `atoll region decommission`: out for good, once nothing is left that only it has. */
import type { Command } from "commander";
import { AtollError, systemClock } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import type { ConsentOptions } from "../consent.ts";
import { confirmed, withConsent } from "../consent.ts";
import type { ConvergenceOptions } from "../convergence-report.ts";
import {
  convergenceExit,
  convergenceLines,
  keepCertificate,
  withConvergence,
} from "../convergence-report.ts";
import type { Convergence } from "../convergence.ts";
import type { Leaving } from "../decommission.ts";
import { leftByHand, planLines, untilHeldElsewhere } from "../decommission.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions, Member } from "../fleet.ts";
import { askStatuses, clusterKeys, fleetOf, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData } from "../output.ts";
import type { AskedRegion } from "../pair.ts";
import { withRegions } from "../pair.ts";
import type { Terminal } from "../terminal.ts";

type DecommissionOptions = FleetOptions & OutputOption & ConsentOptions & ConvergenceOptions;

export function addRegionDecommission(region: Command, context: CommandContext): void {
  withConvergence(withConsent(withFleet(region.command("decommission <region>"))))
    .description(
      "drain it, wait until every other region holds all that it acknowledged, and say what is left to " +
        "do by hand; asks first; exit code 3 when a region cannot be asked, 4 when something is still missing",
    )
    .addOption(outputOption())
    .action(async (name: string, options: DecommissionOptions) => {
      await decommission(name, options, context);
    });
}

async function decommission(
  name: string,
  { timeout, out, output, dryRun, yes, ...fleet }: DecommissionOptions,
  { terminal, end }: CommandContext,
): Promise<void> {
  const members = fleetOf(fleet);
  const { leaving, named, missing } = await survey(name, members);
  if (missing.length > 0) {
    for (const each of missing)
      terminal.print(`not asked: ${each} does not answer, or was not named`);
    terminal.print(refusalText(name, missing));
    return end(EXIT.unhealthy);
  }
  const timeoutMs = timeout * 1_000;
  const plan = planLines(leaving, timeoutMs);
  if (dryRun === true) {
    if (output !== "table") printData(terminal, output, { ...leaving, plan });
    else for (const line of plan) terminal.print(line);
    return;
  }
  for (const line of plan) terminal.tell(line);
  if (!(await confirmed(`take ${name} out of service for good`, { ...(yes && { yes }) }, terminal)))
    return;
  const outcome = await withRegions(named, (regions) =>
    drained(name, regions, terminal, () =>
      untilHeldElsewhere(leaving, regions, {
        look: () => askStatuses(members),
        clock: systemClock,
        timeoutMs,
      }),
    ),
  );
  keepCertificate(outcome, out);
  const left = outcome.kind === "converged" ? leftByHand(leaving) : [];
  if (output !== "table") printData(terminal, output, { ...leaving, ...outcome, left });
  else for (const line of toldLines(leaving, outcome, left, out)) terminal.print(line);
  end(convergenceExit(outcome));
}

/** Who is there of the cluster, and who would have to be asked. */
async function survey(name: string, members: readonly Member[]) {
  const reports = await askStatuses(members);
  const named = members.flatMap((member, i) => {
    const region = reports[i]?.status?.region;
    return region === undefined ? [] : [{ ...member, name: region }];
  });
  if (named.length === 0) {
    const known = members.flatMap((member) => member.name ?? []);
    const leaving: Leaving = { region: name, code: undefined, staying: [] };
    return { leaving, named, missing: [...new Set([name, ...known])] };
  }
  const all = Object.keys((await clusterKeys(members)).keys);
  if (!all.includes(name)) {
    throw new AtollError("not-found", `no region of the cluster is called ${name}`, {
      mend: `It has ${all.join(", ")}.`,
    });
  }
  if (all.length === 1) {
    throw new AtollError(
      "malformed-request",
      `${name} is the only region: nobody could hold its writes`,
    );
  }
  const origin = reports.find(({ status }) => status?.region === name)?.status?.origin;
  const leaving: Leaving = {
    region: name,
    code: origin === undefined ? undefined : Number(origin.split(".")[0]),
    staying: all.filter((each) => each !== name),
  };
  return { leaving, named, missing: all.filter((each) => !named.some((is) => is.name === each)) };
}

/** Who gives up half-way leaves it drained, and is told so: it may be meant, or not. */
async function drained(
  name: string,
  regions: readonly AskedRegion[],
  terminal: Terminal,
  work: () => Promise<Convergence>,
): Promise<Convergence> {
  await regions.find((region) => region.name === name)?.admin.ask("POST", "/drain");
  terminal.tell(`${name} is drained.`);
  let outcome: Convergence | undefined;
  try {
    return (outcome = await work());
  } finally {
    if (outcome?.kind !== "converged") {
      terminal.tell(
        `${name} stays drained, and serves: atoll region undrain ${name} takes it back.`,
      );
    }
  }
}

function toldLines(
  { region, staying }: Leaving,
  outcome: Convergence,
  left: readonly string[],
  out: string | undefined,
): string[] {
  if (outcome.kind !== "converged") {
    return [...convergenceLines(outcome, out), `Not decommissioned: do not stop ${region}.`];
  }
  return [
    ...convergenceLines(outcome, out),
    `${region} may be stopped: ${staying.join(", ")} hold everything that it has acknowledged.`,
    "Left to do by hand, in this order:",
    ...left.map((line, i) => `  ${i + 1}. ${line}`),
  ];
}

function refusalText(name: string, missing: readonly string[]): string {
  return missing.includes(name)
    ? `Not decommissioned: ${name} may hold writes that nobody else has. Start it on its own disk and ask ` +
        "again; where the disk is gone, see runbook region-lost."
    : "Not decommissioned: every region that stays has to say that it holds them all.";
}
