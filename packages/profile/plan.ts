/**
 * From what a client asks to what must be done to the stored document: the heart of all writes.
 *
 * Only differences become operations. That makes writes idempotent, keeps history from growing by
 * repetition, and above all leaves untouched what others may be changing at the same moment.
 *
 *     put           what is shown and not in the body goes, except counters
 *     merge-patch   what is not named stays; null removes
 *     both          a member is written in the slot of its kind; the other slots that are shown are
 *                   cleared, so that a change of type is seen by everybody who sees the new value
 *
 * All faults are collected before any is reported; the stored document is only read.
 */
import { AtollError, limits } from "@atoll/core";
import type { JsonObject, JsonScalar, JsonValue } from "./json.ts";
import { invalid, isJsonArray, isJsonObject, isJsonScalar, memberOf } from "./json.ts";
import { sameJson } from "./canonical.ts";
import type { Operation, Planning, StoredPath } from "./operations.ts";
import { automergeOperations, newPlanning } from "./operations.ts";
import type { ContainerPath } from "./containers.ts";
import { planList } from "./plan-list.ts";
import { childPointer, parsePointer } from "./pointer.ts";
import { clearMember, clearSlot } from "./plan-clear.ts";
import type { Site } from "./plan-site.ts";
import { childSite, mark, refuseCounter, rootSite } from "./plan-site.ts";
import type { SchemaNode } from "./schema.ts";
import type { Slot } from "./slots.ts";
import { MAP_MARK, markKey, targetSlot } from "./slots.ts";
import type { StoredMap } from "./stored.ts";
import {
  storedAt,
  storedCounter,
  storedList,
  storedMap,
  storedScalar,
  storedText,
} from "./stored.ts";
import { diffText } from "./text-diff.ts";
import { memberNames, setKey, showSet, showSlot, shownSlots } from "./view.ts";

export interface Plan {
  readonly operations: readonly Operation[];
  readonly containers: readonly ContainerPath[];
}

/** Automerge hands out larger counters as bigint and then cannot increment them. */
const COUNTER_MAX = Number.MAX_SAFE_INTEGER - 1;

type Mode = "put" | "merge";

const EXPECTED: Readonly<Record<SchemaNode["kind"], string>> = {
  register: "a string, number, boolean or null",
  text: "a string (text)",
  counter: "a number (counter)",
  set: "an array (set)",
  list: "an array (list)",
  map: "an object (map)",
};

/** Throws `AtollError`: `validation-failed`, `counter-requires-increment`. */
export function planPut(profile: StoredMap, root: SchemaNode, value: JsonObject): Plan {
  const planning = newPlanning();
  planMembers(planning, rootSite(profile, root), value, "put");
  return finish(planning);
}

/** Throws as `planPut` does. */
export function planMergePatch(profile: StoredMap, root: SchemaNode, patch: JsonObject): Plan {
  const planning = newPlanning();
  planMembers(planning, rootSite(profile, root), patch, "merge");
  return finish(planning);
}

/** Throws `AtollError("validation-failed")` when the pointer names no counter. */
export function planIncrement(
  profile: StoredMap,
  root: SchemaNode,
  increment: { readonly pointer: string; readonly by: number },
): Plan {
  const { pointer, by } = increment;
  const fault = (detail: string): AtollError => invalid([{ pointer, code: "increment", detail }]);
  if (!Number.isSafeInteger(by)) throw fault("the increment must be an integer");
  const names = parsePointer(pointer);
  if (names === undefined || names.length === 0) throw fault("is not the pointer of a counter");
  const planning = newPlanning();
  let site = rootSite(profile, root);
  for (const [i, name] of names.entries()) {
    const node = site.members.get(name);
    const isLast = i === names.length - 1;
    if (node === undefined || node.kind !== (isLast ? "counter" : "map")) {
      throw fault("is not a counter");
    }
    const slot = targetSlot(node, name, "map");
    if (isLast) addToCounter(planning, site, { name, node, slot, by });
    else site = childSite(planning, site, name, slot);
  }
  return finish(planning);
}

