/** `atoll status`: is every region well, and do they hold the same? */
import Table from "cli-table3";
import type { Command } from "commander";
import { Option } from "commander";
import type { RegionStatus } from "@atoll/server";
import { LOCAL_BASE_PORT_DEFAULT, fetchRegionStatus, planLocalCluster } from "@atoll/server";
import type { RegionReport } from "../cluster-health.ts";
import { clusterFaults } from "../cluster-health.ts";
import type { CommandContext } from "../command-context.ts";
import { endpointUrls } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";

const STATUS_MS_MAX = 5_000;
const ROOT_CHARS_SHOWN = 12;

interface StatusOptions {
  readonly endpoint?: string[];
  readonly output: "table" | "json";
}

export function addStatusCommand(program: Command, context: CommandContext): void {
  program
    .command("status")
    .description("show every region, its links and its root; exit code 3 when something is wrong")
    .option("--endpoint <url>", "admin URL; repeat it, or list several with commas", endpointUrls)
    .addOption(
      new Option("-o, --output <form>", "table or json")
        .choices(["table", "json"])
        .default("table"),
    )
    .action(async ({ endpoint, output }: StatusOptions) => {
      await status(endpoint ?? localAdminUrls(), output, context);
    });
}

function localAdminUrls(): string[] {
  const plan = planLocalCluster({ dataDir: ".", basePort: LOCAL_BASE_PORT_DEFAULT });
  return plan.regions.map(({ admin }) => admin);
}

async function status(
  endpoints: readonly string[],
  output: "table" | "json",
  { terminal, end }: CommandContext,
): Promise<void> {
  const reports = await Promise.all(
    endpoints.map(async (endpoint) => ({
      endpoint,
      status: await fetchRegionStatus(endpoint, STATUS_MS_MAX),
    })),
  );
  const faults = clusterFaults(reports);
  if (output === "json") {
    const regions = reports.map((report) => ({ ...report, status: report.status ?? null }));
    terminal.print(JSON.stringify({ healthy: faults.length === 0, faults, regions }, null, 2));
  } else {
    terminal.print(tableText(reports));
    for (const fault of faults) terminal.tell(`atoll: ${fault}`);
    if (faults.length === 0) terminal.tell("All regions are well.");
  }
  end(faults.length === 0 ? EXIT.ok : EXIT.unhealthy);
}

function tableText(reports: readonly RegionReport[]): string {
  const table = new Table({
    head: ["region", "ready", "profiles", "changes", "pending", "quarantined", "root", "links"],
    style: { head: [], border: [] },
  });
  for (const { endpoint, status: region } of reports) {
    if (region === undefined) table.push([endpoint, "no answer", "", "", "", "", "", ""]);
    else table.push(row(region));
  }
  return table.toString();
}

function row({ region, ready, counts, root, peers }: RegionStatus): (string | number)[] {
  const links = peers.map((peer) => {
    const lag = peer.lagMs === undefined || peer.lagMs === null ? "" : `, lag ${peer.lagMs} ms`;
    return `${peer.region} ${peer.state}${lag}, behind ${peer.behind ?? "?"}, ahead ${peer.ahead ?? "?"}`;
  });
  return [
    region,
    ready ? "yes" : "no",
    counts.documents,
    counts.changes,
    counts.pending,
    counts.quarantined,
    root.slice(0, ROOT_CHARS_SHOWN),
    links.join("\n"),
  ];
}
