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
import type { StoredPath } from "./operations.ts";
import type { SchemaNode } from "./schema.ts";
import { naturalKey } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedList, storedMap, storedScalar } from "./stored.ts";
import { memberNames, membersOf, registersOf, showPlain, shownSlots } from "./view.ts";

/** All values that concurrent writes left under a key of the map at a path; empty when there is one. */
export type ConflictReader = (at: StoredPath, key: string) => readonly unknown[];

/** A map of the stored document, and the members that the schema declares in it. */
export interface ConflictSite {
  readonly at: StoredPath;
  readonly map: StoredMap;
  readonly members: ReadonlyMap<string, SchemaNode>;
}

/** How many places of one member hide something, all levels together. */
export function countMemberConflicts(
  { at, map, members }: ConflictSite,
  name: string,
  conflictsAt: ConflictReader,
): number {
  const child = members.get(name);
  const slots = shownSlots(map, name, child);
  const winner = slots[0];
  if (winner === undefined) return 0;
  const stored = storedAt(map, winner.key);
  const below = [...at, winner.key];
  let count = 0;
  if (slots.length > 1) count++;
  else if (winner.kind === "register" && hasLoser(conflictsAt(at, naturalKey(name)))) count++;
  if (winner.kind === "map") {
    const site = { at: below, map: storedMap(stored) ?? {}, members: membersOf(child) };
    const registers = registersOf(site.map, site.members);
    for (const key of registers ?? []) {
      const isShown = storedScalar(site.map[key]) !== undefined;
      if (isShown && hasLoser(conflictsAt(below, key))) count++;
    }
    const names = registers === undefined ? memberNames(site.map, site.members) : [];
    for (const inner of names) count += countMemberConflicts(site, inner, conflictsAt);
  } else if (winner.kind === "list") count += countInPlain(stored, below, conflictsAt);
  return count;
}

/** Inside list items, where values lie as they are. */
function countInPlain(value: unknown, at: StoredPath, conflictsAt: ConflictReader): number {
  let count = 0;
  for (const [i, item] of (storedList(value) ?? []).entries()) {
    if (storedScalar(item) === undefined) count += countInPlain(item, [...at, i], conflictsAt);
  }
  const map = storedMap(value) ?? {};
  for (const key of Object.keys(map)) {
    if (hasLoser(conflictsAt(at, key))) count++;
    if (storedScalar(map[key]) === undefined) {
      count += countInPlain(map[key], [...at, key], conflictsAt);
    }
  }
  return count;
}

function hasLoser(values: readonly unknown[]): boolean {
  if (values.length < 2) return false;
  const shown = values.map((value): JsonValue => showPlain(value) ?? null);
  return shown.some((value) => !sameJson(value, shown[0] as JsonValue));
}
