/**
 * From a stored list to the desired one by the fewest operations.
 *
 * Items are compared by canonical JSON. An object that comes where an object goes is taken for the
 * same item edited, and only its differing fields are written: replacing it would discard what
 * others changed in it meanwhile. Inside items there are no slots: values lie as they are.
 */
import { pairItems } from "./align-items.ts";
import { canonicalJson, sameJson } from "./canonical.ts";
import type { JsonArray, JsonObject, JsonValue } from "./json.ts";
import { isJsonArray, isJsonObject, memberOf } from "./json.ts";
import type { Planning, StoredPath } from "./operations.ts";
import { diffSequences } from "./sequence-diff.ts";
import type { StoredMap } from "./stored.ts";
import { storedAt, storedList, storedMap } from "./stored.ts";
import { showPlain } from "./view.ts";

interface Splice {
  readonly index: number;
  readonly removed: number;
  readonly inserted: readonly JsonValue[];
}

/** `at` leads to the list itself. */
export function planList(
  planning: Planning,
  at: StoredPath,
  current: readonly unknown[],
  desired: JsonArray,
): void {
  const shown = current.map((item) => showPlain(item) ?? null);
  const splices: Splice[] = [];
  for (const hunk of diffSequences(shown.map(canonicalJson), desired.map(canonicalJson))) {
    const before = shown.slice(hunk.oldStart, hunk.oldStart + hunk.oldCount);
    const after = desired.slice(hunk.newStart, hunk.newStart + hunk.newCount);
    let [oldIndex, newIndex] = [0, 0];
    const replaceUpTo = (oldEnd: number, newEnd: number): void => {
      const inserted = after.slice(newIndex, newEnd);
      addSplice(splices, { index: hunk.oldStart + oldIndex, removed: oldEnd - oldIndex, inserted });
    };
    for (const pair of pairItems(before, after)) {
      replaceUpTo(pair.oldIndex, pair.newIndex);
      const index = hunk.oldStart + pair.oldIndex;
      const item = storedMap(current[index]) ?? {};
      planItem(planning, [...at, index], item, after[pair.newIndex] as JsonObject);
      oldIndex = pair.oldIndex + 1;
      newIndex = pair.newIndex + 1;
    }
    replaceUpTo(before.length, after.length);
  }
  for (const splice of splices.reverse()) {
    planning.operations.push({ kind: "splice", at, ...splice });
  }
}

/** From one stored item to a desired one, member by member. */
export function planItem(
  planning: Planning,
  at: StoredPath,
  current: StoredMap,
  desired: JsonObject,
): void {
  for (const key of Object.keys(current).sort()) {
    if (memberOf(desired, key) === undefined) {
      planning.operations.push({ kind: "remove", at, key });
    }
  }
  for (const key of Object.keys(desired).sort()) {
    const value = desired[key] as JsonValue;
    const stored = storedAt(current, key);
    const map = storedMap(stored);
    const list = storedList(stored);
    if (map !== undefined && isJsonObject(value)) planItem(planning, [...at, key], map, value);
    else if (list !== undefined && isJsonArray(value)) {
      planList(planning, [...at, key], list, value);
    } else {
      const shown = showPlain(stored);
      if (shown === undefined || !sameJson(shown, value)) {
        planning.operations.push({ kind: "put", at, key, value });
      }
    }
  }
}

/** Splices that touch become one. */
function addSplice(splices: Splice[], next: Splice): void {
  if (next.removed === 0 && next.inserted.length === 0) return;
  const last = splices.at(-1);
  if (last !== undefined && last.index + last.removed === next.index) {
    splices[splices.length - 1] = {
      index: last.index,
      removed: last.removed + next.removed,
      inserted: [...last.inserted, ...next.inserted],
    };
  } else splices.push(next);
}
