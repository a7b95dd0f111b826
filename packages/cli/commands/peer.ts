/** `atoll peer`: the links of one region, cut and healed; and how far each is behind. */
import type { Command } from "commander";
import { AtollError } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import { endpointUrl } from "../command-context.ts";
import { confirmed, withConsent } from "../consent.ts";
import type { ConsentOptions } from "../consent.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { askStatuses, fleetOf, memberNamed, withFleet } from "../fleet.ts";
import { HttpClient, problemText } from "../http-client.ts";
import type { OutputOption } from "../output.ts";
import { ageOr, outputOption, printData, tableText } from "../output.ts";
import { setPeerState } from "../peer-state.ts";

interface StateOptions extends ConsentOptions {
  readonly endpoint?: string;
  readonly at?: string;
  readonly context?: string;
}

const VERBS = [
  { verb: "pause", state: "paused", done: "is paused, both directions", does: "cut" },
  { verb: "resume", state: "active", done: "is active again", does: "heal" },
] as const;

export function addPeerCommand(program: Command, context: CommandContext): void {
  const peer = program.command("peer").description("links between regions");
  addList(peer, context);
  addLag(peer, context);
  for (const each of VERBS) addState(peer, each, context);
}

function addList(peer: Command, context: CommandContext): void {
  const { terminal } = context;
  withFleet(peer.command("ls"))
    .description("every region's links as it sees them")
    .addOption(outputOption())
    .action(async ({ output, ...fleet }: FleetOptions & OutputOption) => {
      const rows = await peersOf(fleet, context);
      if (output !== "table") printData(terminal, output, rows);
      else {
        terminal.print(
          tableText(
            ["region", "peer", "state", "since", "round trip", "root", "last failure"],
            rows.map((row) => [
              row.region,
              row.peer,
              row.state,
              row.since,
              ageOr(row.rttMs, ""),
              row.root,
              row.lastFailure,
            ]),
          ),
        );
      }
    });
}

function addLag(peer: Command, context: CommandContext): void {
  const { terminal } = context;
  withFleet(peer.command("lag"))
    .description("how old what each region holds of each other one is, and how much waits")
    .addOption(outputOption())
    .action(async ({ output, ...fleet }: FleetOptions & OutputOption) => {
      const rows = await peersOf(fleet, context);
      if (output !== "table") printData(terminal, output, rows);
      else {
        terminal.print(
          tableText(
            ["region", "of", "lag", "behind", "ahead"],
            rows.map((row) => [
              row.region,
              row.peer,
              ageOr(row.lagMs, "unknown"),
              row.behind ?? "?",
              row.ahead ?? "?",
            ]),
          ),
        );
      }
    });
}

/** Of the regions that answer; the others are named. */
async function peersOf(fleet: FleetOptions, { terminal, end }: CommandContext) {
  const reports = await askStatuses(fleetOf(fleet));
  return reports.flatMap(({ endpoint, name, status }) => {
    if (status === undefined) {
      terminal.tell(`atoll: ${name ?? endpoint} does not answer`);
      end(EXIT.unhealthy);
      return [];
    }
    return status.peers.map(({ region: peer, ...said }) => ({
      ...{ region: status.region, peer },
      ...said,
    }));
  });
}

function addState(
  peer: Command,
  { verb, state, done, does }: (typeof VERBS)[number],
  { terminal }: CommandContext,
): void {
  const command = peer
    .command(`${verb} <region...>`)
    .description(`${does} the links to these regions, in both directions`)
    .option("--endpoint <url>", "admin URL of the region at this end", endpointUrl)
    .option("--at <region>", "the region at this end, by name")
    .option("--context <name>", "regions of a context (atoll context ls)");
  withConsent(command).action(async (regions: readonly string[], options: StateOptions) => {
    const { admin, name, credential } = await endOf(options);
    const plan = `${verb} the ${regions.length === 1 ? "link" : "links"} of ${name} to ${regions.join(", ")}`;
    if (!(await confirmed(plan, { ...options, isHarmless: true }, terminal))) return;
    const client = new HttpClient({
      connections: 1,
      ...(credential !== undefined && { credential }),
    });
    try {
      for (const region of regions) {
        const answer = await setPeerState(client, { admin, region, state });
        if (answer.status !== 200) {
          const code =
            answer.status === 401
              ? "unauthenticated"
              : answer.status === 403
                ? "forbidden"
                : undefined;
          const what = `${region} at ${admin}: ${problemText(answer)}`;
          throw new AtollError(code ?? "malformed-request", what);
        }
        terminal.tell(`The link to ${region} ${done}.`);
      }
    } finally {
      client.close();
    }
  });
}

async function endOf({ endpoint, at, context }: StateOptions): Promise<{
  readonly admin: string;
  readonly name: string;
  readonly credential: string | undefined;
}> {
  if (at !== undefined)
    return memberNamed(fleetOf({ ...(context !== undefined && { context }) }), at);
  if (endpoint !== undefined) return { admin: endpoint, name: endpoint, credential: undefined };
  throw new AtollError("malformed-request", "which end of the link is meant?", {
    mend: "Name a region with --at, or its admin URL with --endpoint.",
    faults: [{ pointer: "/at", detail: "missing", code: "missing" }],
  });
}
