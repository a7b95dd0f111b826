/** `atoll repair A B`: let two regions compare all they hold now, exchange what differs, and wait for it. */
import type { Command } from "commander";
import { delay, isAtollError, limits, systemClock } from "@atoll/core";
import type { RegionStatus } from "@atoll/server";
import { fetchRegionStatus } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { seconds } from "../command-context.ts";
import type { ConsentOptions } from "../consent.ts";
import { confirmed, withConsent } from "../consent.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions, Member } from "../fleet.ts";
import { fleetOf, memberNamed, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData } from "../output.ts";
import { withRegions } from "../pair.ts";

interface RepairOptions extends FleetOptions, OutputOption, ConsentOptions {
  readonly timeout: number;
}

interface Repair {
  readonly between: readonly [string, string];
  readonly result: "equal" | "differs" | "not linked" | "not compared";
  /** Changes that were sent or asked for meanwhile, by either. */
  readonly repaired: number;
}

const STATUS_MS_MAX = 5_000;

export function addRepairCommand(program: Command, { terminal, end }: CommandContext): void {
  withConsent(withFleet(program.command("repair <region> <region>")))
    .description(
      "compare two regions now and exchange what differs, instead of at the next period (30 s); " +
        "exit code 3 when they still differ, 4 when not compared in time",
    )
    .option(
      "--timeout <time>",
      "such as 60s or 5m",
      seconds,
      limits.COMMAND_CONVERGE_SECONDS_DEFAULT,
    )
    .addOption(outputOption())
    .action(async (one: string, other: string, options: RepairOptions) => {
      const { output, timeout, dryRun, yes, ...fleet } = options;
      const members = fleetOf(fleet);
      const a = await memberNamed(members, one);
      const b = await memberNamed(members, other);
      const plan = `have ${one} and ${other} compare now, and exchange what differs`;
      const consent = { isHarmless: true, ...(dryRun && { dryRun }), ...(yes && { yes }) };
      if (!(await confirmed(plan, consent, terminal))) return;
      const repair = await repairPair([a, b], timeout * 1_000);
      if (output !== "table") printData(terminal, output, repair);
      else terminal.print(repairText(repair));
      if (repair.result === "differs") end(EXIT.unhealthy);
      else if (repair.result !== "equal") end(EXIT.timeout);
    });
}

async function repairPair(
  pair: readonly [Member & { name: string }, Member & { name: string }],
  timeoutMs: number,
): Promise<Repair> {
  const startedMs = systemClock.monotonicMs();
  const between = [pair[0].name, pair[1].name] as const;
  const repairsBefore = repairsOf(await statusesOf(pair));
  const isAsked = await withRegions(pair, async (regions) => {
    const asked = await Promise.all(
      regions.map(({ admin }, i) => ask(() => compare(admin, between[1 - i] ?? ""))),
    );
    return asked.every((each) => each);
  });
  if (!isAsked) return { between, result: "not linked", repaired: 0 };
  for (;;) {
    const passedMs = systemClock.monotonicMs() - startedMs;
    const statuses = await statusesOf(pair);
    const repaired = repairsOf(statuses) - repairsBefore;
    const verdicts = statuses.flatMap((status, i) => {
      const peer = status?.peers.find(({ region }) => region === between[1 - i]);
      const isFresh = peer?.comparedMs !== null && (peer?.comparedMs ?? Infinity) < passedMs;
      return peer !== undefined && isFresh ? [peer.root] : [];
    });
    if (verdicts.length > 0 && verdicts.every((root) => root === "equal")) {
      return { between, result: "equal", repaired };
    }
    if (passedMs >= timeoutMs) {
      return { between, result: verdicts.length > 0 ? "differs" : "not compared", repaired };
    }
    await delay(limits.COMMAND_CONVERGE_LOOK_MS);
  }
}

function compare(
  admin: { ask(method: "POST", path: string, expected: readonly number[]): Promise<unknown> },
  peer: string,
): Promise<unknown> {
  return admin.ask("POST", `/peers/${encodeURIComponent(peer)}/compare`, [202]);
}

/** False when the two are not linked. */
async function ask(request: () => Promise<unknown>): Promise<boolean> {
  try {
    await request();
    return true;
  } catch (error) {
    if (isAtollError(error) && error.code === "not-found") return false;
    throw error;
  }
}

function statusesOf(pair: readonly Member[]): Promise<(RegionStatus | undefined)[]> {
  return Promise.all(
    pair.map(({ admin, credential }) => fetchRegionStatus(admin, STATUS_MS_MAX, credential)),
  );
}

function repairsOf(statuses: readonly (RegionStatus | undefined)[]): number {
  return statuses.reduce((sum, status) => sum + (status?.antiEntropy?.repairs ?? 0), 0);
}

function repairText({ between, result, repaired }: Repair): string {
  const pair = between.join(" – ");
  switch (result) {
    case "equal":
      return `${pair}: compared and equal; ${repaired} changes were repaired.`;
    case "differs":
      return `${pair}: still DIFFERS; ${repaired} changes were repaired. See atoll merkle diff and atoll quarantine ls.`;
    case "not linked":
      return `${pair}: not linked now, so there is nobody to compare with. See atoll status.`;
    case "not compared":
      return `${pair}: not compared in time; it goes on there.`;
  }
}
