/**
 * Which removed items and which new ones are the same item, edited.
 *
 * Inside one hunk of a list's difference the order is kept, and among all ways to pair old objects
 * with new ones the one is taken whose pairs have the most members in common: that is how an insert
 * before an edited item does not look like two edits.
 */
import { limits } from "@atoll/core";
import { sameJson } from "./canonical.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { isJsonObject, memberOf } from "./json.ts";

export interface ItemPair {
  readonly oldIndex: number;
  readonly newIndex: number;
}

/**
 * Ascending in both indexes. Only objects are paired: scalars and arrays have no fields to edit.
 */
export function pairItems(before: readonly JsonValue[], after: readonly JsonValue[]): ItemPair[] {
  if (before.length * after.length > limits.DIFF_ITEMS_COMPARED_MAX) {
    return pairByPosition(before, after);
  }
  const width = after.length + 1;
  // best[i * width + j]: the most that old items from i and new items from j have in common
  const best = new Float64Array((before.length + 1) * width);
  const at = (i: number, j: number): number => best[i * width + j] as number;
  const likeness = before.map((old) => after.map((item) => commonMembers(old, item)));
  const paired = (i: number, j: number): number => {
    const common = likeness[i]?.[j];
    return common === undefined ? -1 : common + at(i + 1, j + 1);
  };
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      best[i * width + j] = Math.max(paired(i, j), at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: ItemPair[] = [];
  for (let i = 0, j = 0; i < before.length && j < after.length;) {
    if (paired(i, j) === at(i, j)) pairs.push({ oldIndex: i++, newIndex: j++ });
    else if (at(i + 1, j) === at(i, j)) i++;
    else j++;
  }
  return pairs;
}

function pairByPosition(before: readonly JsonValue[], after: readonly JsonValue[]): ItemPair[] {
  const pairs: ItemPair[] = [];
  for (let i = 0; i < Math.min(before.length, after.length); i++) {
    if (isJsonObject(before[i]) && isJsonObject(after[i])) {
      pairs.push({ oldIndex: i, newIndex: i });
    }
  }
  return pairs;
}

/** From 1 for two objects that share nothing; undefined for what cannot be paired. */
function commonMembers(a: JsonValue, b: JsonValue): number | undefined {
  if (!isJsonObject(a) || !isJsonObject(b)) return undefined;
  return 1 + 4 * Object.keys(a).filter((name) => isCommon(a, b, name)).length;
}

function isCommon(a: JsonObject, b: JsonObject, name: string): boolean {
  const other = memberOf(b, name);
  return other !== undefined && sameJson(a[name] as JsonValue, other);
}
