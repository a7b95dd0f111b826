/**
 * Automerge's values as its documents show them, told apart without importing Automerge.
 *
 *     map              plain object          list      array
 *     text             string                counter   object whose JSON is a number
 *     register string  object whose JSON is a string (`ImmutableString`)
 *
 * Integers from 2^53 − 1 on come as bigint, although that one is still a safe number. Values that
 * we never write (bytes, dates) are nothing: a change from elsewhere may contain them, and reading
 * must not throw. `document.test.ts` holds all this against the library.
 */
import type { JsonScalar } from "./json.ts";

export type StoredMap = Readonly<Record<string, unknown>>;

export function storedMap(value: unknown): StoredMap | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.getPrototypeOf(value) === Object.prototype ? (value as StoredMap) : undefined;
}

export function storedList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
}

export function storedText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function storedCounter(value: unknown): number | undefined {
  const json = instanceJson(value);
  return typeof json === "bigint" ? Number(json) : typeof json === "number" ? json : undefined;
}

/** What a register holds. Text is not a register: it merges by character. */
export function storedScalar(value: unknown): JsonScalar | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? value : undefined;
    case "bigint":
      return Number(value);
    case "boolean":
      return value;
    default: {
      if (value === null) return null;
      const json = instanceJson(value);
      return typeof json === "string" ? json : undefined;
    }
  }
}

/** A key of its own, never something inherited. */
export function storedAt(map: StoredMap, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Instances of a class know their JSON; plain maps may have a field of that name, no method. */
function instanceJson(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date) return undefined;
  const toJSON: unknown = (Object.getPrototypeOf(value) as { toJSON?: unknown } | null)?.toJSON;
  return typeof toJSON === "function" ? (toJSON.call(value) as unknown) : undefined;
}
