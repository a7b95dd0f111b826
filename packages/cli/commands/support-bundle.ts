/** `atoll support-bundle`: what somebody who helps needs to see, in one file, without anybody's profile in it. */
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import {
  AtollError,
  errorText,
  isAtollError,
  limits,
  systemClock,
  systemRandom,
} from "@atoll/core";
import { VERSION } from "@atoll/server";
import { AdminClient } from "../admin-client.ts";
import { Anonymizer } from "../anonymous.ts";
import { judgeCluster } from "../cluster-health.ts";
import type { CommandContext } from "../command-context.ts";
import type { FleetOptions, Member } from "../fleet.ts";
import { askStatuses, fleetOf, withFleet } from "../fleet.ts";
import { HttpClient } from "../http-client.ts";
import { countText } from "../output.ts";

interface BundleOptions extends FleetOptions {
  readonly out: string;
  readonly log?: readonly string[];
}

const PARTS = [
  ["status", "/status"],
  ["config", "/config"],
  ["build", "/build"],
  ["holdings", "/merkle"],
  ["actors", "/actors"],
  ["verify", "/verify"],
  ["quarantine", `/quarantine?limit=${limits.QUARANTINE_LISTED_DEFAULT}`],
  ["audit", `/audit?limit=${limits.AUDIT_LISTED_DEFAULT}`],
] as const;

export function addSupportBundleCommand(program: Command, { terminal }: CommandContext): void {
  withFleet(program.command("support-bundle"))
    .description(
      "write one file with status, configuration without secrets, metrics, versions and logs if " +
        "given; names of profiles are hashed",
    )
    .option("--out <file>", "JSON, compressed when it ends in .gz", "atoll-support.json.gz")
    .option("--log <file>", "a region's log, its last lines; repeat it", files)
    .action(async ({ out, log = [], ...fleet }: BundleOptions) => {
      const anonymous = new Anonymizer(systemRandom);
      const members = fleetOf(fleet);
      const reports = await askStatuses(members);
      const bundle = {
        format: "atoll-support/1",
        at: new Date(systemClock.nowMs()).toISOString(),
        command: { version: VERSION, node: process.version, platform: process.platform },
        health: judgeCluster(reports),
        regions: await Promise.all(members.map((member) => bundleOf(member, anonymous))),
        logs: log.map((file) => ({
          file,
          lines: lastLines(file).map((line) => anonymous.line(line)),
        })),
      };
      const text = JSON.stringify(bundle, null, 2);
      writeFileSync(out, out.endsWith(".gz") ? gzipSync(text) : text, { mode: 0o600 });
      const answering = reports.filter(({ status }) => status !== undefined).length;
      terminal.print(
        `${out}: ${answering} of ${countText(members.length, "region")}, ${countText(log.length, "log")}. ` +
          "Names of profiles are hashed; look through it before you send it.",
      );
    });
}

async function bundleOf(
  { name, admin: endpoint, credential }: Member,
  anonymous: Anonymizer,
): Promise<object> {
  const admin = new AdminClient(endpoint, credential);
  try {
    const parts = await Promise.all(
      PARTS.map(async ([part, path]) => {
        try {
          return [part, anonymous.value((await admin.ask("GET", path)).body)] as const;
        } catch (error) {
          if (!isAtollError(error)) throw error;
          return [part, { failed: error.message }] as const;
        }
      }),
    );
    const metrics = await metricsOf(endpoint, credential);
    return { name, endpoint, ...Object.fromEntries(parts), metrics };
  } finally {
    admin.close();
  }
}

/** The exposition's lines without its comments; null when it is not to be had. */
async function metricsOf(
  endpoint: string,
  credential: string | undefined,
): Promise<readonly string[] | null> {
  const client = new HttpClient({
    connections: 1,
    ...(credential !== undefined && { credential }),
  });
  try {
    const answer = await client.send({ method: "GET", url: `${endpoint}/metrics` });
    if (answer.status !== 200) return null;
    return answer.body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  } catch {
    return null;
  } finally {
    client.close();
  }
}

function lastLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-limits.COMMAND_BUNDLE_LINES_MAX);
  } catch (error) {
    const text = `${file} cannot be read: ${errorText(error)}`;
    throw new AtollError("malformed-request", text, {}, error);
  }
}

function files(text: string, earlier: readonly string[] = []): string[] {
  return [...earlier, text];
}
