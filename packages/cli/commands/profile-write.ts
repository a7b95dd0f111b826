/**
 * `atoll profile put|patch|rm`: one profile, changed by hand.
 *
 * What is written can be taken back (`history` shows it, a revert undoes it), so it is done at once; a
 * removal is asked about first.
 */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { Option } from "commander";
import { AtollError, errorText } from "@atoll/core";
import type { CommandContext } from "../command-context.ts";
import type { ConsentOptions } from "../consent.ts";
import { confirmed, withConsent } from "../consent.ts";
import type { HttpAnswer } from "../http-client.ts";
import { parseJson } from "../http-client.ts";
import { countText } from "../output.ts";
import type { SessionOptions } from "../profile-client.ts";
import { profilePath, withProfiles, withSession } from "../profile-client.ts";
import type { Terminal } from "../terminal.ts";

type WriteOptions = SessionOptions & ConsentOptions;

const PATCH_TYPES = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  ops: "application/vnd.atoll.ops+json",
} as const;

/** More than a person reads before saying yes. */
const IDS_NAMED_MAX = 10;

type PatchForm = keyof typeof PATCH_TYPES;

export function addProfileWrites(
  profile: Command,
  endpoint: string,
  { terminal }: CommandContext,
): void {
  const writing = (command: Command): Command => withConsent(withSession(command, endpoint));
  writing(profile.command("put <id> <file>"))
    .description("make a profile what a file of JSON says; - reads standard input")
    .action(async (id: string, file: string, options: WriteOptions) => {
      const body = readJson(file);
      const plan = `make ${id} at ${options.endpoint} what ${nameOf(file)} says`;
      await write(
        { id, plan, options, terminal },
        { method: "PUT", body, type: "application/json" },
      );
    });
  writing(profile.command("patch <id> <file>"))
    .description("change a profile by a patch in a file; - reads standard input")
    .addOption(
      new Option("--type <form>", "merge patch, JSON Patch or native operations")
        .choices(Object.keys(PATCH_TYPES))
        .default("merge"),
    )
    .option("--upsert", "make the profile when it is not there")
    .action(async (id: string, file: string, options: WriteOptions & PatchOptions) => {
      const body = readJson(file);
      const plan = `change ${id} at ${options.endpoint} by ${nameOf(file)}`;
      const query = options.upsert === true ? "?upsert=true" : "";
      const type = PATCH_TYPES[options.type];
      await write({ id, plan, options, terminal }, { method: "PATCH", body, type, query });
    });
  writing(profile.command("rm <id...>"))
    .description("remove profiles; edits made elsewhere at the same time bring one back")
    .action(async (ids: readonly string[], options: WriteOptions) => {
      const named = ids.length <= IDS_NAMED_MAX ? ids.join(", ") : countText(ids.length, "profile");
      const plan = `remove ${named} at ${options.endpoint}`;
      if (!(await confirmed(plan, options, terminal))) return;
      await withProfiles(options, terminal, async (client) => {
        for (const id of ids) {
          const answer = await client.ask(id, { method: "DELETE", path: profilePath(id) });
          terminal.tell(`${id} was removed${placeOf(answer)}.`);
        }
      });
    });
}

interface PatchOptions {
  readonly type: PatchForm;
  readonly upsert?: true;
}

async function write(
  {
    id,
    plan,
    options,
    terminal,
  }: {
    readonly id: string;
    readonly plan: string;
    readonly options: WriteOptions;
    readonly terminal: Terminal;
  },
  {
    method,
    body,
    type,
    query = "",
  }: {
    readonly method: "PUT" | "PATCH";
    readonly body: string;
    readonly type: string;
    readonly query?: string;
  },
): Promise<void> {
  if (!(await confirmed(plan, { ...options, isHarmless: true }, terminal))) return;
  await withProfiles(options, terminal, async (client) => {
    const answer = await client.ask(id, {
      method,
      path: profilePath(id) + query,
      headers: { "content-type": type, prefer: "return=minimal" },
      body,
    });
    const what = answer.status === 201 ? "was created" : "is written";
    terminal.tell(`${id} ${what}${placeOf(answer)}.`);
  });
}

/** Throws `AtollError` for what is no JSON, before anybody is asked. */
function readJson(file: string): string {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new AtollError("malformed-request", `${file} cannot be read: ${errorText(error)}`);
  }
  if (parseJson(text) === undefined) {
    throw new AtollError("malformed-request", `${nameOf(file)} is not JSON`);
  }
  return text;
}

function nameOf(file: string): string {
  return file === "-" ? "standard input" : file;
}

function placeOf({ headers }: HttpAnswer): string {
  const region = headers["served-by-region"];
  return typeof region === "string" ? ` in ${region}` : "";
}
