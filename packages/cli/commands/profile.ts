/** `atoll profile …`: reading and writing one profile, loading and exporting many. */
import type { Command } from "commander";
import { delay, limits, systemClock, systemRandom } from "@atoll/core";
import { LOCAL_BASE_PORT_DEFAULT } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { endpointUrl, wholeNumber } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";
import { HttpClient } from "../http-client.ts";
import type { ImportSummary } from "../import-profiles.ts";
import { importProfiles } from "../import-profiles.ts";
import { openJsonLines } from "../json-lines.ts";
import { startProgress } from "../progress.ts";
import type { SessionOptions } from "../profile-client.ts";
import { profilePath, withProfiles, withSession } from "../profile-client.ts";
import { addProfileExport } from "./profile-export.ts";
import { addProfilePast } from "./profile-past.ts";
import { addProfileWrites } from "./profile-write.ts";

const LOCAL_ENDPOINT = `http://127.0.0.1:${LOCAL_BASE_PORT_DEFAULT + 1}`;

interface EndpointOption {
  readonly endpoint: string;
}

export function addProfileCommand(program: Command, context: CommandContext): void {
  const profile = program.command("profile").description("read, write, load and export profiles");
  withSession(profile.command("get <id>"), LOCAL_ENDPOINT)
    .description("print one profile as JSON")
    .action(async (id: string, options: SessionOptions) => {
      await get(id, options, context);
    });
  addProfileWrites(profile, LOCAL_ENDPOINT, context);
  addProfilePast(profile, LOCAL_ENDPOINT, context);
  profile
    .command("import <file>")
    .description('load JSON lines {"id": …, "profile": {…}}, plain or .gz, with one PUT each')
    .option("--endpoint <url>", "REST URL of a region", endpointUrl, LOCAL_ENDPOINT)
    .option(
      "--concurrency <n>",
      "writes under way at a time",
      wholeNumber({ min: 1, max: limits.IMPORT_CONCURRENCY_MAX }),
      limits.IMPORT_CONCURRENCY_DEFAULT,
    )
    .action(async (file: string, options: EndpointOption & { readonly concurrency: number }) => {
      await importFile({ file, ...options }, context);
    });
  addProfileExport(profile, LOCAL_ENDPOINT, context);
}

async function get(
  id: string,
  options: SessionOptions,
  { terminal }: CommandContext,
): Promise<void> {
  await withProfiles(options, terminal, async (client) => {
    const answer = await client.ask(id, { method: "GET", path: profilePath(id) });
    terminal.print(answer.body);
    if (answer.headers["conflicts"] === "?1") {
      terminal.tell("Concurrent writes left conflicts in it; this shows the winners.");
    }
  });
}

async function importFile(
  { file, endpoint, concurrency }: { file: string; endpoint: string; concurrency: number },
  { terminal, end }: CommandContext,
): Promise<void> {
  const { lines, count } = openJsonLines(file);
  const total = await count();
  const client = new HttpClient({ connections: concurrency });
  const progress = startProgress({ terminal, clock: systemClock }, { label: "import", total });
  let summary: ImportSummary;
  try {
    summary = await importProfiles(
      { lines, endpoint, concurrency },
      {
        client,
        clock: systemClock,
        random: systemRandom,
        wait: delay,
        onProgress: (soFar) => progress.update(soFar.done, countsText(soFar)),
      },
    );
  } finally {
    progress.stop();
    client.close();
  }
  for (const fault of summary.faults) terminal.tell(`atoll: ${file}: ${fault}`);
  const untold = summary.failed - summary.faults.length;
  if (untold > 0) terminal.tell(`atoll: ${file}: and ${untold} more`);
  terminal.print(summaryText(summary));
  if (summary.failed > 0) end(EXIT.failure);
}

function countsText({ created, updated, failed }: ImportSummary): string {
  return `${created} created, ${updated} updated, ${failed} failed`;
}

export function summaryText(summary: ImportSummary): string {
  const { created, updated, failed, seconds, retries } = summary;
  const perSecond = Math.round((created + updated + failed) / Math.max(seconds, 0.001));
  const again = retries > 0 ? `, ${retries} sent again` : "";
  return `${countsText(summary)}${again}, ${seconds.toFixed(1)} s, ${perSecond}/s`;
}
