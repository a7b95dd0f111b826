/** `atoll merkle diff A B`: which documents two regions hold differently at a moment both have reached. */
import type { Command } from "commander";
import { AtollError, limits } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import { wholeNumber } from "../command-context.ts";
import { cutTimes } from "../common-cut.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { fleetOf, memberNamed, withFleet } from "../fleet.ts";
import { merkleDiff } from "../merkle-diff.ts";
import type { OutputOption } from "../output.ts";
import { countText, outputOption, printData, tableText } from "../output.ts";
import { cutOf, withRegions } from "../pair.ts";

export function addMerkleCommand(program: Command, { terminal, end }: CommandContext): void {
  const merkle = program
    .command("merkle")
    .description("the sums by which regions compare themselves");
  withFleet(merkle.command("diff <region> <region>"))
    .description("the documents that differ at the common cut; exit code 3 when any do")
    .option(
      "--limit <n>",
      "documents to name",
      wholeNumber({ min: 1, max: 100 * limits.COMMAND_DIFF_DOCUMENTS_MAX }),
      limits.COMMAND_DIFF_DOCUMENTS_MAX,
    )
    .addOption(outputOption())
    .action(
      async (
        one: string,
        other: string,
        { output, limit, ...fleet }: FleetOptions & OutputOption & { readonly limit: number },
      ) => {
        const members = fleetOf(fleet);
        const pair = await Promise.all([one, other].map((name) => memberNamed(members, name)));
        const { cut, diff } = await withRegions(pair, async ([a, b]) => {
          if (a === undefined || b === undefined || a.name === b.name) {
            throw new AtollError("malformed-request", "name two regions");
          }
          const at = await cutOf([a, b]);
          const found = await merkleDiff([a.truth, b.truth], at, { documentsMax: limit });
          return { cut: at, diff: found };
        });
        const { shardCount, differentShards, documents, complete } = diff;
        if (output !== "table")
          printData(terminal, output, { between: [one, other], cut, ...diff });
        else {
          terminal.print(`cut: ${cutTimes(cut)}`);
          if (documents.length > 0) {
            terminal.print(
              tableText(
                ["profile", "document", `changes in ${one}`, `changes in ${other}`],
                documents.map(({ profileId, docId, changes }) => [profileId, docId, ...changes]),
              ),
            );
          }
          terminal.print(
            `${differentShards.length} of ${shardCount} shards differ, ` +
              `${complete ? "" : "at least "}${countText(documents.length, "document")}.`,
          );
        }
        if (differentShards.length > 0) end(EXIT.unhealthy);
      },
    );
}
