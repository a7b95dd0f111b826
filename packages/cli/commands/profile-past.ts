/** `atoll profile history|conflicts`: what happened to one profile, for "a user says that data is lost". */
import type { Command } from "commander";
import { AtollError } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import { endpointUrl } from "../command-context.ts";
import { HttpClient, parseJson, problemText } from "../http-client.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData, tableText } from "../output.ts";

interface PastOptions extends OutputOption {
  readonly endpoint: string;
}

interface Change {
  readonly hash: string;
  readonly region: string | null;
  readonly time: string;
  readonly opCount: number;
}

interface Conflict {
  readonly pointer: string;
  readonly values: readonly {
    readonly value: unknown;
    readonly writer: { readonly region: string | null; readonly time: string } | null;
  }[];
}

const HASH_CHARS_SHOWN = 12;

export function addProfilePast(
  profile: Command,
  endpoint: string,
  { terminal }: CommandContext,
): void {
  profile
    .command("history <id>")
    .description("its changes, newest first: who wrote, where and when")
    .option("--endpoint <url>", "REST URL of a region", endpointUrl, endpoint)
    .addOption(outputOption())
    .action(async (id: string, { endpoint: url, output }: PastOptions) => {
      const items = await itemsOf<Change>(url, id, "history");
      if (output !== "table") return printData(terminal, output, items);
      const rows = items.map(({ hash, region, time, opCount }) => {
        return [time, region, hash.slice(0, HASH_CHARS_SHOWN), opCount];
      });
      terminal.print(tableText(["time", "region", "change", "operations"], rows));
    });
  profile
    .command("conflicts <id>")
    .description("where concurrent writes left more than the winner; the losers are kept")
    .option("--endpoint <url>", "REST URL of a region", endpointUrl, endpoint)
    .addOption(outputOption())
    .action(async (id: string, { endpoint: url, output }: PastOptions) => {
      const items = await itemsOf<Conflict>(url, id, "conflicts");
      if (output !== "table") return printData(terminal, output, items);
      for (const { pointer, values } of items) {
        for (const [i, { value, writer }] of values.entries()) {
          const who = writer === null ? "nobody in particular" : `${writer.region}, ${writer.time}`;
          const place = i === 0 ? "wins" : "is kept";
          terminal.print(`${pointer}: ${JSON.stringify(value)} (${who}) ${place}`);
        }
      }
      if (items.length === 0) terminal.tell("No conflicts.");
    });
}

async function itemsOf<T>(endpoint: string, id: string, what: string): Promise<readonly T[]> {
  const client = new HttpClient({ connections: 1 });
  try {
    const url = `${endpoint}/v1/profiles/${encodeURIComponent(id)}/${what}`;
    const answer = await client.send({ method: "GET", url });
    if (answer.status !== 200) throw new AtollError("not-found", `${id}: ${problemText(answer)}`);
    const { items } = (parseJson(answer.body) ?? {}) as { readonly items?: readonly T[] };
    return items ?? [];
  } finally {
    client.close();
  }
}
