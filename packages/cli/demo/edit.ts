/** One line of the edit history: what somebody did to one profile, as it happened. */
import type { ProfileId } from "@atoll/core";
import { AtollError, parseProfileId } from "@atoll/core";
import { parseJson } from "../http-client.ts";
import { openJsonLines } from "../json-lines.ts";

export interface Edit {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** A hash of who made it. */
  readonly editor: number;
  readonly id: ProfileId;
  readonly op: "put" | "patch" | "delete";
  /** The profile, or a merge-patch (RFC 7396); JSON. Undefined for a deletion. */
  readonly body: string | undefined;
}

/** The history in the order in which it was made. */
export async function readEdits(file: string): Promise<Edit[]> {
  const edits: Edit[] = [];
  for await (const { number, text } of openJsonLines(file).lines) {
    const edit = parseEdit(parseJson(text));
    if (edit === undefined) {
      throw new AtollError("malformed-request", `${file}: line ${number} is not an edit`);
    }
    edits.push(edit);
  }
  return edits;
}

export function parseEdit(value: unknown): Edit | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const { at, editor, op } = fields;
  const id = typeof fields["id"] === "string" ? parseProfileId(fields["id"]) : undefined;
  if (typeof at !== "number" || typeof editor !== "number" || id === undefined) return undefined;
  if (op !== "put" && op !== "patch" && op !== "delete") return undefined;
  const body = op === "delete" ? undefined : JSON.stringify(fields["value"] ?? {});
  return { atMs: at, editor, id, op, body };
}
