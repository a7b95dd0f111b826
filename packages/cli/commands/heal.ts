/** `atoll heal preview A B` before a link is re-opened, and `atoll heal report` after it. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { AtollError, errorText, limits, systemClock } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import { wholeNumber } from "../command-context.ts";
import { cutTimes } from "../common-cut.ts";
import { DocumentClient } from "../document-client.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { fleetOf, memberNamed, withFleet } from "../fleet.ts";
import type { HealPreview, ProfilePreview } from "../heal-preview.ts";
import { PREVIEW_FORMAT, previewHeal } from "../heal-preview.ts";
import type { ProfileOutcome } from "../heal-report.ts";
import { reportHeal } from "../heal-report.ts";
import type { OutputOption } from "../output.ts";
import { countText, outputOption, printData } from "../output.ts";
import type { AskedRegion } from "../pair.ts";
import { withRegions } from "../pair.ts";
import type { Terminal } from "../terminal.ts";

interface PreviewOptions extends FleetOptions, OutputOption {
  readonly limit: number;
  readonly out?: string;
}

interface ReportOptions extends FleetOptions, OutputOption {
  readonly since: string;
}

export function addHealCommand(program: Command, { terminal, end }: CommandContext): void {
  const heal = program
    .command("heal")
    .description("what will merge when a link is healed, and what became of it");
  withFleet(heal.command("preview <region> <region>"))
    .description(
      "profiles that differ, fields in conflict and their winners to be; changes nothing",
    )
    .option(
      "--limit <n>",
      "profiles to look into",
      wholeNumber({ min: 1, max: limits.COMMAND_PREVIEW_PROFILES_MAX }),
      limits.COMMAND_PREVIEW_PROFILES_DEFAULT,
    )
    .option("--out <file>", "keep it there, for atoll heal report --since FILE")
    .addOption(outputOption())
    .action(async (a: string, b: string, { output, limit, out, ...fleet }: PreviewOptions) => {
      const at = new Date(systemClock.nowMs()).toISOString();
      const preview = await withPair(fleet, [a, b], (pair) =>
        previewHeal(pair, { at, profilesMax: limit }),
      );
      if (out !== undefined) writeFileSync(out, `${JSON.stringify(preview, null, 2)}\n`);
      if (output !== "table") printData(terminal, output, preview);
      else tellPreview(preview, out, terminal);
    });
  withFleet(heal.command("report"))
    .description("the list of a preview with outcomes; exit code 3 while something is not merged")
    .requiredOption("--since <file>", "what atoll heal preview --out wrote")
    .addOption(outputOption())
    .action(async ({ output, since, ...fleet }: ReportOptions) => {
      const preview = readPreview(since);
      const outcomes = await withPair(fleet, preview.between, ([a, b]) =>
        reportHeal([new DocumentClient(a.admin), new DocumentClient(b.admin)], preview),
      );
      const isMerged = outcomes.every(({ merged }) => merged);
      if (output !== "table") printData(terminal, output, { merged: isMerged, profiles: outcomes });
      else tellReport(preview, outcomes, terminal);
      end(isMerged ? EXIT.ok : EXIT.unhealthy);
    });
}

async function withPair<T>(
  fleet: FleetOptions,
  names: readonly [string, string],
  work: (pair: readonly [AskedRegion, AskedRegion]) => Promise<T>,
): Promise<T> {
  const members = fleetOf(fleet);
  const pair = await Promise.all(names.map((name) => memberNamed(members, name)));
  return withRegions(pair, ([a, b]) => {
    if (a !== undefined && b !== undefined && a.name !== b.name) return work([a, b]);
    throw new AtollError("malformed-request", "a link has two ends: name two regions");
  });
}

function tellPreview(preview: HealPreview, out: string | undefined, terminal: Terminal): void {
  const { between, profiles, cut, notShown, complete } = preview;
  const [a, b] = between;
  terminal.print(`common until: ${cutTimes(cut)}`);
  for (const profile of profiles) {
    for (const line of previewLines(profile, between)) terminal.print(line);
  }
  const fields = profiles.reduce((sum, { conflicts }) => sum + conflicts.length, 0);
  terminal.print(
    `${countText(profiles.length + notShown, "profile")} differ between ${a} and ${b}; ` +
      `${countText(fields, "field")} in conflict. Every change of both sides is kept.`,
  );
  if (notShown > 0) terminal.print(`${notShown} of them were not looked into (--limit).`);
  if (!complete) terminal.print("There are more: a region's log does not tell all that differs.");
  if (out !== undefined) {
    terminal.print(`kept in ${out}; after the heal: atoll heal report --since ${out}`);
  }
}

function previewLines(
  { docId, profileId, changes, edits, conflicts, deleted, deletedIn, unseen }: ProfilePreview,
  [a, b]: readonly [string, string],
): string[] {
  const name = profileId ?? docId;
  if (unseen !== undefined) return [`${name}: ${unseen}`];
  const becomes = edits
    .map((paths, i) => (paths.length === 0 ? "" : `${i === 0 ? a : b} gets ${paths.join(", ")}`))
    .filter((text) => text !== "");
  const isFate = deleted !== deletedIn[0] || deleted !== deletedIn[1];
  const fate = deleted ? "it will be deleted in both" : "it will be there in both";
  const lines = [
    `${name}: ${countText(changes[0], "change")} in ${a} only, ${changes[1]} in ${b} only; ` +
      (isFate ? fate : becomes.length === 0 ? "nothing visible changes" : becomes.join("; ")),
  ];
  for (const { pointer, values } of conflicts) {
    const [winner, ...losers] = values.map(valueText);
    lines.push(`  conflict ${pointer}: ${winner ?? ""} wins over ${losers.join(", ")}`);
  }
  return lines;
}

function valueText({ value, region }: { value: unknown; region: string | null }): string {
  return `${JSON.stringify(value)} (${region ?? "nobody in particular"})`;
}

function tellReport(
  { between, at, profiles }: HealPreview,
  outcomes: readonly ProfileOutcome[],
  terminal: Terminal,
): void {
  const [a, b] = between;
  for (const { profileId, docId, merged, equal, missing, fields } of outcomes) {
    const lacks = [a, b].flatMap((name, i) => {
      const count = missing[i]?.length ?? 0;
      return count === 0 ? [] : [`${name} lacks ${countText(count, "change")}`];
    });
    const state = merged
      ? equal
        ? "merged, equal in both"
        : "merged, written since"
      : "NOT MERGED";
    terminal.print(`${profileId ?? docId}: ${[state, ...lacks].join("; ")}`);
    for (const { pointer, outcome, told, now } of fields) {
      const values = now.map((value) => JSON.stringify(value) ?? "nothing");
      const shown =
        values[0] === values[1] ? values[0] : `${values[0]} in ${a}, ${values[1]} in ${b}`;
      terminal.print(`  ${pointer}: ${outcome}: told ${JSON.stringify(told)}, now ${shown}`);
    }
  }
  const count = (wanted: string): number =>
    outcomes.flatMap(({ fields }) => fields).filter(({ outcome }) => outcome === wanted).length;
  const done = outcomes.filter(({ merged }) => merged).length;
  terminal.print(
    `Since ${at}: ${done} of ${countText(profiles.length, "profile")} merged; ` +
      `${countText(count("as told"), "field")} as told, ${count("settled since")} settled since.`,
  );
}

function readPreview(file: string): HealPreview {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const text = `${file} cannot be read: ${errorText(error)}`;
    throw new AtollError("malformed-request", text, {}, error);
  }
  const { format, between, profiles } = (raw ?? {}) as Partial<HealPreview>;
  if (format === PREVIEW_FORMAT && Array.isArray(between) && Array.isArray(profiles)) {
    return raw as HealPreview;
  }
  throw new AtollError("malformed-request", `${file} is not what atoll heal preview --out wrote`);
}
