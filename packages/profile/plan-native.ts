/**
 * Native operations on a profile: intentions, planned one after the other.
 *
 * `set` makes the maps on its way; `unset` of what is not there is nothing; everything else names what
 * it changes, and something of another kind there is a fault, never a silent replacement.
 */
import { AtollError } from "@atoll/core";
import { sameJson } from "./canonical.ts";
import type { JsonScalar, JsonValue } from "./json.ts";
import type { Choice, NativeOperation } from "./native-operation.ts";
import type { Planning, StoredPath } from "./operations.ts";
import type { Owner, Place } from "./place.ts";
import { clearSlot } from "./plan-clear.ts";
import { rootSite } from "./plan-site.ts";
import type { Site } from "./plan-site.ts";
import { mustTokens, settle, shownSlotOf, shownValueOf } from "./plan-steps.ts";
import type { Steps } from "./plan-steps.ts";
import { planIncrement, planMember } from "./plan.ts";
import { naturalKey, targetSlot } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedText } from "./stored.ts";
import { showPlain, shownSlots } from "./view.ts";

/** What concurrent writes left, as the document knows it: by the name of the operation that wrote it. */
export interface Candidates {
  /** All values under a key of the map at a path. */
  values(
    at: StoredPath,
    key: string,
  ): readonly { readonly opId: string; readonly value: unknown }[];
  /** The name of the operation that made the container at a path. */
  containerId(at: StoredPath): string;
}

/** Throws `AtollError`: validation-failed, counter-requires-increment, stale-conflict. */
export function planNative(
  steps: Steps,
  operations: readonly NativeOperation[],
  candidates: Candidates,
): void {
  for (const [index, operation] of operations.entries()) {
    steps.step(index, () => planOperation(steps, operation, candidates));
  }
}

function planOperation(steps: Steps, operation: NativeOperation, candidates: Candidates): void {
  const path = mustTokens(operation.path);
  switch (operation.op) {
    case "set":
      return set(steps, path, operation.value);
    case "unset": {
      const place = steps.locate(path);
      if (place !== undefined) steps.remove(place);
      return;
    }
    case "increment": {
      const increment = { pointer: operation.path, by: operation.by };
      return steps.do(() => planIncrement(steps.profile, steps.root, increment));
    }
    case "listInsert":
      return listInsert(steps, path, operation);
    case "listRemove":
      return listRemove(steps, path, operation);
    case "setAdd":
    case "setRemove":
      return changeSet(steps, path, operation.op, operation.values);
    case "textSplice":
      return textSplice(steps, path, operation);
    case "textUpdate":
      return textUpdate(steps, path, operation.value);
    case "resolve":
      return resolve(steps, path, operation, candidates);
  }
}

function set(steps: Steps, path: readonly string[], value: JsonValue): void {
  steps.checkValue(path, value);
  for (let depth = 1; depth < path.length; depth++) {
    const above = path.slice(0, depth);
    if (steps.valueAt(above) !== undefined) continue;
    const place = steps.locate(above);
    if (place === undefined) break;
    steps.replace(place, {});
  }
  const place = steps.locate(path);
  if (place === undefined) throw steps.missing();
  if (place.kind === "element") throw steps.fault("type", "use setAdd and setRemove", "/path");
  if (place.kind === "item" && place.index >= place.list.length) throw steps.missing();
  steps.replace(place, value);
}

function listInsert(
  steps: Steps,
  path: readonly string[],
  { index, values }: NativeOperation & { readonly op: "listInsert" },
): void {
  steps.checkValue(path, values);
  const current = steps.valueAt(path);
  if (current === undefined) {
    const { site, name } = memberAt(steps, path, "list");
    if ((site.members.get(name)?.kind ?? "list") !== "list") throw notA(steps, "a list");
    if ((index ?? 0) > 0) throw steps.fault("range", "is beyond the end of the list", "/index");
    return steps.plan((planning) => planMember(planning, site, name, values, "put"));
  }
  const item = steps.locate([...path, String(index ?? "-")]);
  if (item?.kind !== "item") throw notA(steps, "a list, or the index is beyond its end");
  if (values.length > 0) steps.insertItems(item, values);
}

