/**
 * `atoll profile export`: every profile of a region as JSON lines, as `import` takes them.
 *
 * Pages in the order of ids, in one session: a profile that is there throughout is exported once, whatever
 * is written meanwhile. It is no backup: history and what lost in a conflict stay behind.
 */
import { rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { AtollError, errorText, isAtollError, limits } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import { wholeNumber } from "../command-context.ts";
import { parseJson } from "../http-client.ts";
import { countText } from "../output.ts";
import type { ProfileClient, SessionOptions } from "../profile-client.ts";
import { withProfiles, withSession } from "../profile-client.ts";

interface Page {
  readonly items: readonly { readonly id: string; readonly data: unknown }[];
  readonly nextPageToken?: string;
}

interface ExportOptions extends SessionOptions {
  readonly out?: string;
  readonly pageSize: number;
}

export function addProfileExport(
  profile: Command,
  endpoint: string,
  { terminal }: CommandContext,
): void {
  withSession(profile.command("export"), endpoint)
    .description('print all profiles as JSON lines {"id": …, "profile": {…}}, as import takes them')
    .option("--out <file>", "write them there; a file that exists is left alone")
    .option(
      "--page-size <n>",
      "profiles to a request",
      wholeNumber({ min: 1, max: limits.LIST_PAGE_MAX }),
      limits.LIST_PAGE_DEFAULT,
    )
    .action(async ({ out, pageSize, ...options }: ExportOptions) => {
      let count = 0;
      await withProfiles(options, terminal, async (client) => {
        const lines = linesOf(client, pageSize, () => count++);
        if (out !== undefined) await writeTo(out, lines);
        else for await (const line of lines) terminal.print(line.trimEnd());
      });
      terminal.tell(`${countText(count, "profile")} exported.`);
    });
}

/** Each with its line's end. */
async function* linesOf(
  client: ProfileClient,
  pageSize: number,
  tell: () => void,
): AsyncGenerator<string> {
  let token: string | undefined;
  do {
    const query = new URLSearchParams({ pageSize: String(pageSize) });
    if (token !== undefined) query.set("pageToken", token);
    const answer = await client.ask("export", { method: "GET", path: `?${query.toString()}` });
    const page = parseJson(answer.body) as Page;
    for (const { id, data } of page.items) {
      yield `${JSON.stringify({ id, profile: data })}\n`;
      tell();
    }
    token = page.nextPageToken;
  } while (token !== undefined);
}

/** A page at a time is in memory. What broke off leaves no file that looks like all profiles. */
async function writeTo(file: string, lines: AsyncIterable<string>): Promise<void> {
  const refuse = (error: unknown): never => {
    if (isAtollError(error)) throw error;
    throw new AtollError("malformed-request", `${file} cannot be written: ${errorText(error)}`);
  };
  // Before anything is asked: whatever breaks off later, the file is known to be ours.
  const opened = await open(file, "wx", 0o600).catch(refuse);
  try {
    await pipeline(lines, opened.createWriteStream());
  } catch (error) {
    rmSync(file, { force: true });
    refuse(error);
  }
}
