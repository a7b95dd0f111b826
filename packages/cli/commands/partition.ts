/** `atoll partition`: who hears whom, as a matrix. */
import type { Command } from "commander";
import type { PeerStatus } from "@atoll/server";
import type { RegionReport } from "../cluster-health.ts";
import { judgeCluster, linkAdvice } from "../cluster-health.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { askStatuses, fleetOf, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { ageText, outputOption, printData, tableText } from "../output.ts";

export function addPartitionCommand(program: Command, { terminal, end }: CommandContext): void {
  withFleet(program.command("partition"))
    .description("who hears whom: a row for each region, what it says of each other one")
    .addOption(outputOption())
    .action(async ({ output, ...fleet }: FleetOptions & OutputOption) => {
      const reports = await askStatuses(fleetOf(fleet));
      const { links, parts } = judgeCluster(reports);
      const isWhole = links.every(({ state }) => state === "live");
      if (output !== "table")
        printData(terminal, output, { parts, links, hears: hearing(reports) });
      else {
        terminal.print(matrixText(reports));
        terminal.print(`parts: ${parts.map((part) => part.join(", ")).join(" | ")}`);
        for (const { between, cut, cause } of links.filter(({ state }) => state !== "live")) {
          const arrows = cut.map(({ from, to }) => `${from} ─╳→ ${to}`).join(", ");
          terminal.print(`${between.join(" – ")}: ${arrows}; ${cause}`);
        }
        terminal.print(linkAdvice(links) ?? "Every region hears every other.");
      }
      end(isWhole ? EXIT.ok : EXIT.unhealthy);
    });
}

/** By region, what it says of each other one: state, and how long ago it heard anything. */
function hearing(reports: readonly RegionReport[]): Record<string, unknown> {
  return Object.fromEntries(
    reports.map(({ endpoint, name, status }) => [
      status?.region ?? name ?? endpoint,
      status === undefined
        ? null
        : Object.fromEntries(
            status.peers.map(({ region, state, lastHeardMs, loss }) => [
              region,
              { state, lastHeardMs, loss },
            ]),
          ),
    ]),
  );
}

function matrixText(reports: readonly RegionReport[]): string {
  const names = new Set(
    reports.map(({ endpoint, name, status }) => status?.region ?? name ?? endpoint),
  );
  for (const { status } of reports) for (const { region } of status?.peers ?? []) names.add(region);
  const columns = [...names].sort();
  const rows = columns.map((row) => {
    const report = reports.find(({ name, status }) => (status?.region ?? name) === row);
    const cells = columns.map((column) => {
      if (row === column) return "·";
      const peer = report?.status?.peers.find(({ region }) => region === column);
      return peer === undefined ? "?" : cellText(peer);
    });
    return [row, ...cells];
  });
  return tableText(["hears →", ...columns], rows);
}

function cellText({ state, lastHeardMs }: PeerStatus): string {
  if (state === "live") return `yes (${ageText(lastHeardMs ?? 0)} ago)`;
  const heard = lastHeardMs === null ? "never" : `${ageText(lastHeardMs)} ago`;
  return `${state} (last ${heard})`;
}
