/**
 * JSON Patch on a profile (RFC 6902): what each operation means for maps, sets, lists, texts, counters.
 *
 *     of a list      add inserts, remove takes out, replace edits an object member by member
 *     of a set       `/tags/-` or any index adds; an index removes or replaces the element shown there;
 *                    `test` of a whole set does not look at the order
 *     of a text      replace is a difference, not a new text
 *     of a counter   only its present value may be written: `increment` is a native operation
 *     move           removes and adds: what others change meanwhile stays where it was
 */
import { AtollError } from "@atoll/core";
import type { JsonValue } from "./json.ts";
import { isJsonObject } from "./json.ts";
import type { PatchOperation } from "./json-patch.ts";
import { mustTokens } from "./plan-steps.ts";
import type { Steps } from "./plan-steps.ts";
import { planPut } from "./plan.ts";
import { childPointer } from "./pointer.ts";

/** Throws `AtollError`: patch-test-failed, validation-failed, counter-requires-increment. */
export function planJsonPatch(steps: Steps, patch: readonly PatchOperation[]): void {
  for (const [index, operation] of patch.entries()) {
    steps.step(index, () => planOperation(steps, index, operation));
  }
}

function planOperation(steps: Steps, index: number, operation: PatchOperation): void {
  const path = mustTokens(operation.path);
  switch (operation.op) {
    case "add":
      return add(steps, path, operation.value);
    case "replace":
      return replace(steps, path, operation.value);
    case "remove":
      return remove(steps, path, "/path");
    case "test":
      if (!steps.isSame(path, operation.value)) throw testFailed(index, operation.path);
      return;
    case "copy":
    case "move": {
      const from = mustTokens(operation.from);
      const value = steps.valueAt(from);
      if (value === undefined) throw steps.missing("/from");
      if (operation.op === "copy") return add(steps, path, value);
      if (isWithin(path, from)) {
        if (path.length === from.length) return; // onto itself
        throw steps.fault("move", "nothing moves into itself", "/path");
      }
      remove(steps, from, "/from");
      return add(steps, path, value);
    }
  }
}

function add(steps: Steps, path: readonly string[], value: JsonValue): void {
  if (path.length === 0) return replaceAll(steps, value);
  steps.checkValue(path, value);
  const place = steps.locate(path);
  if (place === undefined) throw steps.missing();
  switch (place.kind) {
    case "item":
      return steps.insertItems(place, [value]);
    case "element":
      return steps.changeElements(place.owner, (held) => held.set(...steps.element(value)));
    default:
      return steps.replace(place, value);
  }
}

function replace(steps: Steps, path: readonly string[], value: JsonValue): void {
  if (path.length === 0) return replaceAll(steps, value);
  steps.checkValue(path, value);
  const place = steps.locate(path);
  if (place === undefined || steps.valueAt(path) === undefined) throw steps.missing();
  steps.replace(place, value);
}

function remove(steps: Steps, path: readonly string[], member: string): void {
  if (path.length === 0) throw steps.fault("root", "a profile is removed by DELETE", member);
  const place = steps.locate(path);
  if (place === undefined || !steps.remove(place)) throw steps.missing(member);
}

function replaceAll(steps: Steps, value: JsonValue): void {
  if (!isJsonObject(value)) throw steps.fault("type", "a profile is a JSON object", "/value");
  steps.checkValue([], value);
  steps.do(() => planPut(steps.profile, steps.root, value));
}

function isWithin(path: readonly string[], outer: readonly string[]): boolean {
  return outer.length <= path.length && outer.every((token, i) => token === path[i]);
}

function testFailed(index: number, path: string): AtollError {
  const detail = `operation ${index}: ${path || "the profile"} has another value`;
  const fault = { pointer: childPointer("", index), code: "test", detail: "has another value" };
  return new AtollError("patch-test-failed", detail, { faults: [fault] });
}
