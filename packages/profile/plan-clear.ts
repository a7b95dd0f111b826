/**
 * Removing what is shown of a member, so that whatever nobody here has seen yet survives.
 *
 * Containers stay; what they hold and their presence marks go. An edit made meanwhile inside a
 * removed object therefore shows it again, with that edit alone.
 */
import type { Planning } from "./operations.ts";
import { childPointer } from "./pointer.ts";
import type { Site } from "./plan-site.ts";
import { refuseCounter, unmark } from "./plan-site.ts";
import type { Slot } from "./slots.ts";
import { MAP_MARK, markKey } from "./slots.ts";
import { storedAt, storedList, storedMap, storedText } from "./stored.ts";
import { memberNames, membersOf, showSet, shownSlots } from "./view.ts";

export type CounterRule =
  /** A whole put does not speak of the counters it omits. */
  | "leave"
  /** Whoever names a counter must increment it. */
  | "refuse";

/** True when anything of the member was shown. */
export function clearMember(
  planning: Planning,
  site: Site,
  name: string,
  counters: CounterRule,
): boolean {
  const shown = shownSlots(site.map, name, site.members.get(name));
  for (const slot of shown) clearSlot(planning, site, name, slot, counters);
  return shown.length > 0;
}

/** Removes what a container holds and its presence mark, never the container. */
export function clearSlot(
  planning: Planning,
  site: Site,
  name: string,
  slot: Slot,
  counters: CounterRule,
): void {
  const { operations } = planning;
  const stored = storedAt(site.map, slot.key);
  const at = [...site.at, slot.key];
  switch (slot.kind) {
    case "register":
      operations.push({ kind: "remove", at: site.at, key: slot.key });
      return;
    case "counter":
      if (counters === "refuse") refuseCounter(planning, site, name);
      return;
    case "map": {
      const map = storedMap(stored) ?? {};
      const members = membersOf(site.members.get(name));
      const child = { at, map, members, pointer: childPointer(site.pointer, name) };
      unmark(planning, at, MAP_MARK, map);
      for (const member of [...memberNames(map, members)].sort()) {
        clearMember(planning, child, member, counters);
      }
      return;
    }
    case "list": {
      const removed = storedList(stored)?.length ?? 0;
      if (removed > 0) operations.push({ kind: "splice", at, index: 0, removed, inserted: [] });
      break;
    }
    case "set":
      for (const key of showSet(storedMap(stored) ?? {}).keys()) {
        operations.push({ kind: "remove", at, key });
      }
      break;
    case "text": {
      const removed = storedText(stored)?.length ?? 0;
      if (removed > 0) {
        const text = { index: 0, removed, inserted: "" };
        operations.push({ kind: "text", at: site.at, key: slot.key, ...text });
      }
      break;
    }
  }
  unmark(planning, site.at, markKey(slot.key), site.map);
}
