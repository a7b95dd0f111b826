/** What concurrent edits of one profile leave, stated as its users would. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Copy, Entry } from "./fleet.fixture.ts";
import { anyBody, withCopies } from "./fleet.fixture.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { isJsonObject } from "./json.ts";

const RUNS = { numRuns: 150 };

function exchange(copies: readonly Copy[], entries: readonly (Entry | undefined)[]): JsonObject {
  for (const copy of copies) {
    for (const entry of entries) if (entry !== undefined) copy.receive(entry);
  }
  const [first, second] = copies.map((copy) => copy.json());
  expect(second).toEqual(first);
  return first ?? {};
}

/** Objects all the way down whose leaves have names of their own, so that two never collide. */
function tree(leafName: string): fc.Arbitrary<JsonObject> {
  const name = fc.constantFrom("a", "b", "~", "place");
  return fc.letrec<{ object: JsonObject }>((tie) => ({
    object: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      fc.record({ [leafName]: fc.integer({ min: 0, max: 9 }) }, { noNullPrototype: true }),
      fc.dictionary(name, tie("object"), { maxKeys: 2, noNullPrototype: true }),
    ),
  })).object;
}

function union(a: JsonValue | undefined, b: JsonValue): JsonValue {
  if (!isJsonObject(a) || !isJsonObject(b)) return b;
  const merged: Record<string, JsonValue> = { ...a };
  for (const [name, value] of Object.entries(b)) merged[name] = union(merged[name], value);
  return merged;
}

test("a profile created in two regions at once holds the fields of both, at every depth", () => {
  fc.assert(
    fc.property(tree("x"), tree("y"), (left, right) => {
      withCopies(2, (copies) => {
        const a = copies[0]?.edit({ kind: "put", value: left });
        const b = copies[1]?.edit({ kind: "put", value: right });
        expect(exchange(copies, [a, b])).toEqual(union(left, right));
        expect(copies.map((copy) => copy.render().conflicts)).toEqual([0, 0]);
      });
    }),
    RUNS,
  );
});

test("a whole put and a patch of another field at the same time both survive", () => {
  fc.assert(
    fc.property(anyBody, tree("y"), (body, patch) => {
      withCopies(2, (copies) => {
        const base = { ...body, fa: 0, fb: { kept: 1 } };
        exchange(copies, [copies[0]?.edit({ kind: "put", value: base })]);
        const before = copies[0]?.json() ?? {};
        const a = copies[0]?.edit({ kind: "put", value: { ...before, fa: 1 } });
        const b = copies[1]?.edit({ kind: "merge-patch", patch: { fb: patch } });
        expect(exchange(copies, [a, b])).toEqual({
          ...before,
          fa: 1,
          fb: union({ kept: 1 }, patch),
        });
      });
    }),
    RUNS,
  );
});

test("an edit inside an object survives that the object is removed at the same time", () => {
  fc.assert(
    fc.property(tree("x"), tree("y"), fc.boolean(), (inside, patch, byPut) => {
      withCopies(2, (copies) => {
        const base = { keep: 1, o: { ...inside, z: "z" } };
        exchange(copies, [copies[0]?.edit({ kind: "put", value: base })]);
        const a = byPut
          ? copies[0]?.edit({ kind: "put", value: { keep: 1 } })
          : copies[0]?.edit({ kind: "merge-patch", patch: { o: null } });
        const b = copies[1]?.edit({ kind: "merge-patch", patch: { o: { ...patch, y: "new" } } });
        const merged = exchange(copies, [a, b]);
        expect(leavesOf(merged.o, "y")).toEqual(leavesOf({ ...patch, y: "new" }, "y"));
        expect(leavesOf(merged.o, "x")).toEqual([]);
        expect(merged.keep).toBe(1);
      });
    }),
    RUNS,
  );
});

/** Paths and values of all leaves with this name. */
function leavesOf(value: JsonValue | undefined, name: string, path = ""): string[] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value)
    .flatMap(([key, child]) =>
      isJsonObject(child)
        ? leavesOf(child, name, `${path}/${key}`)
        : key === name
          ? [`${path}/${key}=${JSON.stringify(child)}`]
          : [],
    )
    .sort();
}

const shapes: readonly JsonValue[] = [1, "s", [1], { x: 1 }];
const pairs = shapes.flatMap((left) =>
  shapes.filter((right) => right !== left).map((right) => ({ left, right })),
);

test.each(pairs)(
  "a member given $left and $right at once shows one everywhere until somebody settles it",
  ({ left, right }) => {
    withCopies(2, (copies) => {
      const a = copies[0]?.edit({ kind: "put", value: { m: left } });
      const b = copies[1]?.edit({ kind: "put", value: { m: right } });
      const merged = exchange(copies, [a, b]);
      expect([left, right]).toContainEqual(merged.m);
      expect(copies.map((copy) => copy.render().conflicts)).toEqual([1, 1]);
      const c = copies[0]?.edit({ kind: "merge-patch", patch: { m: "settled" } });
      expect(exchange(copies, [c])).toEqual({ m: "settled" });
      expect(copies.map((copy) => copy.render().conflicts)).toEqual([0, 0]);
    });
  },
);

test("increments add up and set members unite, whatever else happens at once", () => {
  const member = fc.constantFrom("a", "b", "c");
  const side = fc.record({ by: fc.integer({ min: -5, max: 5 }), tag: member });
  fc.assert(
    fc.property(side, side, (left, right) => {
      withCopies(2, (copies) => {
        const entries = [left, right].flatMap(({ by, tag }, i) => [
          copies[i]?.edit({ kind: "merge-patch", patch: { tags: [tag] } }),
          copies[i]?.edit({ kind: "increment", pointer: "/stats/n", by }),
        ]);
        const merged = exchange(copies, entries);
        expect(merged.tags).toEqual([...new Set([left.tag, right.tag])].sort());
        expect(merged.stats).toEqual({ n: left.by + right.by });
        expect(copies[0]?.render().conflicts).toBe(0);
      });
    }),
    RUNS,
  );
});
