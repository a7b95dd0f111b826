/**
 * What a plan consists of: the few things that are ever done to a stored document.
 *
 * Plans are plain data, so that planning needs no Automerge, and a plan that turns out to be
 * unacceptable half way through has touched nothing. Positions are those of the document before the
 * plan: whoever plans a list or text emits its splices last one first, after all edits inside
 * items.
 */
import type { FieldFault } from "@atoll/core";
import type { JsonValue } from "./json.ts";
import { isJsonScalar } from "./json.ts";
import type { ContainerPath } from "./containers.ts";

/** Keys and indexes from the root of the document to a map or list. */
export type StoredPath = readonly (string | number)[];

export type Operation =
  /** `value` may be a whole tree: containers inside list items are made in place. */
  | {
      readonly kind: "put";
      readonly at: StoredPath;
      readonly key: string;
      readonly value: JsonValue;
    }
  | { readonly kind: "remove"; readonly at: StoredPath; readonly key: string }
  | {
      readonly kind: "splice";
      readonly at: StoredPath;
      readonly index: number;
      readonly removed: number;
      readonly inserted: readonly JsonValue[];
    }
  /** Positions in UTF-16 code units. */
  | {
      readonly kind: "text";
      readonly at: StoredPath;
      readonly key: string;
      readonly index: number;
      readonly removed: number;
      readonly inserted: string;
    }
  | { readonly kind: "add"; readonly at: StoredPath; readonly key: string; readonly by: number };

/** A plan in the making. */
export interface Planning {
  readonly operations: Operation[];
  /** Containers that do not exist yet and are written into; parents before children. */
  readonly containers: ContainerPath[];
  readonly faults: FieldFault[];
  /** Counters that were given another value instead of an increment. */
  readonly counterFaults: FieldFault[];
}

export function newPlanning(): Planning {
  return { operations: [], containers: [], faults: [], counterFaults: [] };
}

/** Upper bound of the Automerge operations that these become. */
export function automergeOperations(operations: readonly Operation[]): number {
  let count = 0;
  for (const operation of operations) {
    switch (operation.kind) {
      case "put":
        count += nodes(operation.value);
        break;
      case "splice":
        count += operation.removed;
        for (const item of operation.inserted) count += nodes(item);
        break;
      case "text":
        count += operation.removed + operation.inserted.length;
        break;
      case "remove":
      case "add":
        count += 1;
        break;
    }
  }
  return count;
}

function nodes(value: JsonValue): number {
  if (isJsonScalar(value)) return 1;
  let count = 1;
  for (const child of Object.values<JsonValue>(value)) count += nodes(child);
  return count;
}
