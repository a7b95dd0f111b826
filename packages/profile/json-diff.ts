/**
 * The difference of two JSON values as a JSON Patch (RFC 6902): what was added, removed and replaced.
 *
 * For people and programs that ask what changed between two versions. Objects are compared member by
 * member, arrays by the fewest items that come or go; applying the patch to the first value gives the
 * second.
 */
import { canonicalJson, sameJson } from "./canonical.ts";
import type { JsonArray, JsonObject, JsonValue } from "./json.ts";
import { isJsonArray, isJsonObject, memberOf } from "./json.ts";
import type { PatchOperation } from "./json-patch.ts";
import { childPointer } from "./pointer.ts";
import { diffSequences } from "./sequence-diff.ts";

export function diffJson(before: JsonValue, after: JsonValue): PatchOperation[] {
  const patch: PatchOperation[] = [];
  diffValue(before, after, "", patch);
  return patch;
}

function diffValue(
  before: JsonValue,
  after: JsonValue,
  path: string,
  patch: PatchOperation[],
): void {
  if (isJsonObject(before) && isJsonObject(after)) diffMembers(before, after, path, patch);
  else if (isJsonArray(before) && isJsonArray(after)) diffItems(before, after, path, patch);
  else if (!sameJson(before, after)) patch.push({ op: "replace", path, value: after });
}

function diffMembers(
  before: JsonObject,
  after: JsonObject,
  path: string,
  patch: PatchOperation[],
): void {
  for (const name of Object.keys(before).sort()) {
    if (memberOf(after, name) === undefined) {
      patch.push({ op: "remove", path: childPointer(path, name) });
    }
  }
  for (const name of Object.keys(after).sort()) {
    const below = childPointer(path, name);
    const old = memberOf(before, name);
    const value = after[name] as JsonValue;
    if (old === undefined) patch.push({ op: "add", path: below, value });
    else diffValue(old, value, below, patch);
  }
}

/** Hunks from the last to the first, so that every index is one of the array as it was. */
function diffItems(
  before: JsonArray,
  after: JsonArray,
  path: string,
  patch: PatchOperation[],
): void {
  const hunks = diffSequences(before.map(canonicalJson), after.map(canonicalJson));
  for (const { oldStart, oldCount, newStart, newCount } of hunks.reverse()) {
    const shared = Math.min(oldCount, newCount);
    for (let i = oldCount - 1; i >= shared; i--) {
      patch.push({ op: "remove", path: childPointer(path, oldStart + i) });
    }
    for (let i = 0; i < shared; i++) {
      const below = childPointer(path, oldStart + i);
      diffValue(before[oldStart + i] as JsonValue, after[newStart + i] as JsonValue, below, patch);
    }
    for (let i = shared; i < newCount; i++) {
      const value = after[newStart + i] as JsonValue;
      patch.push({ op: "add", path: childPointer(path, oldStart + i), value });
    }
  }
}
