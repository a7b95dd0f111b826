/** `atoll audit ls`: who changed what by the admin listeners, in every region. */
import type { Command } from "commander";
import { limits } from "@atoll/core";
import { auditReport } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { wholeNumber } from "../command-context.ts";
import type { FleetOptions } from "../fleet.ts";
import { fleetOf, namedMembers, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData, tableText } from "../output.ts";
import { withRegions } from "../pair.ts";
import { shaped } from "../shape.ts";

export function addAuditCommand(program: Command, { terminal }: CommandContext): void {
  const audit = program.command("audit").description("what operators changed");
  withFleet(audit.command("ls"))
    .description(
      "the newest entries of every region's audit log, oldest first; refused attempts too",
    )
    .option(
      "--limit <n>",
      "entries of each region",
      wholeNumber({ min: 1, max: limits.AUDIT_LISTED_MAX }),
      limits.AUDIT_LISTED_DEFAULT,
    )
    .addOption(outputOption())
    .action(
      async ({
        output,
        limit,
        ...fleet
      }: FleetOptions & OutputOption & { readonly limit: number }) => {
        const named = await namedMembers(fleetOf(fleet));
        const lists = await withRegions(named, (regions) =>
          Promise.all(
            regions.map(async ({ name, admin }) => {
              const { body } = await admin.ask("GET", `/audit?limit=${limit}`);
              return shaped(body, auditReport).entries.map((entry) => ({ region: name, ...entry }));
            }),
          ),
        );
        const entries = lists.flat().sort((a, b) => (a.at < b.at ? -1 : 1));
        if (output !== "table") printData(terminal, output, entries);
        else if (entries.length === 0) terminal.tell("Nobody has changed anything.");
        else {
          terminal.print(
            tableText(
              ["at", "region", "who", "from", "what", "status"],
              entries.map(({ at, region, who, from, what, detail, status }) => {
                const said = Object.values(detail ?? {}).join(" ");
                return [at, region, who ?? "nobody", from, `${what} ${said}`.trimEnd(), status];
              }),
            ),
          );
        }
      },
    );
}
