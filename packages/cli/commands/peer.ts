/** `atoll peer pause|resume`: cut or heal the link between one region and another, both directions. */
import type { Command } from "commander";
import { AtollError } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import { endpointUrl } from "../command-context.ts";
import { HttpClient, problemText } from "../http-client.ts";
import { setPeerState } from "../peer-state.ts";

interface PeerOptions {
  readonly endpoint: string;
}

export function addPeerCommand(program: Command, { terminal }: CommandContext): void {
  const peer = program.command("peer").description("cut and heal links between regions");
  const verbs = [
    { verb: "pause", state: "paused", done: "is paused, both directions", does: "cut" },
    { verb: "resume", state: "active", done: "is active again", does: "heal" },
  ] as const;
  for (const { verb, state, done, does } of verbs) {
    peer
      .command(`${verb} <region...>`)
      .description(`${does} the links to these regions`)
      .requiredOption("--endpoint <url>", "admin URL of the region at this end", endpointUrl)
      .action(async (regions: readonly string[], { endpoint }: PeerOptions) => {
        const client = new HttpClient({ connections: 1 });
        try {
          for (const region of regions) {
            const answer = await setPeerState(client, { admin: endpoint, region, state });
            if (answer.status !== 200) {
              const what = `${region} at ${endpoint}: ${problemText(answer)}`;
              throw new AtollError("malformed-request", what);
            }
            terminal.tell(`The link to ${region} ${done}.`);
          }
        } finally {
          client.close();
        }
      });
  }
}
