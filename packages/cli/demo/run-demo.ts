/**
 * The demo: real profiles, their real edit history, and an outage in the middle of it.
 *
 *     import ─▶ edits in all regions ─▶ cut one off ─▶ edits on both sides ─▶ heal ─▶ edits ─▶ compare
 *
 * It only uses what every client and operator can use: REST, and the admin requests of `atoll peer`.
 */
import type { Clock, Random } from "@atoll/core";
import { AtollError, delay, limits, must } from "@atoll/core";
import { fetchRegionStatus } from "@atoll/server";
import type { HttpClient } from "../http-client.ts";
import { problemText } from "../http-client.ts";
import type { ImportSummary } from "../import-profiles.ts";
import { importProfiles } from "../import-profiles.ts";
import { openJsonLines } from "../json-lines.ts";
import { setPeerState } from "../peer-state.ts";
import type { Progress } from "../progress.ts";
import type { Comparison } from "./convergence.ts";
import { compareProfiles, untilCaughtUp, untilConverged } from "./convergence.ts";
import type { Edit } from "./edit.ts";
import type { Phase } from "./replay-plan.ts";
import { planReplay } from "./replay-plan.ts";
import type { ReplayCounts } from "./replay.ts";
import { Replayer } from "./replay.ts";

export interface DemoRegion {
  readonly name: string;
  readonly rest: string;
  readonly admin: string;
}

export interface DemoOptions {
  readonly regions: readonly DemoRegion[];
  readonly edits: readonly Edit[];
  readonly profilesFile: string;
  readonly seed: string;
}

export interface DemoDeps {
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly tell: (line: string) => void;
  readonly startProgress: (label: string, total: number) => Progress;
}

export interface DemoReport {
  readonly imported: ImportSummary;
  readonly edits: number;
  readonly editors: number;
  readonly cutRegion: string;
  readonly countsByPhase: Readonly<Record<Phase, ReplayCounts>>;
  readonly writeSeconds: number;
  /** Undefined when it did not happen in time; so for the next one. */
  readonly caughtUpMs: number | undefined;
  readonly convergedMs: number | undefined;
  readonly comparison: Comparison;
  readonly rootByRegion: ReadonlyMap<string, string>;
}

const CUT_REGION = "eu-west-1";

export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<DemoReport> {
  const { regions, edits, seed } = options;
  const { client, clock, random, tell } = deps;
  const lone = regions.find(({ name }) => name === CUT_REGION) ?? must(regions[1], "two regions");
  const readStatuses = () =>
    Promise.all(regions.map(({ admin }) => fetchRegionStatus(admin, limits.DEMO_STATUS_MS_MAX)));

  const { imported, ids } = await importAll(options, deps);
  for (const edit of edits) ids.add(edit.id);

  const plan = planReplay(edits, { regions: regions.map(({ name }) => name), seed });
  const progress = deps.startProgress("edits ", edits.length);
  let sent = 0;
  let phaseNote = "three regions write";
  const replayer = new Replayer({
    client,
    random,
    restByRegion: new Map(regions.map(({ name, rest }) => [name, rest])),
    onWrite: () => progress.update(++sent, `${sent} of ${edits.length}, ${phaseNote}`),
  });
  const startMs = clock.monotonicMs();

  const before = await replayer.replay(plan.before);
  await setLinks(client, regions, lone, "paused");
  phaseNote = `${lone.name} is cut off`;
  const cut = await replayer.replay(plan.cut);
  await setLinks(client, regions, lone, "active");
  phaseNote = "healed";
  const [healed, caughtUpMs] = await Promise.all([
    replayer.replay(plan.healed),
    untilCaughtUp(readStatuses, clock),
  ]);
  const writeSeconds = (clock.monotonicMs() - startMs) / 1_000;
  progress.stop();

  tell("All edits are written; waiting until all regions are equal …");
  const convergedMs = await untilConverged(readStatuses, clock);
  const comparison = await compareProfiles(
    client,
    regions.map(({ rest }) => rest),
    ids,
  );
  const statuses = await readStatuses();
  return {
    imported,
    edits: edits.length,
    editors: new Set(edits.map(({ editor }) => editor)).size,
    cutRegion: lone.name,
    countsByPhase: { before, cut, healed },
    writeSeconds,
    caughtUpMs,
    convergedMs,
    comparison,
    rootByRegion: new Map(
      regions.map(({ name }, index) => [name, statuses[index]?.root ?? "no answer"]),
    ),
  };
}

async function importAll(
  { regions, profilesFile }: DemoOptions,
  deps: DemoDeps,
): Promise<{ readonly imported: ImportSummary; readonly ids: Set<string> }> {
  const ids = new Set<string>();
  const { lines, count } = openJsonLines(profilesFile);
  const progress = deps.startProgress("import", await count());
  const imported = await importProfiles(
    {
      lines: notingIds(lines, ids),
      endpoint: must(regions[0], "a region").rest,
      concurrency: limits.IMPORT_CONCURRENCY_DEFAULT,
    },
    {
      ...deps,
      wait: delay,
      onProgress: ({ done }) => progress.update(done, `${done} profiles`),
    },
  );
  progress.stop();
  return { imported, ids };
}

async function* notingIds<Line extends { readonly text: string }>(
  lines: AsyncIterable<Line>,
  ids: Set<string>,
): AsyncGenerator<Line> {
  for await (const line of lines) {
    const id = /^\{"id":"([^"]+)"/.exec(line.text)?.[1];
    if (id !== undefined) ids.add(id);
    yield line;
  }
}

/** Both links of one region, from its own side: each cut works in both directions. */
async function setLinks(
  client: HttpClient,
  regions: readonly DemoRegion[],
  lone: DemoRegion,
  state: "paused" | "active",
): Promise<void> {
  for (const { name } of regions) {
    if (name === lone.name) continue;
    const answer = await setPeerState(client, { admin: lone.admin, region: name, state });
    if (answer.status !== 200) {
      const what = `The link from ${lone.name} to ${name} cannot be ${state}`;
      throw new AtollError("internal", `${what}: ${problemText(answer)}`);
    }
  }
}
