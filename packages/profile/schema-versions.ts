/**
 * The versions that a schema says of itself: which containers each one brought (`x-crdt-since`).
 *
 * Version 1 is what the genesis makes and can never change; what later versions declare is made when it
 * is first used, so that regions in the middle of a change of schema agree.
 */
import type { JsonObject } from "./json.ts";
import { isJsonObject, memberOf } from "./json.ts";
import { childPointer } from "./pointer.ts";

export interface DeclaredContainer {
  readonly pointer: string;
  readonly kind: string;
}

export interface SchemaVersion {
  readonly version: number;
  /** Declared by this version and not by those before. */
  readonly containers: readonly DeclaredContainer[];
}

/** Ascending; at least version 1. */
export function schemaVersions(source: JsonObject): SchemaVersion[] {
  const byVersion = new Map<number, DeclaredContainer[]>([[1, []]]);
  collect(source, "", 1, byVersion);
  return [...byVersion]
    .sort(([a], [b]) => a - b)
    .map(([version, containers]) => ({ version, containers }));
}

function collect(
  schema: JsonObject,
  pointer: string,
  since: number,
  byVersion: Map<number, DeclaredContainer[]>,
): void {
  const properties = memberOf(schema, "properties");
  if (properties === undefined || !isJsonObject(properties)) return;
  for (const [name, declared] of Object.entries(properties)) {
    if (!isJsonObject(declared)) continue;
    const kind = memberOf(declared, "x-crdt");
    const own = memberOf(declared, "x-crdt-since");
    const version = Math.max(since, typeof own === "number" ? own : 1);
    const at = childPointer(pointer, name);
    if (typeof kind === "string" && kind !== "register") {
      const containers = byVersion.get(version) ?? [];
      byVersion.set(version, [...containers, { pointer: at, kind }]);
    }
    collect(declared, at, version, byVersion);
  }
}
