/**
 * The regions that a command speaks to: those named by --endpoint, or of a context, or of `atoll local`.
 *
 * A command asks every region itself. What one region says of another is hearsay, and in an outage it is the
 * difference between the two that counts.
 */
import type { Command } from "commander";
import { Option } from "commander";
import { AtollError } from "@atoll/core";
import type { KeysReport, OperatorContexts } from "@atoll/server";
import {
  LOCAL_BASE_PORT_DEFAULT,
  commandCredential,
  contextCredential,
  contextsPath,
  fetchRegionStatus,
  planLocalCluster,
  readContexts,
} from "@atoll/server";
import { withAdmin } from "./admin-client.ts";
import type { RegionReport } from "./cluster-health.ts";
import { endpointUrls } from "./command-context.ts";
import { TruthClient } from "./truth-client.ts";

export interface Member {
  /** Known before it answers when a context or `atoll local` names it. */
  readonly name: string | undefined;
  readonly admin: string;
  readonly rest: string | undefined;
  readonly credential: string | undefined;
}

export interface FleetOptions {
  readonly endpoint?: readonly string[];
  readonly context?: string;
}

const STATUS_MS_MAX = 5_000;

export function withFleet(command: Command): Command {
  return command
    .option(
      "--endpoint <url>",
      "admin URL of a region; repeat it, or list several with commas",
      endpointUrls,
    )
    .addOption(
      new Option("--context <name>", "regions of a context (atoll context ls)").conflicts(
        "endpoint",
      ),
    );
}

/** Throws `AtollError` for a context that is not there. */
export function fleetOf({ endpoint, context }: FleetOptions): Member[] {
  const credential = commandCredential();
  if (endpoint !== undefined) {
    return endpoint.map((admin) => ({ name: undefined, admin, rest: undefined, credential }));
  }
  const path = contextsPath();
  const contexts = readContexts(path);
  const name = context ?? contexts.current;
  if (name !== undefined) return membersOf(path, contexts, name, credential);
  const plan = planLocalCluster({ dataDir: ".", basePort: LOCAL_BASE_PORT_DEFAULT });
  return plan.regions.map(({ name: region, admin, rest }) => ({
    name: region,
    admin,
    rest,
    credential,
  }));
}

/** Asks all of them at once. Rejects when one of them does not let us in: that is no outage. */
export function askStatuses(members: readonly Member[]): Promise<RegionReport[]> {
  return Promise.all(
    members.map(async ({ admin, name, credential }) => ({
      endpoint: admin,
      name,
      status: await fetchRegionStatus(admin, STATUS_MS_MAX, credential),
    })),
  );
}

/** With the name that each region calls itself; those that do not answer are left out. */
export async function namedMembers(
  members: readonly Member[],
): Promise<(Member & { readonly name: string })[]> {
  const reports = await askStatuses(members);
  return members.flatMap((member, i) => {
    const name = reports[i]?.status?.region;
    return name === undefined ? [] : [{ ...member, name }];
  });
}

/** The member that is, or calls itself, this region. */
export async function memberNamed(
  members: readonly Member[],
  region: string,
): Promise<Member & { readonly name: string }> {
  const known = members.find(({ name }) => name === region);
  if (known !== undefined) return { ...known, name: region };
  const answering = (await namedMembers(members)).find(({ name }) => name === region);
  if (answering !== undefined) return answering;
  throw new AtollError("not-found", `no region that was asked is called ${region}`, {
    mend: "Name its admin URL with --endpoint, or add it to the context.",
  });
}

/** Of the first region that answers: they follow from the cluster's secret and are the same everywhere. */
export async function clusterKeys(members: readonly Member[]): Promise<KeysReport> {
  const [first] = await namedMembers(members);
  if (first === undefined) {
    throw new AtollError("malformed-request", "no region answers to ask for the cluster's keys", {
      mend: "name one with --endpoint, or keys that were kept with --keys",
    });
  }
  return withAdmin(first.admin, (admin) => new TruthClient(admin).keys(), first.credential);
}

function membersOf(
  path: string,
  { contexts }: OperatorContexts,
  name: string,
  credential: string | undefined,
): Member[] {
  const found = contexts[name];
  if (found === undefined) {
    const known = Object.keys(contexts).join(", ");
    throw new AtollError("malformed-request", `${path} has no context ${name}`, {
      mend: known === "" ? "Make one with atoll context set." : `It has ${known}.`,
    });
  }
  const token = credential ?? contextCredential(path, found);
  return Object.entries(found.regions).map(([region, { admin, rest }]) => ({
    name: region,
    admin,
    rest,
    credential: token,
  }));
}
