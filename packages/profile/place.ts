/**
 * Where a JSON Pointer leads in a stored document: four kinds of place, edited in four ways.
 *
 *     member    /location/city     of a map, in the slot of its kind
 *     element   /interests/0       of a set, counted in the order in which the set is shown
 *     item      /links/0           of a list, which has real positions
 *     field     /links/0/label     inside a list item, where values lie as they are
 */
import type { Site } from "./plan-site.ts";
import { childSite, rootSite } from "./plan-site.ts";
import { newPlanning } from "./operations.ts";
import type { StoredPath } from "./operations.ts";
import type { SchemaNode } from "./schema.ts";
import type { Slot } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedList, storedMap } from "./stored.ts";
import { showSet, shownSlots } from "./view.ts";

/** The member whose slot a list or set is; a list inside a list item has none. */
export interface Owner {
  readonly site: Site;
  readonly name: string;
  readonly slot: Slot;
}

export type Place =
  | { readonly kind: "member"; readonly site: Site; readonly name: string }
  | {
      readonly kind: "element";
      readonly owner: Owner;
      /** Under which the element is stored; undefined when there is none at this index. */
      readonly key: string | undefined;
    }
  | {
      readonly kind: "item";
      /** Of the list. */
      readonly at: StoredPath;
      readonly list: readonly unknown[];
      /** As long as the list: behind its end. */
      readonly index: number;
      readonly owner: Owner | undefined;
    }
  | {
      readonly kind: "field";
      /** Of the map that lies in a list item. */
      readonly at: StoredPath;
      readonly map: StoredMap;
      readonly name: string;
    };

/** `tokens`: at least one. Undefined when something on the way there is missing or holds nothing. */
export function locate(
  profile: StoredMap,
  root: SchemaNode,
  tokens: readonly string[],
): Place | undefined {
  let site = rootSite(profile, root);
  for (const [i, name] of tokens.slice(0, -1).entries()) {
    const slot = shownSlots(site.map, name, site.members.get(name))[0];
    if (slot === undefined) return undefined;
    const rest = tokens.slice(i + 1);
    const owner = { site, name, slot };
    const stored = storedAt(site.map, slot.key);
    switch (slot.kind) {
      case "map":
        site = childSite(newPlanning(), site, name, slot);
        break;
      case "list":
        return locateItem([...site.at, slot.key], storedList(stored) ?? [], rest, owner);
      case "set": {
        const keys = [...showSet(storedMap(stored) ?? {}).keys()];
        const index = parseIndex(rest[0], keys.length);
        if (index === undefined || rest.length > 1) return undefined;
        return { kind: "element", owner, key: keys[index] };
      }
      default:
        return undefined;
    }
  }
  return { kind: "member", site, name: tokens.at(-1) as string };
}

function locateItem(
  at: StoredPath,
  list: readonly unknown[],
  [token, ...rest]: readonly string[],
  owner: Owner | undefined,
): Place | undefined {
  const index = parseIndex(token, list.length);
  if (index === undefined) return undefined;
  if (rest.length === 0) return { kind: "item", at, list, index, owner };
  return locateInside([...at, index], list[index], rest);
}

function locateInside(
  at: StoredPath,
  value: unknown,
  tokens: readonly string[],
): Place | undefined {
  const list = storedList(value);
  if (list !== undefined) return locateItem(at, list, tokens, undefined);
  const map = storedMap(value);
  const [name, ...rest] = tokens;
  if (map === undefined || name === undefined) return undefined;
  if (rest.length === 0) return { kind: "field", at, map, name };
  return locateInside([...at, name], storedAt(map, name), rest);
}

/** RFC 6901: no sign, no leading zero; `-` and the length are behind the last. */
function parseIndex(token: string | undefined, length: number): number | undefined {
  if (token === "-") return length;
  if (token === undefined || !/^(?:0|[1-9]\d{0,8})$/.test(token)) return undefined;
  const index = Number(token);
  return index <= length ? index : undefined;
}