/** The plan, if nothing was found wrong with it. */
export function finish(planning: Planning): Plan {
  if (planning.faults.length > 0) throw invalid(planning.faults.slice(0, limits.FAULTS_MAX));
  const faults = planning.counterFaults.slice(0, limits.FAULTS_MAX);
  if (faults[0] !== undefined) {
    const detail = `${faults[0].pointer} is a counter: increment it instead of setting it`;
    throw new AtollError("counter-requires-increment", detail, { faults });
  }
  const count = automergeOperations(planning.operations);
  if (count > limits.CHANGE_OPS_MAX) {
    const detail = `would be ${count} operations; at most ${limits.CHANGE_OPS_MAX} go at once`;
    throw invalid([{ pointer: "", code: "too-many-operations", detail }]);
  }
  return planning;
}

/** True when something that was shown directly in this map is removed. */
function planMembers(planning: Planning, site: Site, desired: JsonObject, mode: Mode): boolean {
  let removed = false;
  if (mode === "put") {
    for (const name of [...memberNames(site.map, site.members)].sort()) {
      if (memberOf(desired, name) !== undefined) continue;
      removed = clearMember(planning, site, name, "leave") || removed;
    }
  }
  for (const name of Object.keys(desired).sort()) {
    const value = desired[name] as JsonValue;
    if (mode === "merge" && value === null) {
      removed = clearMember(planning, site, name, "refuse") || removed;
    } else planMember(planning, site, name, value, mode);
  }
  return removed;
}

export function planMember(
  planning: Planning,
  site: Site,
  name: string,
  value: JsonValue,
  mode: Mode,
): void {
  const node = site.members.get(name);
  const pointer = childPointer(site.pointer, name);
  if (!fits(node, value)) {
    const detail = `must be ${EXPECTED[(node as SchemaNode).kind]}`;
    planning.faults.push({ pointer, code: "type", detail });
    return;
  }
  const shown = shownSlots(site.map, name, node);
  const target = targetSlot(node, name, valueKind(value));
  const winner = shown[0];
  const isWinner = winner?.key === target.key;
  if (winner !== undefined && !isWinner) {
    // The same value in another slot: what it was called before a newer schema declared it.
    if (sameJson(showSlot(site.map, winner, node) ?? null, value)) return;
    for (const slot of shown) {
      if (slot.key !== target.key) clearSlot(planning, site, name, slot, "refuse");
    }
  }
  const before = planning.operations.length;
  const isShown = shown.some((slot) => slot.key === target.key);
  writeSlot(planning, site, { name, slot: target, isShown, value, mode });
  if (isWinner && target.kind !== "map" && planning.operations.length > before) {
    for (const slot of shown.slice(1)) clearSlot(planning, site, name, slot, "leave");
  }
}

function valueKind(value: JsonValue): "register" | "map" | "list" {
  if (isJsonObject(value)) return "map";
  return isJsonArray(value) ? "list" : "register";
}

function fits(node: SchemaNode | undefined, value: JsonValue): boolean {
  switch (node?.kind) {
    case undefined:
      return true;
    case "register":
      return isJsonScalar(value);
    case "text":
      return typeof value === "string";
    case "counter":
      return typeof value === "number";
    case "set":
    case "list":
      return isJsonArray(value);
    case "map":
      return isJsonObject(value);
  }
}

interface Write {
  readonly name: string;
  readonly slot: Slot;
  readonly isShown: boolean;
  readonly value: JsonValue;
  readonly mode: Mode;
}

