/** `atoll status`: is every region well, are they linked, and do they hold the same? */
import type { Command } from "commander";
import type { RegionStatus } from "@atoll/server";
import type { Health, RegionReport } from "../cluster-health.ts";
import { judgeCluster, linkAdvice, unaskedText, waitingText } from "../cluster-health.ts";
import type { CommandContext } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { askStatuses, fleetOf, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData, tableText } from "../output.ts";

const ROOT_CHARS_SHOWN = 12;

export function addStatusCommand(program: Command, { terminal, end }: CommandContext): void {
  withFleet(program.command("status"))
    .description("show every region and link, and name what is wrong; exit code 3 when anything is")
    .addOption(outputOption())
    .action(async ({ output, ...fleet }: FleetOptions & OutputOption) => {
      const reports = await askStatuses(fleetOf(fleet));
      const health = judgeCluster(reports);
      if (output !== "table") printData(terminal, output, statusJson(reports, health));
      else for (const line of statusLines(reports, health)) terminal.print(line);
      end(health.healthy ? EXIT.ok : EXIT.unhealthy);
    });
}

export function statusJson(reports: readonly RegionReport[], health: Health): object {
  const regions = reports.map(({ endpoint, status }) => ({ endpoint, status: status ?? null }));
  return { ...health, regions };
}

/** The tables, then one line for each thing that is wrong. */
export function statusLines(reports: readonly RegionReport[], health: Health): string[] {
  const { faults, links, parts } = health;
  const lines = [
    tableText(
      ["region", "ready", "profiles", "changes", "pending", "quarantined", "root"],
      reports.map(regionRow),
    ),
  ];
  if (links.length > 0) {
    lines.push(
      tableText(
        ["link", "state", "since", "waiting"],
        links.map(({ between, state, since, waiting }) => [
          between.join(" – "),
          state,
          since,
          waitingText(waiting) || "nothing",
        ]),
      ),
    );
  }
  if (parts.length > 1) {
    lines.push(`The cluster is in ${parts.length} parts: ${parts.map(partText).join(" | ")}`);
  }
  lines.push(...faults);
  const advice = linkAdvice(links);
  if (advice !== undefined) lines.push(advice);
  const unasked = unaskedText(reports, health);
  if (faults.length === 0) {
    lines.push(
      unasked === undefined ? "All regions are well." : "All regions that were asked are well.",
    );
  }
  if (unasked !== undefined) lines.push(unasked);
  return lines;
}

function partText(part: readonly string[]): string {
  return part.join(", ");
}

function regionRow({ endpoint, name, status }: RegionReport): (string | number)[] {
  if (status === undefined) return [name ?? endpoint, "no answer", "", "", "", "", ""];
  const { region, ready, counts, root }: RegionStatus = status;
  return [
    region,
    ready ? "yes" : "no",
    counts.profiles ?? counts.documents,
    counts.changes,
    counts.pending,
    counts.quarantined,
    root.slice(0, ROOT_CHARS_SHOWN),
  ];
}
