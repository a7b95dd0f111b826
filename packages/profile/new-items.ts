/**
 * JSON that is put at the head of a list or text, as rows of a change: in the order in which Automerge makes them.
 *
 *     items one after the other ──▶ what lies in each of those that are maps or lists ──▶ what lies in those …
 *
 * A map or list is named by the operation that makes it, so all names are known before anything is made.
 */
import { limits } from "@atoll/core";
import { isWritable } from "./change-writer.ts";
import type { NewRow, OperationId } from "./change-writer.ts";
import type { JsonObject, JsonScalar, JsonValue } from "./json.ts";
import { isJsonArray, isJsonScalar } from "./json.ts";

/** `first`: the number of the first operation. */
export function newItemRows(
  object: OperationId,
  items: readonly JsonValue[],
  first: number,
): NewRow[] {
  const rows: NewRow[] = [];
  const made: { readonly name: number; readonly value: Exclude<JsonValue, JsonScalar> }[] = [];
  const add = (place: NewPlace, value: JsonValue): number => {
    const name = first + rows.length;
    if (isJsonScalar(value)) rows.push({ ...place, action: "put", value });
    else {
      made.push({ name, value });
      rows.push({ ...place, action: isJsonArray(value) ? "make-list" : "make-map" });
    }
    return name;
  };
  const addItems = (to: OperationId | number, values: readonly JsonValue[]): void => {
    let after = 0;
    for (const value of values) after = add({ object: to, after }, value);
  };
  addItems(object, items);
  for (const { name, value } of made) {
    if (isJsonArray(value)) addItems(name, value);
    else for (const key of sortedKeys(value)) add({ object: name, key }, value[key] ?? null);
  }
  return rows;
}

type NewPlace =
  | { readonly object: number; readonly key: string }
  | { readonly object: OperationId | number; readonly after: number };

/** By their bytes in UTF-8. */
function sortedKeys(map: JsonObject): string[] {
  return Object.keys(map).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Whether they are few, and such that Automerge would write them as we do. */
export function areNewItems(items: readonly JsonValue[]): boolean {
  let left = limits.NEW_ITEM_ROWS_MAX;
  const isOne = (value: JsonValue): boolean => {
    if (left-- <= 0) return false;
    if (isJsonScalar(value)) return isWritable(value) && !isWrittenOtherwise(value);
    if (isJsonArray(value)) return value.every(isOne);
    return !Object.hasOwn(value, "__proto__") && Object.values(value).every(isOne);
  };
  return items.length > 0 && items.every(isOne);
}

/** Here, and nowhere else, Automerge 3.5.0 writes integers as doubles that are not above zero. */
function isWrittenOtherwise(value: JsonScalar): boolean {
  return typeof value === "number" && Number.isInteger(value) && value <= 0;
}
