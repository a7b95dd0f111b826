/** `atoll quarantine`: what a region set aside, and what is to become of it. */
import Table from "cli-table3";
import type { Command } from "commander";
import { AtollError, limits } from "@atoll/core";
import { LOCAL_BASE_PORT_DEFAULT, parseQuarantineListing, parseRetryAnswer } from "@atoll/server";
import { withAdmin } from "../admin-client.ts";
import type { CommandContext } from "../command-context.ts";
import { endpointUrl, wholeNumber } from "../command-context.ts";
import type { ConsentOptions } from "../consent.ts";
import { confirmed, withConsent } from "../consent.ts";
import { EXIT } from "../exit-code.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData, printEvent } from "../output.ts";

const LOCAL_ADMIN = `http://127.0.0.1:${LOCAL_BASE_PORT_DEFAULT + 2}`;
const ID_MAX = Number.MAX_SAFE_INTEGER;

interface Options extends ConsentOptions, OutputOption {
  readonly endpoint: string;
}

export function addQuarantineCommand(program: Command, context: CommandContext): void {
  const quarantine = program
    .command("quarantine")
    .description("what one region set aside because it could not be applied");
  withOptions(quarantine.command("ls").description("list it, newest first"))
    .option(
      "--limit <n>",
      "records to show",
      wholeNumber({ min: 1, max: limits.QUARANTINE_LISTED_MAX }),
      limits.QUARANTINE_LISTED_DEFAULT,
    )
    .action(async (options: Options & { readonly limit: number }) => {
      await list(options, context);
    });
  withOptions(
    quarantine
      .command("show <id>")
      .description("one record with its bytes: JSON unless told otherwise"),
  ).action(async (id: string, { endpoint, output }: Options) => {
    const path = `/quarantine/${idOf(id)}`;
    const { body } = await withAdmin(endpoint, (admin) => admin.ask("GET", path));
    printData(context.terminal, output === "table" ? "json" : output, body);
  });
  withConsent(
    withOptions(
      quarantine
        .command("retry <id...>")
        .description("judge them again; exit code 3 when one is still bad"),
    ),
  ).action(async (ids: readonly string[], options: Options) => {
    const plan = `judge ${recordsText(ids)} again at ${options.endpoint}`;
    if (!(await confirmed(plan, { ...options, isHarmless: true }, context.terminal))) return;
    await retry(ids, options, context);
  });
  withConsent(
    withOptions(
      quarantine
        .command("drop <id...>")
        .description("give them up: regions that hold such a change bring it back; asks first"),
    ),
  ).action(async (ids: readonly string[], options: Options) => {
    const { endpoint } = options;
    const plan = `give up ${recordsText(ids)} at ${endpoint}, with the bytes that were kept`;
    if (!(await confirmed(plan, options, context.terminal))) return;
    await withAdmin(endpoint, async (admin) => {
      for (const id of ids) {
        await admin.ask("DELETE", `/quarantine/${idOf(id)}`, [204]);
        context.terminal.tell(`Record ${id} is dropped.`);
      }
    });
  });
}

function withOptions(command: Command): Command {
  return command
    .option("--endpoint <url>", "admin URL of a region", endpointUrl, LOCAL_ADMIN)
    .addOption(outputOption());
}

async function list(
  { endpoint, output, limit }: Options & { readonly limit: number },
  { terminal }: CommandContext,
): Promise<void> {
  const path = `/quarantine?limit=${limit}`;
  const { body } = await withAdmin(endpoint, (admin) => admin.ask("GET", path));
  const { total, entries } = known(parseQuarantineListing(body));
  if (output !== "table") return printData(terminal, output, { total, entries }, entries);
  if (total === 0) {
    terminal.tell("Nothing is quarantined.");
    return;
  }
  const table = new Table({
    head: ["id", "at", "profile", "written in", "shard", "seq", "bytes", "reason"],
    style: { head: [], border: [] },
  });
  for (const { id, at, profileId, docId, region, shard, seq, size, reason } of entries) {
    table.push([id, at, profileId ?? docId, region ?? "", shard ?? "", seq ?? "", size, reason]);
  }
  terminal.print(table.toString());
  if (entries.length < total) terminal.tell(`The newest ${entries.length} of ${total}.`);
}

async function retry(
  ids: readonly string[],
  { endpoint, output }: Options,
  { terminal, end }: CommandContext,
): Promise<void> {
  await withAdmin(endpoint, async (admin) => {
    for (const id of ids) {
      const { body } = await admin.ask("POST", `/quarantine/${idOf(id)}/retry`);
      const { outcome, reason } = known(parseRetryAnswer(body));
      if (outcome === "quarantined") end(EXIT.unhealthy);
      if (output !== "table") printEvent(terminal, output, body);
      else terminal.tell(`Record ${id}: ${outcome}${reason === null ? "" : `, ${reason}`}.`);
    }
  });
}

function recordsText(ids: readonly string[]): string {
  return `${ids.length === 1 ? "record" : "records"} ${ids.map(idOf).join(", ")}`;
}

function idOf(text: string): number {
  return wholeNumber({ min: 1, max: ID_MAX })(text);
}

function known<T>(answer: T | undefined): T {
  if (answer !== undefined) return answer;
  throw new AtollError("malformed-request", "the region answers what this command does not know");
}
