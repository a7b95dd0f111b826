/**
 * JSON Merge Patch (RFC 7396) on plain values: what a patch must amount to.
 *
 * The planner reaches the same result by operations on the document; this is the reference that its
 * tests compare with, and what a result's size is measured by before anything is applied.
 */
import type { JsonObject, JsonValue } from "./json.ts";
import { isJsonObject, memberOf, setMember } from "./json.ts";

export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  return isJsonObject(patch) ? mergeObject(target, patch) : patch;
}

export function mergeObject(target: JsonValue | undefined, patch: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = {};
  const base = isJsonObject(target) ? target : {};
  for (const name of Object.keys(base)) {
    if (memberOf(patch, name) !== null) setMember(result, name, base[name] as JsonValue);
  }
  for (const name of Object.keys(patch)) {
    const value = patch[name] as JsonValue;
    if (value !== null) setMember(result, name, mergePatch(memberOf(base, name), value));
  }
  return result;
}