function writeSlot(planning: Planning, site: Site, write: Write): void {
  const { name, slot, isShown, value, mode } = write;
  const stored = storedAt(site.map, slot.key);
  switch (slot.kind) {
    case "register":
      if (storedScalar(stored) !== value) {
        planning.operations.push({ kind: "put", at: site.at, key: slot.key, value });
      }
      return;
    case "map": {
      const child = childSite(planning, site, name, slot);
      const isMarked = storedAt(child.map, MAP_MARK) === true;
      if (!isShown) mark(planning, child.at, MAP_MARK, child.map);
      const removed = planMembers(planning, child, value as JsonObject, mode);
      if (isShown && !isMarked && removed) mark(planning, child.at, MAP_MARK, child.map);
      return;
    }
    case "counter": {
      if ((storedCounter(stored) ?? 0) !== value) refuseCounter(planning, site, name);
      else if (!isShown) mark(planning, site.at, markKey(slot.key), site.map);
      return;
    }
    case "text":
    case "list":
    case "set": {
      const isEmpty = (value as string | readonly JsonValue[]).length === 0;
      if (!isShown || isEmpty) mark(planning, site.at, markKey(slot.key), site.map);
      if (stored === undefined && !isEmpty) {
        planning.containers.push([...site.at.slice(1), slot.key]);
      }
      const at = [...site.at, slot.key];
      if (slot.kind === "text") {
        planText(planning, site.at, slot.key, storedText(stored) ?? "", value as string);
      } else if (slot.kind === "list") {
        planList(planning, at, storedList(stored) ?? [], value as readonly JsonValue[]);
      } else {
        const pointer = childPointer(site.pointer, name);
        planSet(planning, { at, pointer }, storedMap(stored) ?? {}, value as readonly JsonValue[]);
      }
      return;
    }
  }
}

function planText(
  planning: Planning,
  at: StoredPath,
  key: string,
  before: string,
  after: string,
): void {
  for (const splice of diffText(before, after).reverse()) {
    planning.operations.push({ kind: "text", at, key, ...splice });
  }
}

function planSet(
  planning: Planning,
  place: { readonly at: StoredPath; readonly pointer: string },
  current: StoredMap,
  desired: readonly JsonValue[],
): void {
  const wanted = new Map<string, JsonScalar>();
  for (const [i, item] of desired.entries()) {
    if (isJsonScalar(item)) {
      wanted.set(setKey(item), typeof item === "string" ? item.normalize("NFC") : item);
    } else {
      const pointer = childPointer(place.pointer, i);
      planning.faults.push({ pointer, code: "type", detail: "a set holds scalars only" });
    }
  }
  const held = showSet(current);
  for (const key of held.keys()) {
    if (!wanted.has(key)) planning.operations.push({ kind: "remove", at: place.at, key });
  }
  for (const key of [...wanted.keys()].sort()) {
    const value = wanted.get(key) as JsonScalar;
    if (!held.has(key)) planning.operations.push({ kind: "put", at: place.at, key, value });
  }
}

function addToCounter(
  planning: Planning,
  site: Site,
  counter: { name: string; node: SchemaNode; slot: Slot; by: number },
): void {
  const { name, node, slot, by } = counter;
  const stored = storedCounter(storedAt(site.map, slot.key));
  if (Math.abs(stored ?? 0) > COUNTER_MAX || Math.abs((stored ?? 0) + by) > COUNTER_MAX) {
    const pointer = childPointer(site.pointer, name);
    const detail = `the counter would leave ±${COUNTER_MAX}`;
    planning.faults.push({ pointer, code: "number-range", detail });
    return;
  }
  const shown = shownSlots(site.map, name, node);
  for (const other of shown) {
    if (other.key !== slot.key) clearSlot(planning, site, name, other, "leave");
  }
  if (by === 0 && shown[0]?.key === slot.key) return;
  mark(planning, site.at, markKey(slot.key), site.map);
  if (by === 0) return;
  if (stored === undefined) planning.containers.push([...site.at.slice(1), slot.key]);
  planning.operations.push({ kind: "add", at: site.at, key: slot.key, by });
}
