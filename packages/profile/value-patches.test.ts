import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject, JsonValue } from "./json.ts";
import { parseProfileSchema } from "./schema.ts";
import type { ValuePatch } from "./value-patches.ts";
import { diffPatches } from "./value-patches.ts";

const { root } = parseProfileSchema({
  type: "object",
  properties: {
    bio: { type: "string", "x-crdt": "text" },
    likes: { type: "integer", "x-crdt": "counter" },
    place: {
      type: "object",
      "x-crdt": "map",
      properties: { note: { type: "string", "x-crdt": "text" } },
    },
  },
});

/** What a program does with patches. */
function applied(before: JsonValue, patches: readonly ValuePatch[]): JsonValue {
  type Holder = Record<string | number, JsonValue> & JsonValue[];
  const root = { value: structuredClone(before) } as unknown as Holder;
  for (const patch of patches) {
    const path = ["value", ...patch.path];
    const isText = patch.action === "splice" || (patch.action === "del" && "length" in patch);
    const index = isText ? Number(path.pop()) : 0;
    const key = path.pop() as string;
    const holder = path.reduce<Holder>((at, name) => at[name] as Holder, root);
    const text = typeof holder[key] === "string" ? holder[key] : "";
    if (patch.action === "put") holder[key] = patch.value;
    else if (patch.action === "insert") holder.splice(Number(key), 0, ...patch.values);
    else if (patch.action === "inc") holder[key] = (holder[key] as number) + patch.value;
    else if (patch.action === "splice") {
      holder[key] = text.slice(0, index) + patch.value + text.slice(index);
    } else if (patch.length !== undefined) {
      holder[key] = text.slice(0, index) + text.slice(index + patch.length);
    } else if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  }
  return root["value"] as JsonValue;
}

test("text changes by characters, counters by how much, lists item by item", () => {
  const before = { bio: "one two three", likes: 3, tags: ["a", "b"], place: { note: "x" } };
  const after = { bio: "one too three", likes: 5, tags: ["a", "c", "b"], place: { note: "xy" } };
  expect(diffPatches(before, after, root)).toEqual([
    { action: "del", path: ["bio", 5], length: 1 },
    { action: "splice", path: ["bio", 5], value: "o" },
    { action: "inc", path: ["likes"], value: 2 },
    { action: "splice", path: ["place", "note", 1], value: "y" },
    { action: "insert", path: ["tags", 1], values: ["c"] },
  ]);
});

test("applied one after the other they make the second version of the first", () => {
  const value = fc.letrec<{ json: JsonValue }>((tie) => ({
    json: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<JsonValue>(null, true, 0, 1, "", "one", "one two"),
      fc.array(tie("json"), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom("a", "b", "0"), tie("json"), { maxKeys: 3 }),
    ),
  })).json;
  const profile = fc.record(
    {
      bio: fc.constantFrom("", "one two", "two one", "one, two and three", "ö🙂x"),
      likes: fc.integer({ min: -5, max: 5 }),
      a: value,
      b: value,
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JsonObject>;
  fc.assert(
    fc.property(profile, profile, (before, after) => {
      expect(applied(before, diffPatches(before, after, root))).toEqual(after);
    }),
    { numRuns: 300 },
  );
});
