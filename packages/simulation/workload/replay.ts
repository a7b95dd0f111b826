/**
 * Operations taken from the real edits of `packages/bench/data`: what people did to real profiles, in their
 * order, in the region where each editor is at home.
 *
 * Edits of one session of a person come as one burst; the history's years pass in the run's minutes.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Random } from "@atoll/core";
import type { JsonObject, ProfileEdit } from "@atoll/profile";
import type { WorkloadShape } from "./draw.ts";
import type { Operation } from "./operation.ts";

interface Line {
  readonly editor: number;
  readonly id: string;
  readonly op: "put" | "patch" | "delete";
  readonly value?: JsonObject;
}

const FILE = join(import.meta.dirname, "..", "..", "bench", "data", "edits.jsonl.gz");
let lines: readonly string[] | undefined;

/** A stretch of the history, from a place that is drawn. Profiles are used freely: `f` and their name. */
export function replayOperations(random: Random, shape: WorkloadShape): Operation[] {
  lines ??= gunzipSync(readFileSync(FILE)).toString("utf8").trim().split("\n");
  const from = random.below(Math.max(1, lines.length - shape.operations));
  const stretch = lines.slice(from, from + shape.operations);
  const stepMs = shape.untilMs / stretch.length;
  return stretch.map((text, n): Operation => {
    const { editor, id, op, value = {} } = JSON.parse(text) as Line;
    const session = editor % shape.sessions;
    return {
      kind: "operation",
      atMs: Math.round(n * stepMs + random.below(5)),
      session,
      region: editor % shape.regions,
      id: `f-${id}`,
      action: { kind: "edit", edit: editOf(op, value) },
      usesToken: random.below(2) > 0,
      waitMs: 250,
      handling: "strict",
    };
  });
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
