/**
 * How many places of a profile hide what somebody wrote: the number behind the `Conflicts` header.
 *
 * A member counts once when concurrent writes left it two kinds of value (two shown slots), or a
 * register whose losers differ from its winner. Sets, counters and texts never lose anything, and
 * list items are edited in place, so only the members of maps are asked about. Asking Automerge
 * costs tens of microseconds a member: skip it for documents that never saw concurrent changes.
 */
import { sameJson } from "./canonical.ts";
import type { JsonValue } from "./json.ts";
import type { SchemaNode } from "./schema.ts";
import { naturalKey } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedList, storedMap, storedScalar } from "./stored.ts";
import { memberNames, membersOf, showPlain, shownSlots } from "./view.ts";

/** All values that concurrent writes left under a key; empty or undefined when there is one. */
export type ConflictReader = (map: StoredMap, key: string) => readonly unknown[] | undefined;

export function countConflicts(
  profile: StoredMap,
  root: SchemaNode,
  conflictsAt: ConflictReader,
): number {
  return countInMap(profile, root, conflictsAt);
}

function countInMap(
  map: StoredMap,
  node: SchemaNode | undefined,
  conflictsAt: ConflictReader,
): number {
  const members = membersOf(node);
  let count = 0;
  for (const name of memberNames(map, members)) {
    const child = members.get(name);
    const slots = shownSlots(map, name, child);
    const winner = slots[0];
    if (winner === undefined) continue;
    const stored = storedAt(map, winner.key);
    if (slots.length > 1) count++;
    else if (winner.kind === "register" && hasLoser(map, naturalKey(name), conflictsAt)) count++;
    if (winner.kind === "map") count += countInMap(storedMap(stored) ?? {}, child, conflictsAt);
    else if (winner.kind === "list") count += countInPlain(stored, conflictsAt);
  }
  return count;
}

/** Inside list items, where values lie as they are. */
function countInPlain(value: unknown, conflictsAt: ConflictReader): number {
  let count = 0;
  for (const item of storedList(value) ?? []) count += countInPlain(item, conflictsAt);
  const map = storedMap(value) ?? {};
  for (const key of Object.keys(map)) {
    if (hasLoser(map, key, conflictsAt)) count++;
    if (storedScalar(map[key]) === undefined) count += countInPlain(map[key], conflictsAt);
  }
  return count;
}

function hasLoser(map: StoredMap, key: string, conflictsAt: ConflictReader): boolean {
  const values = conflictsAt(map, key);
  if (values === undefined || values.length < 2) return false;
  const shown = values.map((value): JsonValue => showPlain(value) ?? null);
  return shown.some((value) => !sameJson(value, shown[0] as JsonValue));
}
