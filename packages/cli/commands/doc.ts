/** `atoll doc compare ID`: one profile in every region, heads, changes and fields side by side. */
import type { Command } from "commander";
import { AtollError, docIdOf, isAtollError, parseKeptProfileId, toHex } from "@atoll/core";
import type { DocumentContentReport, DocumentFactsReport } from "@atoll/server";
import type { CommandContext } from "../command-context.ts";
import { DocumentClient } from "../document-client.ts";
import { EXIT } from "../exit-code.ts";
import type { FleetOptions } from "../fleet.ts";
import { fleetOf, namedMembers, withFleet } from "../fleet.ts";
import { jsonDifferences } from "../json-differences.ts";
import type { OutputOption } from "../output.ts";
import { countText, outputOption, printData, tableText } from "../output.ts";
import { pairsOf, withRegions } from "../pair.ts";
import type { Terminal } from "../terminal.ts";

interface Copy {
  readonly region: string;
  readonly facts: DocumentFactsReport | undefined;
  /** Undefined where it is not there, or not ours to see. */
  readonly content: DocumentContentReport | undefined;
}

const HASH_CHARS_SHOWN = 12;

export function addDocCommand(program: Command, { terminal, end }: CommandContext): void {
  const doc = program.command("doc").description("one document as the regions hold it");
  withFleet(doc.command("compare <id>"))
    .description(
      "heads, changes and fields in each region; ID is a profile's, TENANT/ID, or a document's " +
        "(32 hexadecimal digits); exit code 3 when they differ",
    )
    .addOption(outputOption())
    .action(async (id: string, { output, ...fleet }: FleetOptions & OutputOption) => {
      const docId = docIdIn(id);
      const named = await namedMembers(fleetOf(fleet));
      const copies = await withRegions(named, (regions) =>
        Promise.all(
          regions.map(async ({ name, admin }): Promise<Copy> => {
            const documents = new DocumentClient(admin);
            const facts = await documents.facts(docId);
            const content = facts && (await contentIfOurs(documents, docId));
            return { region: name, facts, content };
          }),
        ),
      );
      const isEqual = new Set(copies.map(({ facts }) => facts?.heads.join())).size <= 1;
      if (output !== "table") printData(terminal, output, { docId, equal: isEqual, copies });
      else tell(id, copies, isEqual, terminal);
      if (copies.length === 0 || copies.every(({ facts }) => facts === undefined))
        end(EXIT.failure);
      else if (!isEqual) end(EXIT.unhealthy);
    });
}

/** An operator without the role auditor still sees heads and counts. */
async function contentIfOurs(
  documents: DocumentClient,
  docId: string,
): Promise<DocumentContentReport | undefined> {
  try {
    return await documents.content(docId);
  } catch (error) {
    const isHidden = isAtollError(error) && error.code === "forbidden";
    const isBroken = isAtollError(error) && error.code === "document-quarantined";
    if (isHidden || isBroken) return undefined;
    throw error;
  }
}

function docIdIn(text: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  const id = parseKeptProfileId(text);
  if (id !== undefined) return toHex(docIdOf(id));
  throw new AtollError("malformed-request", `${text} is no profile's id and no document's`);
}

function tell(id: string, copies: readonly Copy[], isEqual: boolean, terminal: Terminal): void {
  terminal.print(
    tableText(
      ["region", "changes", "updated", "state", "heads"],
      copies.map(({ region, facts }) => [
        region,
        facts?.changes,
        facts?.updatedAt,
        stateText(facts),
        facts?.heads.map((head) => head.slice(0, HASH_CHARS_SHOWN)).join("\n"),
      ]),
    ),
  );
  for (const [a, b] of pairsOf(copies)) {
    if (a.content === undefined || b.content === undefined) continue;
    for (const line of [...lackingLines(a, b), ...lackingLines(b, a), ...fieldLines(a, b)]) {
      terminal.print(line);
    }
  }
  const known = copies.filter(({ facts }) => facts !== undefined).length;
  if (known === 0) terminal.print(`${id}: no region that was asked has ever seen it`);
  else if (isEqual) terminal.print(`${id}: equal in ${countText(copies.length, "region")}`);
  else
    terminal.print(`${id}: DIFFERS; every change is kept where it was written until all have it`);
}

function stateText(facts: DocumentFactsReport | undefined): string {
  if (facts === undefined) return "not here";
  if (facts.quarantined) return "quarantined";
  return facts.deleted ? "deleted" : "here";
}

/** What the first has and the second lacks. */
function lackingLines({ region, content }: Copy, other: Copy): string[] {
  const theirs = new Set(other.content?.changes.map(({ hash }) => hash));
  return (content?.changes ?? [])
    .filter(({ hash }) => !theirs.has(hash))
    .map(({ hash, region: writer, time }) => {
      const short = hash.slice(0, HASH_CHARS_SHOWN);
      return `change ${short} (${writer ?? "unknown"}, ${time}): in ${region}, not in ${other.region}`;
    });
}

function fieldLines(a: Copy, b: Copy): string[] {
  const seen = ({ content }: Copy): unknown =>
    content === undefined || content.deleted ? {} : content.profile;
  return jsonDifferences(seen(a), seen(b)).map(({ pointer, values }) => {
    const [ours, theirs] = values.map((value) => JSON.stringify(value) ?? "nothing");
    return `field ${pointer || "/"}: ${ours} in ${a.region}, ${theirs} in ${b.region}`;
  });
}