function listRemove(
  steps: Steps,
  path: readonly string[],
  { index, count = 1 }: NativeOperation & { readonly op: "listRemove" },
): void {
  const item = steps.locate([...path, String(index)]);
  if (item?.kind !== "item") throw notA(steps, "a list, or the index is beyond its end");
  if (index + count > item.list.length) {
    throw steps.fault("range", "is beyond the end of the list", "/count");
  }
  steps.removeItems(item, count);
}

function changeSet(
  steps: Steps,
  path: readonly string[],
  op: "setAdd" | "setRemove",
  values: readonly JsonValue[],
): void {
  const elements = values.map((value) => steps.element(value));
  const owner = ownerAt(steps, path, "set");
  steps.changeElements(owner, (held) => {
    for (const [key, value] of elements) {
      if (op === "setAdd") addElement(held, key, value);
      else held.delete(key);
    }
  });
}

function addElement(held: Map<string, JsonScalar>, key: string, value: JsonScalar): void {
  if (!held.has(key)) held.set(key, value);
}

function textSplice(
  steps: Steps,
  path: readonly string[],
  { index, remove = 0, insert = "" }: NativeOperation & { readonly op: "textSplice" },
): void {
  steps.checkValue(path, insert);
  const { site, name, slot } = ownerAt(steps, path, "text");
  const stored = storedText(storedAt(site.map, slot.key));
  const text = stored ?? "";
  if (index + remove > text.length) {
    throw steps.fault("range", `the text has ${text.length} UTF-16 code units`, "/index");
  }
  if (splitsPair(text, index) || splitsPair(text, index + remove)) {
    throw steps.fault("range", "would split a surrogate pair", "/index");
  }
  if (remove === 0 && insert === "") return;
  const isEmptied = text.length === remove && insert === "";
  if (stored === undefined || shownSlotOf(site, name)?.key !== slot.key || isEmptied) {
    // Not shown yet, or no longer filled: marks and containers are the planner's business.
    const whole = text.slice(0, index) + insert + text.slice(index + remove);
    return steps.plan((planning) => planMember(planning, site, name, whole, "put"));
  }
  const splice = { index, removed: remove, inserted: insert };
  steps.plan((planning) => {
    planning.operations.push({ kind: "text", at: site.at, key: slot.key, ...splice });
    settle(planning, site, name);
  });
}

function textUpdate(steps: Steps, path: readonly string[], value: string): void {
  steps.checkValue(path, value);
  const { site, name } = ownerAt(steps, path, "text");
  steps.plan((planning) => planMember(planning, site, name, value, "put"));
}

/** The member of a kind: declared so, or shown so already. */
function ownerAt(steps: Steps, path: readonly string[], kind: "set" | "text"): Owner {
  const { site, name } = memberAt(steps, path, kind);
  const node = site.members.get(name);
  if (node?.kind === kind) return { site, name, slot: targetSlot(node, name, "register") };
  const slot = shownSlotOf(site, name);
  if (slot?.kind === kind) return { site, name, slot };
  throw notA(steps, `a ${kind}`);
}

function memberAt(
  steps: Steps,
  path: readonly string[],
  kind: string,
): { readonly site: Site; readonly name: string } {
  const above = path.slice(0, -1);
  // A declared map is there even when nothing in it is shown.
  const site = declaredSite(steps, above);
  if (site !== undefined) return { site, name: path.at(-1) as string };
  const place = steps.locate(path);
  if (place === undefined) throw steps.missing();
  if (place.kind !== "member") throw notA(steps, `a ${kind}`);
  return place;
}

