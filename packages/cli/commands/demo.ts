/** `atoll demo`, which is `npm run demo`: real edits in three regions, an outage, and the proof. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { AtollError, limits, systemClock, systemRandom } from "@atoll/core";
import {
  LOCAL_BASE_PORT_DEFAULT,
  fetchRegionStatus,
  findFreeBasePort,
  hearStopRequest,
  planLocalCluster,
  startLocalCluster,
} from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { endpointUrls } from "../command-context.ts";
import { readEdits } from "../demo/edit.ts";
import { demoExitCode, demoReportLines } from "../demo/report.ts";
import type { DemoRegion } from "../demo/run-demo.ts";
import { runDemo } from "../demo/run-demo.ts";
import type { ExitCode } from "../exit-code.ts";
import { EXIT } from "../exit-code.ts";
import { HttpClient } from "../http-client.ts";
import { startProgress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";

const DATA = new URL("../../bench/data/", import.meta.url);
const PROFILES = fileURLToPath(new URL("profiles.jsonl.gz", DATA));
const EDITS = fileURLToPath(new URL("edits.jsonl.gz", DATA));
/** With this seed every region has editors in every part of the demo, also on both sides of the cut. */
const SEED_DEFAULT = "14";

interface DemoCommandOptions {
  readonly endpoints?: readonly string[];
  readonly edits: number;
  readonly seed: string;
}

interface Fleet {
  readonly regions: readonly DemoRegion[];
  /** Data and logs of temporary regions go with them unless `keep` is set. */
  readonly stop: (options?: { readonly keep: boolean }) => Promise<void>;
}

export function addDemoCommand(program: Command, context: CommandContext): void {
  program
    .command("demo")
    .description(
      "replay a real edit history in three regions, cut one off, heal, compare all bytes",
    )
    .option(
      "--endpoints <urls>",
      "REST URLs of running regions, admin listeners one port above; otherwise those of " +
        "`npm start` when they run, otherwise three temporary ones",
      endpointUrls,
    )
    .option(
      "--edits <n>",
      'how many edits, the latest ones, or "all"',
      editCount,
      limits.DEMO_EDITS_DEFAULT,
    )
    .option("--seed <text>", "which editor works in which region", SEED_DEFAULT)
    .action(async (options: DemoCommandOptions) => {
      await demo(options, context);
    });
}

function editCount(text: string): number {
  if (text === "all") return Infinity;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1, or "all".');
}

async function demo(options: DemoCommandOptions, { terminal, end }: CommandContext): Promise<void> {
  const history = await readEdits(EDITS);
  const edits = history.slice(-options.edits);
  const { requested } = hearStopRequest(() => process.exit(EXIT.failure));
  const givingUp = new AbortController();
  const starting = findFleet(options.endpoints, terminal, givingUp.signal);
  void requested.then(async () => {
    givingUp.abort();
    const started = await starting.catch(() => undefined);
    await started?.stop();
    process.exit(EXIT.failure);
  });
  const fleet = await starting;
  let exitCode: ExitCode = EXIT.failure;
  const client = new HttpClient({ connections: limits.IMPORT_CONCURRENCY_DEFAULT });
  try {
    const chosen = edits.length < history.length ? "the latest" : "all";
    terminal.tell(
      `Replaying ${chosen} ${edits.length} of ${history.length} real edits (--edits N or all).`,
    );
    const report = await runDemo(
      { regions: fleet.regions, edits, profilesFile: PROFILES, seed: options.seed },
      {
        client,
        clock: systemClock,
        random: systemRandom,
        tell: (line) => terminal.tell(line),
        startProgress: (label, total) =>
          startProgress({ terminal, clock: systemClock }, { label, total }),
      },
    );
    for (const line of demoReportLines(report)) terminal.print(line);
    exitCode = demoExitCode(report);
    end(exitCode);
  } finally {
    client.close();
    await fleet.stop({ keep: exitCode !== EXIT.ok });
  }
}

async function findFleet(
  endpoints: readonly string[] | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Fleet> {
  if (endpoints !== undefined) {
    const regions = await regionsAt(endpoints);
    if (regions === undefined || regions.length < 2) {
      throw new AtollError("malformed-request", `No regions answer at ${endpoints.join(", ")}`, {
        mend: "Name the REST URLs of at least two running regions with --endpoints.",
      });
    }
    return { regions, stop: () => Promise.resolve() };
  }
  const local = planLocalCluster({ dataDir: ".", basePort: LOCAL_BASE_PORT_DEFAULT });
  const running = await regionsAt(local.regions.map(({ rest }) => rest));
  if (running !== undefined) {
    terminal.tell("Using the three regions that are running here.");
    return { regions: running, stop: () => Promise.resolve() };
  }
  return startTemporaryFleet(terminal, signal);
}

async function startTemporaryFleet(terminal: Terminal, signal: AbortSignal): Promise<Fleet> {
  terminal.tell("Starting three temporary regions …");
  const basePort = await findFreeBasePort(systemRandom);
  const dataDir = mkdtempSync(join(tmpdir(), "atoll-demo-"));
  const forget = () => rmSync(dataDir, { recursive: true, force: true });
  try {
    const cluster = await startLocalCluster({ dataDir, basePort }, { signal });
    return {
      regions: cluster.regions,
      async stop({ keep } = { keep: false }) {
        await cluster.stop();
        if (keep) terminal.tell(`Their data and logs are kept in ${dataDir}.`);
        else forget();
      },
    };
  } catch (error) {
    forget();
    throw error;
  }
}

/** Undefined unless all of them answer. */
async function regionsAt(restUrls: readonly string[]): Promise<DemoRegion[] | undefined> {
  const regions: DemoRegion[] = [];
  for (const rest of restUrls) {
    const admin = new URL(rest);
    admin.port = String(Number(admin.port) + 1);
    const status = await fetchRegionStatus(admin.origin, limits.DEMO_STATUS_MS_MAX);
    if (status === undefined) return undefined;
    regions.push({ name: status.region, rest, admin: admin.origin });
  }
  return regions;
}
