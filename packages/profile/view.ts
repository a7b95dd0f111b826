/**
 * From the stored document to the JSON that its readers see.
 *
 * Pure and total: any document gives some JSON, the same on every replica that holds the same
 * changes, because it depends on the stored values and the genesis only. A container is shown when
 * its presence mark is there or anything inside is shown, so that removing an object is undone by
 * an edit inside that did not know of it.
 */
import { canonicalJson } from "./canonical.ts";
import type { JsonObject, JsonScalar, JsonValue } from "./json.ts";
import { setMember } from "./json.ts";
import type { SchemaNode } from "./schema.ts";
import type { Slot } from "./slots.ts";
import { MAP_MARK, markKey, parseKey, slotsOf } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import {
  storedAt,
  storedCounter,
  storedList,
  storedMap,
  storedScalar,
  storedText,
} from "./stored.ts";

type Members = ReadonlyMap<string, SchemaNode>;

const NO_MEMBERS: Members = new Map();

/** A profile is always an object, if only an empty one. */
export function showProfile(profile: StoredMap, root: SchemaNode): JsonObject {
  return showMembers(profile, root.members);
}

/** The declared members of a map: what lies in an undeclared map is undeclared. */
export function membersOf(node: SchemaNode | undefined): Members {
  return node?.members ?? NO_MEMBERS;
}

/** Undefined when there is nothing to show in this slot. */
export function showSlot(
  parent: StoredMap,
  slot: Slot,
  node: SchemaNode | undefined,
): JsonValue | undefined {
  const value = storedAt(parent, slot.key);
  if (slot.kind === "register") return storedScalar(value);
  if (slot.kind === "map") {
    const map = storedMap(value);
    if (map === undefined) return undefined;
    const shown = showMembers(map, membersOf(node));
    return storedAt(map, MAP_MARK) === true || hasMembers(shown) ? shown : undefined;
  }
  const content = showContent(slot.kind, value);
  return content.isEmpty && storedAt(parent, markKey(slot.key)) !== true
    ? undefined
    : content.value;
}

/** The slots of a member that have something to show, winner first. */
export function shownSlots(
  parent: StoredMap,
  member: string,
  node: SchemaNode | undefined,
): Slot[] {
  return slotsOf(node, member).filter((slot) => showSlot(parent, slot, node) !== undefined);
}

/** Names of all members that have any slot, shown or not, in the document's own order. */
export function memberNames(map: StoredMap, members: Members): Set<string> {
  const names = new Set<string>();
  for (const key of Object.keys(map)) {
    const parsed = parseKey(key, members);
    if (parsed?.kind === "slot") names.add(parsed.member);
    else if (parsed?.kind === "mark") {
      const marked = parseKey(parsed.slotKey, members);
      if (marked?.kind === "slot") names.add(marked.member);
    }
  }
  return names;
}

/** Values inside list items, which are stored as they are, without slots. */
export function showPlain(value: unknown): JsonValue | undefined {
  const list = storedList(value);
  if (list !== undefined) return list.map((item) => showPlain(item) ?? null);
  const map = storedMap(value);
  if (map !== undefined) {
    const object: Record<string, JsonValue> = {};
    for (const key of Object.keys(map)) {
      const shown = showPlain(map[key]);
      if (shown !== undefined) setMember(object, key, shown);
    }
    return object;
  }
  return storedText(value) ?? storedCounter(value) ?? storedScalar(value);
}

/** The members of a set by the keys under which they are stored. */
export function showSet(map: StoredMap): Map<string, JsonScalar> {
  const values = new Map<string, JsonScalar>();
  for (const key of Object.keys(map).sort()) {
    const value = storedScalar(map[key]);
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

/**
 * The members of a map that holds nothing but registers, as most do: no need to look for them in six slots each.
 * Undefined of any other.
 */
export function registersOf(map: StoredMap, members: Members): readonly string[] | undefined {
  if (members.size > 0) return undefined;
  const keys = Object.keys(map);
  const mark = keys.indexOf(MAP_MARK);
  if (mark >= 0) keys.splice(mark, 1);
  return keys.some((key) => key.startsWith("~")) ? undefined : keys;
}

function showMembers(map: StoredMap, members: Members): JsonObject {
  const object: Record<string, JsonValue> = {};
  const registers = registersOf(map, members);
  if (registers !== undefined) {
    for (const key of registers) {
      const shown = storedScalar(map[key]);
      if (shown !== undefined) setMember(object, key, shown);
    }
    return object;
  }
  for (const member of memberNames(map, members)) {
    const shown = showMember(map, member, members.get(member));
    if (shown !== undefined) setMember(object, member, shown);
  }
  return object;
}

/** Undefined when no slot of the member has anything to show. */
export function showMember(
  map: StoredMap,
  member: string,
  node: SchemaNode | undefined,
): JsonValue | undefined {
  for (const slot of slotsOf(node, member)) {
    const shown = showSlot(map, slot, node);
    if (shown !== undefined) return shown;
  }
  return undefined;
}

function showContent(
  kind: "list" | "set" | "text" | "counter",
  value: unknown,
): { isEmpty: boolean; value: JsonValue } {
  switch (kind) {
    case "list": {
      const items = storedList(value) ?? [];
      return { isEmpty: items.length === 0, value: items.map((item) => showPlain(item) ?? null) };
    }
    case "set": {
      const values = [...showSet(storedMap(value) ?? {}).values()];
      return { isEmpty: values.length === 0, value: values };
    }
    case "text": {
      const text = storedText(value) ?? "";
      return { isEmpty: text === "", value: text };
    }
    case "counter": {
      const count = storedCounter(value) ?? 0;
      return { isEmpty: count === 0, value: count };
    }
  }
}

function hasMembers(object: JsonObject): boolean {
  for (const _ in object) return true;
  return false;
}

/**
 * How a value is named inside a set: equal scalars, and equal strings in any Unicode form, meet.
 */
export function setKey(value: JsonScalar): string {
  return canonicalJson(typeof value === "string" ? value.normalize("NFC") : value);
}