/** Makes what is missing of the declared maps on the way; undefined when one is not declared. */
function declaredSite(steps: Steps, path: readonly string[]): Site | undefined {
  let node = steps.root;
  for (const [i, name] of path.entries()) {
    const child = node.members.get(name);
    if (child?.kind !== "map") return undefined;
    node = child;
    const above = path.slice(0, i + 1);
    if (steps.valueAt(above) !== undefined) continue;
    const place = steps.locate(above);
    if (place === undefined) return undefined;
    steps.replace(place, {});
  }
  if (path.length === 0) return rootSite(steps.profile, steps.root);
  const below = steps.locate([...path, "-"]);
  return below?.kind === "member" ? below.site : undefined;
}

function resolve(
  steps: Steps,
  path: readonly string[],
  choice: Choice,
  candidates: Candidates,
): void {
  const place = steps.locate(path);
  if (place === undefined) throw steps.missing();
  if (choice.value !== undefined) steps.checkValue(path, choice.value);
  if (place.kind === "member") return resolveMember(steps, place, choice, candidates);
  if (place.kind !== "field") throw notA(steps, "a member that can have concurrent values");
  const { at, map, name } = place;
  const value = choice.value ?? chosenField(place, choice.opId, candidates);
  if (storedAt(map, name) === undefined) throw steps.missing();
  steps.plan(({ operations }) => operations.push({ kind: "put", at, key: name, value }));
}

function chosenField(
  { at, name }: Place & { readonly kind: "field" },
  opId: string | undefined,
  candidates: Candidates,
): JsonValue {
  const found = candidates.values(at, name).find((value) => value.opId === opId);
  if (found === undefined) throw stale(opId);
  return showPlain(found.value) ?? null;
}

function resolveMember(
  steps: Steps,
  { site, name }: { readonly site: Site; readonly name: string },
  choice: Choice,
  candidates: Candidates,
): void {
  const shown = shownSlots(site.map, name, site.members.get(name));
  if (shown.length === 0) throw steps.missing();
  const clearOthers = (planning: Planning, keptKey: string): void => {
    for (const slot of shown) {
      if (slot.key !== keptKey) clearSlot(planning, site, name, slot, "leave");
    }
  };
  const { value: given } = choice;
  if (given !== undefined) {
    const before = shownValueOf(site, name);
    steps.plan((planning) => {
      planMember(planning, site, name, given, "put");
      // The winner's own value: written again, so that the losers go.
      const isRegister = shown[0]?.kind === "register";
      if (isRegister && before !== undefined && sameJson(before, given)) {
        const put = { key: naturalKey(name), value: given };
        planning.operations.push({ kind: "put", at: site.at, ...put });
      }
    });
    return steps.plan((planning) => {
      const now = shownSlotsNow(steps, site, name);
      for (const slot of now.slice(1))
        clearSlot(planning, siteNow(steps, site), name, slot, "leave");
    });
  }
  for (const slot of shown) {
    if (slot.kind !== "register") {
      if (candidates.containerId([...site.at, slot.key]) !== choice.opId) continue;
      return steps.plan((planning) => clearOthers(planning, slot.key));
    }
    const values = candidates.values(site.at, slot.key);
    const found = values.find(({ opId }) => opId === choice.opId);
    if (found === undefined) continue;
    const value = showPlain(found.value) ?? null;
    return steps.plan((planning) => {
      planning.operations.push({ kind: "put", at: site.at, key: slot.key, value });
      clearOthers(planning, slot.key);
    });
  }
  throw stale(choice.opId);
}

function siteNow(steps: Steps, site: Site): Site {
  let map: StoredMap = steps.profile;
  for (const key of site.at.slice(1)) map = storedAt(map, key) as StoredMap;
  return { ...site, map };
}

function shownSlotsNow(steps: Steps, site: Site, name: string): ReturnType<typeof shownSlots> {
  return shownSlots(siteNow(steps, site).map, name, site.members.get(name));
}

function stale(opId: string | undefined): AtollError {
  return new AtollError(
    "stale-conflict",
    `${opId ?? "this"} is not among the values that are in conflict now; read the conflicts again`,
  );
}

function splitsPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at); // NaN beyond the end
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff;
}

function notA(steps: Steps, kind: string): AtollError {
  return steps.fault("type", `is not ${kind}`, "/path");
}
