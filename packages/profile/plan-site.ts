/**
 * A place in the stored document that a plan is looking at, and the marks that say what is there.
 */
import type { Planning, StoredPath } from "./operations.ts";
import { childPointer } from "./pointer.ts";
import type { SchemaNode } from "./schema.ts";
import type { Slot } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedMap } from "./stored.ts";
import { membersOf } from "./view.ts";

/** A map of the stored document, or one that is about to exist. */
export interface Site {
  /** From the root of the document. */
  readonly at: readonly string[];
  readonly map: StoredMap;
  readonly members: ReadonlyMap<string, SchemaNode>;
  readonly pointer: string;
}

const NOTHING_STORED: StoredMap = {};

export function rootSite(profile: StoredMap, root: SchemaNode): Site {
  return { at: ["profile"], map: profile, members: root.members, pointer: "" };
}

/** The map under a slot; asks for its container when there is none yet. */
export function childSite(planning: Planning, site: Site, name: string, slot: Slot): Site {
  const at = [...site.at, slot.key];
  const map = storedMap(storedAt(site.map, slot.key));
  if (map === undefined) planning.containers.push(at.slice(1));
  const members = membersOf(site.members.get(name));
  return { at, map: map ?? NOTHING_STORED, members, pointer: childPointer(site.pointer, name) };
}

/** Says that a container is there, however empty; once. */
export function mark(planning: Planning, at: StoredPath, key: string, map: StoredMap): void {
  if (storedAt(map, key) === true) return;
  planning.operations.push({ kind: "put", at, key, value: true });
}

/** Takes a mark away that was seen. */
export function unmark(planning: Planning, at: StoredPath, key: string, map: StoredMap): void {
  if (storedAt(map, key) !== undefined) planning.operations.push({ kind: "remove", at, key });
}

export function refuseCounter(planning: Planning, site: Site, name: string): void {
  const pointer = childPointer(site.pointer, name);
  const detail = "counters take increments only";
  planning.counterFaults.push({ pointer, code: "counter-requires-increment", detail });
}
