/**
 * `atoll local`, which is `npm start`: three regions on this machine until Ctrl-C.
 */
import { relative } from "node:path";
import type { Command } from "commander";
import { delay, isAtollError, limits, systemClock } from "@atoll/core";
import type { LocalCluster, LocalRegion } from "@atoll/server";
import {
  LOCAL_BASE_PORT_DEFAULT,
  fetchRegionStatus,
  hearStopRequest,
  startLocalCluster,
} from "@atoll/server";
import type { RegionView } from "../cluster-view.ts";
import { createClusterView } from "../cluster-view.ts";
import type { CommandContext } from "../command-context.ts";
import { wholeNumber } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";

const STATUS_MS_MAX = 1_000;
/** How long the first table waits for the links at most. */
const LINK_MS_MAX = 3_000;
const LINK_LOOK_MS = 50;

interface LocalOptions {
  readonly data: string;
  readonly basePort: number;
}

export function addLocalCommand(program: Command, context: CommandContext): void {
  program
    .command("local")
    .description("run three regions on this machine, as three processes, until Ctrl-C")
    .option("--data <dir>", "where their data is kept", "./data")
    .option(
      "--base-port <n>",
      "REST on n+1, n+101, n+201; admin and peer on the two ports after each",
      wholeNumber({ min: 0, max: 99_999 }),
      LOCAL_BASE_PORT_DEFAULT,
    )
    .action(async (options: LocalOptions) => {
      await local(options, context);
    });
}

async function local({ data, basePort }: LocalOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { requested } = hearStopRequest(() => process.exit(EXIT.failure));
  const givingUp = new AbortController();
  let isStopping = false;
  void requested.then(() => {
    isStopping = true;
    givingUp.abort();
  });

  terminal.tell(`Starting three regions in ${data} …`);
  const cluster = await startUnlessStopped({ dataDir: data, basePort }, givingUp.signal);
  if (cluster === undefined) {
    terminal.tell("Stopped before it was ready.");
    return;
  }
  const view = createClusterView(terminal);
  view.show(await onceLinked(cluster));
  view.below(suggestions(cluster.regions));
  while (!isStopping) {
    await Promise.race([delay(limits.LOCAL_WATCH_PERIOD_MS), requested]);
    if (!isStopping) view.show(await lookAt(cluster));
  }
  await stop(cluster, terminal, context);
}

async function startUnlessStopped(
  options: { readonly dataDir: string; readonly basePort: number },
  signal: AbortSignal,
): Promise<LocalCluster | undefined> {
  try {
    return await startLocalCluster(options, { signal });
  } catch (error) {
    if (signal.aborted && (isAtollError(error) || error === signal.reason)) return undefined;
    throw error;
  }
}

/** Links follow within moments, and a table printed before would be wrong for as long as it is read. */
async function onceLinked(cluster: LocalCluster): Promise<RegionView[]> {
  const untilMs = systemClock.monotonicMs() + LINK_MS_MAX;
  for (;;) {
    const views = await lookAt(cluster);
    const isLinked = views.every(
      ({ status }) => status?.peers.every(({ state }) => state === "live") ?? false,
    );
    if (isLinked || systemClock.monotonicMs() > untilMs) return views;
    await delay(LINK_LOOK_MS);
  }
}

async function lookAt({ regions }: LocalCluster): Promise<RegionView[]> {
  return Promise.all(
    regions.map(async ({ name, rest, admin, pid, configFile }) => ({
      name,
      rest,
      admin,
      pid,
      restart: `npx atoll serve --config ${shortPath(configFile)}`,
      status: await fetchRegionStatus(admin, STATUS_MS_MAX),
    })),
  );
}

function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}

function suggestions([first, second, third]: readonly LocalRegion[]): string[] {
  if (first === undefined || second === undefined || third === undefined) return [];
  const json = "-H 'content-type: application/json'";
  const patch = "-H 'content-type: application/merge-patch+json'";
  return [
    "Try, in another terminal:",
    `  curl -X PUT ${first.rest}/v1/profiles/ada ${json} -d '{"displayName":"Ada Lovelace"}'`,
    `  curl -i ${second.rest}/v1/profiles/ada`,
    `  curl -X PATCH ${third.rest}/v1/profiles/ada ${patch} -d '{"location":{"city":"London"}}'`,
    `An outage: cut ${second.name} off, write on both sides, heal it.`,
    `  npx atoll peer pause ${first.name} ${third.name} --endpoint ${second.admin}`,
    `  npx atoll peer resume ${first.name} ${third.name} --endpoint ${second.admin}`,
    "The listeners are open: whoever is on this machine may do everything, and nobody else.",
    "Ctrl-C stops all three; the data stays.",
  ];
}

async function stop(
  cluster: LocalCluster,
  terminal: Terminal,
  context: CommandContext,
): Promise<void> {
  terminal.tell("\nStopping three regions …");
  const allInTime = await cluster.stop();
  if (allInTime) {
    terminal.tell("Stopped. The data stays where it is.");
    return;
  }
  terminal.tell(
    "atoll: a region did not stop in time and was killed. Nothing acknowledged is lost.",
  );
  context.end(EXIT.failure);
}
