/**
 * Where the value of a member lies inside an Automerge map.
 *
 * One member may need several kinds of value over its life, and two regions may give it two kinds
 * at once. If both were written under one key, one side's whole container would be hidden. So each
 * kind has a key of its own, and a container once made is never deleted or overwritten:
 *
 *     name        register; or, if the genesis declares it, the container itself
 *     ~r:name     the same for names that start with "~"
 *     ~o:name     map        ~l:name  list       ~s:name  set
 *     ~t:name     text       ~n:name  counter
 *     ~           presence mark of the map it lies in
 *     ~m:key      presence mark of the list, set, text or counter under `key`
 *
 * When concurrent edits leave several slots of one member alive, the first in `SLOT_ORDER` is
 * shown. Which slots exist depends on the genesis alone, never on what a newer schema declares, so
 * replicas in the middle of a schema change still show the same.
 */
import type { SchemaNode } from "./schema.ts";

export type SlotKind = "register" | "map" | "list" | "set" | "text" | "counter";

export interface Slot {
  readonly kind: SlotKind;
  readonly key: string;
}

export const MAP_MARK = "~";

/**
 * Winner first. Containers come before registers, so that an edit inside a removed one survives.
 */
export const SLOT_ORDER = ["counter", "text", "set", "map", "list", "register"] as const;

const PREFIX: Readonly<Record<SlotKind, string>> = {
  register: "~r:",
  map: "~o:",
  list: "~l:",
  set: "~s:",
  text: "~t:",
  counter: "~n:",
};
const KIND_BY_PREFIX = new Map(SLOT_ORDER.map((kind) => [PREFIX[kind], kind]));
const MARK_PREFIX = "~m:";
const PREFIX_CHARS = 3;

/** The key of a register, and of what the genesis declares. */
export function naturalKey(member: string): string {
  return member.startsWith("~") ? PREFIX.register + member : member;
}

/** The slot that a value of this kind takes in a member that the genesis does not declare. */
export function undeclaredSlot(kind: SlotKind, member: string): Slot {
  return { kind, key: kind === "register" ? naturalKey(member) : PREFIX[kind] + member };
}

/** All slots a member may have, winner first. `node`: what the schema declares for it. */
export function slotsOf(node: SchemaNode | undefined, member: string): readonly Slot[] {
  if (node?.inGenesis === true) return [{ kind: node.kind, key: naturalKey(member) }];
  return SLOT_ORDER.map((kind) => undeclaredSlot(kind, member));
}

/** The slot that an edit writes: declared kinds are fixed, others follow the value. */
export function targetSlot(
  node: SchemaNode | undefined,
  member: string,
  valueKind: "register" | "map" | "list",
): Slot {
  if (node?.inGenesis === true) return { kind: node.kind, key: naturalKey(member) };
  return undeclaredSlot(node?.kind ?? valueKind, member);
}

export function markKey(slotKey: string): string {
  return MARK_PREFIX + slotKey;
}

export type ParsedKey =
  | { readonly kind: "map-mark" }
  | { readonly kind: "mark"; readonly slotKey: string }
  | { readonly kind: "slot"; readonly member: string; readonly slot: Slot };

/** Undefined for keys that no version of this layout wrote. */
export function parseKey(
  key: string,
  members: ReadonlyMap<string, SchemaNode>,
): ParsedKey | undefined {
  if (!key.startsWith("~")) return naturalSlot(key, key, members);
  if (key === MAP_MARK) return { kind: "map-mark" };
  const prefix = key.slice(0, PREFIX_CHARS);
  const rest = key.slice(PREFIX_CHARS);
  if (prefix === MARK_PREFIX) return { kind: "mark", slotKey: rest };
  const kind = KIND_BY_PREFIX.get(prefix);
  if (kind === undefined) return undefined;
  if (kind === "register") {
    return rest.startsWith("~") ? naturalSlot(rest, key, members) : undefined;
  }
  if (members.get(rest)?.inGenesis === true) return undefined;
  return { kind: "slot", member: rest, slot: { kind, key } };
}

function naturalSlot(
  member: string,
  key: string,
  members: ReadonlyMap<string, SchemaNode>,
): ParsedKey {
  const node = members.get(member);
  const kind = node?.inGenesis === true ? node.kind : "register";
  return { kind: "slot", member, slot: { kind, key } };
}
