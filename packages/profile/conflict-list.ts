/**
 * The places of a profile where concurrent writes left more than the winner, with every value.
 *
 * The same walk as `conflicts.ts`, which only counts; this one is for whoever asks about one profile. A
 * value is named by the operation that wrote it, which is the same in every region. A container is
 * named by the operation that made it: where a map and a list stand in one member, each is one value.
 */
import { sameJson } from "./canonical.ts";
import type { AutomergeDocument } from "./document.ts";
import type { JsonValue } from "./json.ts";
import type { StoredPath } from "./operations.ts";
import { childPointer } from "./pointer.ts";
import type { SchemaNode } from "./schema.ts";
import type { Slot } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedList, storedMap, storedScalar } from "./stored.ts";
import { memberNames, membersOf, showPlain, showSlot, shownSlots } from "./view.ts";

export interface ConflictValue {
  readonly opId: string;
  /** False for a container, which was made by nobody in particular. */
  readonly isWritten: boolean;
  readonly value: JsonValue;
}

export interface ProfileConflict {
  readonly pointer: string;
  /** Winner first. */
  readonly values: readonly ConflictValue[];
}

/** The values of one member, winner first; one when there is no conflict, none when it is not shown. */
export function memberValues(
  document: AutomergeDocument,
  place: { readonly at: StoredPath; readonly map: StoredMap; readonly name: string },
  node: SchemaNode | undefined,
): ConflictValue[] {
  const { at, map, name } = place;
  return shownSlots(map, name, node).flatMap((slot) => slotValues(document, at, map, slot, node));
}

function slotValues(
  document: AutomergeDocument,
  at: StoredPath,
  map: StoredMap,
  slot: Slot,
  node: SchemaNode | undefined,
): ConflictValue[] {
  if (slot.kind === "register") return writtenValues(document, at, slot.key);
  const value = showSlot(map, slot, node) ?? null;
  return [{ opId: document.record.containerId([...at, slot.key]), isWritten: false, value }];
}

/** All values under a key of a map as it lies, winner first. */
export function writtenValues(
  document: AutomergeDocument,
  at: StoredPath,
  key: string | number,
): ConflictValue[] {
  return document.record
    .values(at, key)
    .map(({ opId, value }) => ({ opId, isWritten: true, value: showPlain(value) ?? null }))
    .reverse();
}

export function listConflicts(document: AutomergeDocument, root: SchemaNode): ProfileConflict[] {
  const found: ProfileConflict[] = [];
  walkMap(document, { at: ["profile"], map: document.profile, pointer: "" }, root, found);
  return found;
}

interface Walk {
  readonly at: StoredPath;
  readonly map: StoredMap;
  readonly pointer: string;
}

function walkMap(
  document: AutomergeDocument,
  { at, map, pointer }: Walk,
  node: SchemaNode | undefined,
  found: ProfileConflict[],
): void {
  const members = membersOf(node);
  for (const name of [...memberNames(map, members)].sort()) {
    const child = members.get(name);
    const winner = shownSlots(map, name, child)[0];
    if (winner === undefined) continue;
    const below = childPointer(pointer, name);
    add(found, below, memberValues(document, { at, map, name }, child));
    const inside = [...at, winner.key];
    const stored = storedAt(map, winner.key);
    if (winner.kind === "map") {
      walkMap(document, { at: inside, map: storedMap(stored) ?? {}, pointer: below }, child, found);
    } else if (winner.kind === "list") walkPlain(document, inside, stored, below, found);
  }
}

function walkPlain(
  document: AutomergeDocument,
  at: StoredPath,
  value: unknown,
  pointer: string,
  found: ProfileConflict[],
): void {
  for (const [i, item] of (storedList(value) ?? []).entries()) {
    walkPlain(document, [...at, i], item, childPointer(pointer, i), found);
  }
  const map = storedMap(value) ?? {};
  for (const key of Object.keys(map).sort()) {
    const below = childPointer(pointer, key);
    add(found, below, writtenValues(document, at, key));
    if (storedScalar(map[key]) === undefined) {
      walkPlain(document, [...at, key], map[key], below, found);
    }
  }
}

/** Only what hides something: equal values are no conflict. */
function add(found: ProfileConflict[], pointer: string, values: readonly ConflictValue[]): void {
  const [winner, ...losers] = values;
  if (winner === undefined || losers.every(({ value }) => sameJson(value, winner.value))) return;
  found.push({ pointer, values });
}
