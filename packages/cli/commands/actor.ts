/** `atoll actor ls`: every incarnation of every region that has written, as each region knows it. */
import type { Command } from "commander";
import type { ActorsReport } from "@atoll/server";
import { actorsReport } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import type { FleetOptions } from "../fleet.ts";
import { fleetOf, namedMembers, withFleet } from "../fleet.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData, tableText } from "../output.ts";
import { withRegions } from "../pair.ts";
import { shaped } from "../shape.ts";

type Actor = ActorsReport["actors"][number];

export function addActorCommand(program: Command, { terminal }: CommandContext): void {
  const actor = program.command("actor").description("who writes: origins and incarnations");
  withFleet(actor.command("ls"))
    .description(
      "origins with the highest number and the last time, and who holds how much of each",
    )
    .addOption(outputOption())
    .action(async ({ output, ...fleet }: FleetOptions & OutputOption) => {
      const named = await namedMembers(fleetOf(fleet));
      const lists = await withRegions(named, (regions) =>
        Promise.all(
          regions.map(async ({ name, admin }) => {
            const { body } = await admin.ask("GET", "/actors");
            return { region: name, actors: shaped(body, actorsReport).actors };
          }),
        ),
      );
      if (output !== "table") printData(terminal, output, lists);
      else terminal.print(actorTable(lists));
    });
}

function actorTable(
  lists: readonly { readonly region: string; readonly actors: readonly Actor[] }[],
): string {
  const origins = new Map<string, Actor[]>();
  for (const { actors } of lists) {
    for (const actor of actors) {
      origins.set(actor.origin, [...(origins.get(actor.origin) ?? []), actor]);
    }
  }
  return tableText(
    ["region", "origin", "state", "highest seq", "last entry", "entries held in"],
    [...origins].map(([origin, known]) => [
      known[0]?.region ?? "unknown",
      origin,
      known.some(({ own }) => own) ? "writes" : "past",
      Math.max(...known.map(({ seqMax }) => seqMax)),
      known
        .flatMap(({ lastAt }) => lastAt ?? [])
        .sort()
        .at(-1),
      lists
        .map(({ region, actors }) => {
          const held = actors.find((actor) => actor.origin === origin)?.entries ?? 0;
          return `${region} ${held}`;
        })
        .join("\n"),
    ]),
  );
}
