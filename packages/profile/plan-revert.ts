/**
 * What a profile should be when it is taken back to an earlier version: a value like any other, put.
 *
 * A revert is a new change that everybody receives, not a change taken out of history. Counters are left
 * as they count: what they counted has happened.
 */
import type { JsonObject, JsonValue } from "./json.ts";
import { isJsonObject, memberOf, setMember } from "./json.ts";
import { parsePointer } from "./pointer.ts";
import type { SchemaNode } from "./schema.ts";

/** `pointers`: members of maps that go back, everything else stays; undefined: the whole profile. */
export function revertedValue(
  versions: { readonly now: JsonObject; readonly then: JsonObject },
  root: SchemaNode,
  pointers: readonly string[] | undefined,
): JsonObject {
  const then = withoutCounters(versions.then, root);
  if (pointers === undefined) return then;
  let value = withoutCounters(versions.now, root);
  for (const pointer of pointers) {
    const tokens = parsePointer(pointer) ?? [];
    value = withMember(value, tokens, valueAt(then, tokens));
  }
  return value;
}

/** A put does not speak of the counters that it omits. */
function withoutCounters(value: JsonObject, node: SchemaNode): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const name of Object.keys(value)) {
    const child = node.members.get(name);
    if (child?.kind === "counter") continue;
    const inner = value[name] as JsonValue;
    const isMap = child?.kind === "map" && isJsonObject(inner);
    setMember(result, name, isMap ? withoutCounters(inner, child) : inner);
  }
  return result;
}

function valueAt(value: JsonValue | undefined, tokens: readonly string[]): JsonValue | undefined {
  const [token, ...rest] = tokens;
  if (token === undefined) return value;
  return isJsonObject(value) ? valueAt(memberOf(value, token), rest) : undefined;
}

function withMember(
  object: JsonObject,
  [token, ...rest]: readonly string[],
  value: JsonValue | undefined,
): JsonObject {
  if (token === undefined) return isJsonObject(value) ? value : object;
  const result: Record<string, JsonValue> = { ...object };
  const before = memberOf(object, token);
  if (rest.length === 0) {
    if (value === undefined) delete result[token];
    else setMember(result, token, value);
  } else if (isJsonObject(before)) {
    setMember(result, token, withMember(before, rest, value));
  } else if (value !== undefined) {
    setMember(result, token, withMember({}, rest, value));
  }
  return result;
}
