/**
 * The difference of two versions as patches of the kinds that Automerge programs know: paths instead of
 * pointers, text by characters, counters by how much.
 *
 *     put     a value at a path                     splice  characters of a text, behind its index
 *     insert  items of a list, at an index          inc     what was added to a counter
 *     del     a member; items; characters
 *
 * They are about the profile as JSON and not about the document that holds it, whose keys are nobody's
 * business. Done one after the other they lead from the first version to the second.
 */
import { assert } from "@atoll/core";
import type { JsonValue } from "./json.ts";
import { isJsonArray, isJsonObject, memberOf } from "./json.ts";
import { diffJson } from "./json-diff.ts";
import type { PatchOperation } from "./json-patch.ts";
import { parsePointer } from "./pointer.ts";
import type { SchemaNode } from "./schema.ts";
import { diffText } from "./text-diff.ts";

type Path = readonly (string | number)[];

export type ValuePatch =
  | { readonly action: "put"; readonly path: Path; readonly value: JsonValue }
  | { readonly action: "insert"; readonly path: Path; readonly values: readonly JsonValue[] }
  | { readonly action: "del"; readonly path: Path; readonly length?: number }
  | { readonly action: "splice"; readonly path: Path; readonly value: string }
  | { readonly action: "inc"; readonly path: Path; readonly value: number };

export function diffPatches(before: JsonValue, after: JsonValue, root: SchemaNode): ValuePatch[] {
  return diffJson(before, after).flatMap((operation) => patchesOf(operation, before, root));
}

function patchesOf(operation: PatchOperation, before: JsonValue, root: SchemaNode): ValuePatch[] {
  const names = parsePointer(operation.path) ?? [];
  const { path, old, isItem } = placeOf(names, before);
  switch (operation.op) {
    case "remove":
      return [{ action: "del", path }];
    case "add":
      return isItem
        ? [{ action: "insert", path, values: [operation.value] }]
        : [{ action: "put", path, value: operation.value }];
    case "replace":
      return replaced(path, old, operation.value, kindAt(names, root));
    default:
      assert(false, "a difference adds, removes and replaces");
  }
}

function replaced(
  path: Path,
  old: JsonValue | undefined,
  value: JsonValue,
  kind: SchemaNode["kind"] | undefined,
): ValuePatch[] {
  if (kind === "counter" && typeof old === "number" && typeof value === "number") {
    return [{ action: "inc", path, value: value - old }];
  }
  if (kind !== "text" || typeof old !== "string" || typeof value !== "string") {
    return [{ action: "put", path, value }];
  }
  // From the last to the first, so that every index is one of the text as it was.
  return diffText(old, value)
    .toReversed()
    .flatMap(({ index, removed, inserted }): ValuePatch[] => [
      ...(removed > 0 ? [{ action: "del" as const, path: [...path, index], length: removed }] : []),
      ...(inserted !== ""
        ? [{ action: "splice" as const, path: [...path, index], value: inserted }]
        : []),
    ]);
}

/** Indexes as numbers; lists are told from objects by the version before, which has them all. */
function placeOf(
  names: readonly string[],
  before: JsonValue,
): { readonly path: Path; readonly old: JsonValue | undefined; readonly isItem: boolean } {
  let at: JsonValue | undefined = before;
  let isItem = false;
  const path = names.map((name) => {
    const holder: JsonValue | undefined = at;
    isItem = holder !== undefined && isJsonArray(holder);
    if (holder !== undefined && isJsonArray(holder)) {
      at = holder[Number(name)];
      return Number(name);
    }
    at = holder !== undefined && isJsonObject(holder) ? memberOf(holder, name) : undefined;
    return name;
  });
  return { path, old: at, isItem };
}

/** As declared; undefined where nothing is. */
function kindAt(names: readonly string[], root: SchemaNode): SchemaNode["kind"] | undefined {
  let node: SchemaNode | undefined = root;
  for (const name of names) node = node?.members.get(name);
  return node?.kind;
}
