/** The real edits of `data/`, in the order in which people made them; and again, on other profiles. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { ProfileId } from "@atoll/core";
import { assert, parseProfileId } from "@atoll/core";
import type { JsonObject, ProfileEdit } from "@atoll/profile";

export interface RecordedEdit {
  readonly editor: number;
  readonly id: ProfileId;
  readonly edit: ProfileEdit;
}

interface Line {
  readonly editor: number;
  readonly id: string;
  readonly op: "put" | "patch" | "delete";
  readonly value?: JsonObject;
}

const FILE = join(import.meta.dirname, "data", "edits.jsonl.gz");

/** Endless, unless told otherwise: when the history is over it happens again to other profiles and by other editors. */
export function* realEdits(rounds = Infinity): Generator<RecordedEdit> {
  const lines = gunzipSync(readFileSync(FILE)).toString("utf8").trim().split("\n");
  for (let round = 1; round <= rounds; round++) {
    for (const text of lines) {
      const { editor, id: name, op, value = {} } = JSON.parse(text) as Line;
      const id = parseProfileId(round === 1 ? name : `${name}.${round}`);
      assert(id !== undefined, `${name} is a profile id`);
      yield { editor: editor + round * 1e6, id, edit: editOf(op, value) };
    }
  }
}

function editOf(op: Line["op"], value: JsonObject): ProfileEdit {
  switch (op) {
    case "put":
      return { kind: "put", value };
    case "patch":
      return { kind: "merge-patch", patch: value };
    case "delete":
      return { kind: "delete" };
  }
}
