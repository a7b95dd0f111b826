/** `atoll divergence`: per pair of regions, what differs although it should not, and what is merely under way. */
import type { Command } from "commander";
import { isAtollError, limits } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import type { Cut } from "../common-cut.ts";
import { cutTimes } from "../common-cut.ts";
import { divergedDocuments } from "../diverged-documents.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { askStatuses, fleetOf, namedMembers, withFleet } from "../fleet.ts";
import type { Waiting } from "../link-verdict.ts";
import { linkVerdicts } from "../link-verdict.ts";
import { merkleDiff } from "../merkle-diff.ts";
import type { OutputOption } from "../output.ts";
import { countText, outputOption, printData } from "../output.ts";
import type { AskedRegion } from "../pair.ts";
import { cutOf, pairsOf, withRegions } from "../pair.ts";

interface PairDivergence {
  readonly between: readonly [string, string];
  readonly cut: Cut;
  /** Undefined where the cut cannot be compared at; then `why` says so. */
  readonly atCut:
    | { readonly shards: number; readonly differentShards: number; readonly documents: number }
    | undefined;
  readonly why: string | undefined;
  readonly inFlight: {
    readonly documents: number;
    readonly complete: boolean;
    readonly waiting: readonly Waiting[];
  };
}

export function addDivergenceCommand(program: Command, { terminal, end }: CommandContext): void {
  withFleet(program.command("divergence"))
    .description(
      "per pair: shards that differ at a moment both have reached, and what is merely in flight; " +
        "exit code 3 when any differ",
    )
    .addOption(outputOption())
    .action(async ({ output, ...fleet }: FleetOptions & OutputOption) => {
      const members = fleetOf(fleet);
      const named = await namedMembers(members);
      const reports = await askStatuses(members);
      const waiting = linkVerdicts(
        new Map(
          reports.flatMap(({ status }) => (status === undefined ? [] : [[status.region, status]])),
        ),
      );
      const pairs = await withRegions(named, (regions) =>
        Promise.all(
          pairsOf(regions).map((pair) => {
            const [a, b] = pair.map(({ name }) => name).sort();
            const of = waiting.find(({ between }) => between[0] === a && between[1] === b);
            return divergenceOf(pair, of?.waiting ?? []);
          }),
        ),
      );
      const isDiverged = pairs.some(({ atCut }) => (atCut?.differentShards ?? 0) > 0);
      const silent = members.length - named.length;
      if (output !== "table") printData(terminal, output, { diverged: isDiverged, silent, pairs });
      else {
        for (const pair of pairs) for (const line of pairLines(pair)) terminal.print(line);
        if (silent > 0) terminal.print(`${countText(silent, "region")} did not answer`);
        terminal.print(
          isDiverged
            ? "Diverged: run atoll repair for the pair, and see runbook persistent-divergence."
            : "Not diverged: what differs is in flight.",
        );
      }
      end(isDiverged || silent > 0 ? EXIT.unhealthy : EXIT.ok);
    });
}

async function divergenceOf(
  pair: [AskedRegion, AskedRegion],
  waiting: readonly Waiting[],
): Promise<PairDivergence> {
  const [a, b] = pair;
  const cut = await cutOf(pair);
  const [diff, above] = await Promise.all([
    diffAt(pair, cut),
    divergedDocuments([a.truth, b.truth], cut),
  ]);
  return {
    between: [a.name, b.name],
    cut,
    ...diff,
    inFlight: { documents: above.documents.length, complete: above.complete, waiting },
  };
}

async function diffAt(
  [a, b]: [AskedRegion, AskedRegion],
  cut: Cut,
): Promise<Pick<PairDivergence, "atCut" | "why">> {
  try {
    const documentsMax = limits.COMMAND_DIFF_DOCUMENTS_MAX;
    const diff = await merkleDiff([a.truth, b.truth], cut, { documentsMax });
    const differentShards = diff.differentShards.length;
    const documents = diff.documents.length;
    return { atCut: { shards: diff.shardCount, differentShards, documents }, why: undefined };
  } catch (error) {
    if (!isAtollError(error) || error.code !== "cut-unavailable") throw error;
    return { atCut: undefined, why: error.message };
  }
}

function pairLines({ between, cut, atCut, why, inFlight }: PairDivergence): string[] {
  const { documents, complete, waiting } = inFlight;
  const held =
    atCut === undefined
      ? `cannot be compared: ${why ?? ""}`
      : `${atCut.differentShards} of ${atCut.shards} shards differ at the common cut` +
        (atCut.documents === 0 ? "" : `, ${countText(atCut.documents, "document")}`);
  const counts = waiting.map(
    ({ holder, lacking, changes }) =>
      `${changes === null ? "? changes" : countText(changes, "change")} in ${holder} for ${lacking}`,
  );
  const atLeast = complete ? "" : "at least ";
  return [
    `${between.join(" – ")}: ${held}`,
    `  cut: ${cutTimes(cut)}`,
    `  in flight: ${atLeast}${countText(documents, "document")}; ${counts.join(", ")}`,
  ];
}
