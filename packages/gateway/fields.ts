/**
 * `?fields=displayName,location/city`: only some members of a profile.
 *
 * Each is a JSON Pointer whose first slash may be left out. What is not there is left out of the answer;
 * a list or set is given whole or not at all. The answer's ETag is a variant of the version's.
 */
import { hash } from "node:crypto";
import { canonicalJson, isJsonObject, parsePointer } from "@atoll/profile";
import type { JsonObject, JsonValue } from "@atoll/profile";

export interface Fields {
  readonly paths: readonly (readonly string[])[];
  /** Told apart from other choices by this. */
  readonly variant: string;
}

const VARIANT_CHARS = 8;

/** Undefined when one of them is no pointer. */
export function parseFields(names: readonly string[]): Fields | undefined {
  const paths = names.map((name) => parsePointer(name.startsWith("/") ? name : `/${name}`));
  if (!paths.every((path) => path !== undefined)) return undefined;
  return fieldsOf(paths);
}

/** What is left of a choice when only some top-level members may be seen; undefined for everything. */
export function onlyFields(
  asked: Fields | undefined,
  members: ReadonlySet<string> | undefined,
): Fields | undefined {
  if (members === undefined) return asked;
  if (asked === undefined) return fieldsOf([...members].map((name) => [name]));
  return fieldsOf(asked.paths.filter(([top]) => top !== undefined && members.has(top)));
}

function fieldsOf(paths: readonly (readonly string[])[]): Fields {
  const sorted = canonicalJson(paths.map((path) => canonicalJson(path)).sort());
  return { paths, variant: `.f${hash("sha256", sorted, "base64url").slice(0, VARIANT_CHARS)}` };
}

/** Whether a place is at one of them or inside. */
export function isWithin(pointer: string, { paths }: Fields): boolean {
  const at = parsePointer(pointer) ?? [];
  return paths.some((path) => path.every((name, i) => at[i] === name));
}

/** `json`: canonical; so is what is returned. */
export function pick(json: string, { paths }: Fields): string {
  const value = JSON.parse(json) as JsonObject;
  let picked: JsonObject = {};
  for (const path of paths) picked = merged(picked, value, path);
  return canonicalJson(picked);
}

function merged(
  picked: JsonObject,
  value: JsonObject,
  [name, ...rest]: readonly string[],
): JsonObject {
  if (name === undefined || !Object.hasOwn(value, name)) return picked;
  const child = value[name] as JsonValue;
  if (rest.length === 0) return { ...picked, [name]: child };
  if (!isJsonObject(child)) return picked;
  const before = Object.hasOwn(picked, name) ? picked[name] : undefined;
  const inside = merged(isJsonObject(before) ? before : {}, child, rest);
  return Object.keys(inside).length === 0 ? picked : { ...picked, [name]: inside };
}
