/** `atoll region`: the regions, one of them closely, and taking one out of service for clients. */
import type { Command } from "commander";
import { fetchRegionStatus } from "@atoll/server";
import { AtollError } from "@atoll/core";
import { judgeCluster } from "../cluster-health.ts";
import type { CommandContext } from "../command-context.ts";
import { withAdmin } from "../admin-client.ts";
import { confirmed, withConsent } from "../consent.ts";
import type { ConsentOptions } from "../consent.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { askStatuses, fleetOf, memberNamed, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { ageOr, outputOption, printData, tableText } from "../output.ts";
import { addRegionDecommission } from "./region-decommission.ts";

const STATUS_MS_MAX = 5_000;

export function addRegionCommand(program: Command, context: CommandContext): void {
  const { terminal, end } = context;
  const region = program.command("region").description("the regions of the cluster");
  withFleet(region.command("ls"))
    .description(
      "where they are, what they run, and since when; exit code 3 when one does not answer",
    )
    .addOption(outputOption())
    .action(async ({ output, ...fleet }: FleetOptions & OutputOption) => {
      const reports = await askStatuses(fleetOf(fleet));
      const rows = reports.map(({ endpoint, name, status }) => ({
        region: status?.region ?? name ?? null,
        admin: endpoint,
        state: status === undefined ? "no answer" : status.ready ? "ready" : "not ready",
        version: status?.version ?? null,
        origin: status?.origin ?? null,
        startedAt: status?.startedAt ?? null,
      }));
      if (output !== "table") printData(terminal, output, rows);
      else {
        const head = ["region", "admin", "state", "version", "origin", "started"];
        terminal.print(
          tableText(
            head,
            rows.map((row) => Object.values(row)),
          ),
        );
      }
      if (rows.some(({ state }) => state !== "ready")) end(EXIT.unhealthy);
    });
  withFleet(region.command("show <region>"))
    .description("one region's whole status; exit code 3 when it is not well")
    .addOption(outputOption())
    .action(async (name: string, { output, ...fleet }: FleetOptions & OutputOption) => {
      const member = await memberNamed(fleetOf(fleet), name);
      const status = await fetchRegionStatus(member.admin, STATUS_MS_MAX, member.credential);
      if (status === undefined) {
        throw new AtollError("malformed-request", `${name} at ${member.admin} does not answer`);
      }
      const { faults } = judgeCluster([{ endpoint: member.admin, status }]);
      if (output !== "table") printData(terminal, output, status);
      else {
        const { version, origin, startedAt, ready, counts, root, peers, coverage } = status;
        const facts = {
          version,
          origin,
          started: startedAt,
          ready: String(ready),
          ...counts,
          root,
        };
        const rows = Object.entries(facts).map(([key, value]) => [key, value as string | number]);
        terminal.print(tableText(["", name], rows));
        terminal.print(
          tableText(
            [
              "peer",
              "state",
              "since",
              "lag",
              "behind",
              "ahead",
              "round trip",
              "root",
              "covered to",
            ],
            peers.map((peer) => [
              peer.region,
              peer.state,
              peer.since,
              ageOr(peer.lagMs, "unknown"),
              peer.behind ?? "?",
              peer.ahead ?? "?",
              ageOr(peer.rttMs, ""),
              peer.root,
              coverage[peer.region],
            ]),
          ),
        );
        for (const fault of faults) terminal.print(fault);
      }
      if (faults.length > 0) end(EXIT.unhealthy);
    });
  for (const each of VERBS) addDrain(region, each, context);
  addRegionDecommission(region, context);
}

const VERBS = [
  {
    verb: "drain",
    does: "not ready from now on: clients are sent elsewhere, it still serves and replicates",
  },
  { verb: "undrain", does: "ready again" },
] as const;

function addDrain(
  region: Command,
  { verb, does }: (typeof VERBS)[number],
  { terminal }: CommandContext,
): void {
  withConsent(withFleet(region.command(`${verb} <region>`)))
    .description(does)
    .action(async (name: string, { dryRun, yes, ...fleet }: FleetOptions & ConsentOptions) => {
      const { admin, credential } = await memberNamed(fleetOf(fleet), name);
      const consent = { isHarmless: true, ...(dryRun && { dryRun }), ...(yes && { yes }) };
      if (!(await confirmed(`${verb} ${name}`, consent, terminal))) return;
      await withAdmin(admin, (asked) => asked.ask("POST", `/${verb}`), credential);
      terminal.tell(`${name}: ${does}.`);
    });
}
