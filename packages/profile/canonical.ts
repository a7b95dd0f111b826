/**
 * Canonical JSON (RFC 8785): one spelling for one value.
 *
 * Automerge gives the members of equal documents in different orders, so nothing that is shown,
 * hashed or compared may be serialised by `JSON.stringify` alone. Names are sorted by UTF-16 code
 * units, which is what JavaScript's default sort does; numbers and strings are as ECMAScript writes
 * them, which is what the RFC prescribes.
 */
import type { JsonValue } from "./json.ts";

/** The value must hold finite numbers and well-formed strings, as `parseJson` guarantees. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    let text = "[";
    for (let i = 0; i < value.length; i++) {
      if (i > 0) text += ",";
      text += canonicalJson(value[i] as JsonValue);
    }
    return text + "]";
  }
  const object = value as Readonly<Record<string, JsonValue>>;
  let text = "{";
  let separator = "";
  for (const name of Object.keys(object).sort()) {
    text += `${separator}${JSON.stringify(name)}:${canonicalJson(object[name] as JsonValue)}`;
    separator = ",";
  }
  return text + "}";
}

/** Bytes of the canonical form in UTF-8: the size of a profile. */
export function canonicalBytes(value: JsonValue): number {
  return Buffer.byteLength(canonicalJson(value), "utf8");
}

export function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return canonicalJson(a) === canonicalJson(b);
}
