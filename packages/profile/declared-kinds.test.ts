/** What the schema declares, and how it may grow. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ProfileCodec } from "./codec.ts";
import type { ProfileEdit } from "./edit.ts";
import type { Refusal } from "./fleet.fixture.ts";
import { Copy, fleetCodec, fleetSchema, refusalOf } from "./fleet.fixture.ts";
import type { JsonObject } from "./json.ts";
import { parseProfileSchema } from "./schema.ts";

let copy: Copy;
beforeEach(() => {
  copy = new Copy(1);
});
afterEach(() => copy.profile.free());

const put = (value: JsonObject): unknown => copy.edit({ kind: "put", value });
const patch = (value: JsonObject): unknown => copy.edit({ kind: "merge-patch", patch: value });
const refusal = (edit: ProfileEdit): Refusal => refusalOf(copy, edit);

describe("declared kinds", () => {
  test("a value of another type is refused, all at once, by pointer and expected kind", () => {
    const value = { bio: 1, tags: "x", links: {}, place: [], later: { marks: 1 }, stats: null };
    expect(refusal({ kind: "put", value })).toEqual({
      code: "validation-failed",
      pointers: ["/bio", "/later/marks", "/links", "/place", "/stats", "/tags"],
    });
    expect(refusal({ kind: "merge-patch", patch: { place: { memo: [] } } }).pointers).toEqual([
      "/place/memo",
    ]);
  });

  test("sets hold scalars, each once, whatever its Unicode form", () => {
    put({ tags: ["b", 2, "a", "e\u0301", "\u00e9", true, null, "2", 2] });
    expect(copy.json()).toEqual({ tags: ["2", "a", "b", "é", 2, null, true] });
    expect(refusal({ kind: "put", value: { tags: ["a", [], {}] } }).pointers).toEqual([
      "/tags/1",
      "/tags/2",
    ]);
  });
});

describe("a schema that grows", () => {
  /** A region that does not know yet what the fleet's schema declares since version 2. */
  const older = new ProfileCodec(
    parseProfileSchema({
      ...fleetSchema.source,
      properties: Object.fromEntries(
        Object.entries(fleetSchema.source.properties as JsonObject).filter(
          ([name]) => name !== "notes" && name !== "later",
        ),
      ),
    }),
  );

  test("keeps its genesis, and both versions show the same", () => {
    const old = new Copy(2, older);
    expect(older.genesisHash).toEqual(fleetCodec.genesisHash);
    const theirs = old.edit({
      kind: "put",
      value: { notes: "old", later: { a: 1, marks: ["m"] } },
    });
    if (theirs !== undefined) copy.receive(theirs);
    expect(copy.json()).toEqual({ notes: "old", later: { a: 1, marks: ["m"] } });
    const mine = copy.edit({
      kind: "merge-patch",
      patch: { notes: "new text", later: { a: 2, marks: ["n", "m"] } },
    });
    if (mine !== undefined) old.receive(mine);
    expect(old.json()).toEqual({ notes: "new text", later: { a: 2, marks: ["m", "n"] } });
    expect(old.render()).toEqual(copy.render());
    old.edit({ kind: "merge-patch", patch: { notes: "old again" } });
    expect(old.json().notes).toBe("old again");
    old.profile.free();
  });

  test("a counter is not overwritten by a region that does not know it", () => {
    const old = new Copy(2, older);
    const mine = copy.edit({ kind: "increment", pointer: "/later/hits", by: 2 });
    if (mine !== undefined) old.receive(mine);
    expect(old.edit({ kind: "merge-patch", patch: { later: { hits: 5 } } })).toBeUndefined();
    expect(old.edit({ kind: "merge-patch", patch: { later: 5 } })).toBeUndefined();
    expect(old.json()).toEqual({ later: { hits: 2 } });
    old.profile.free();
  });
});

describe("counters", () => {
  const increment = (by: number, pointer = "/stats/n"): unknown =>
    copy.edit({ kind: "increment", pointer, by });

  test("increments add, decrements too, and zero makes it show", () => {
    increment(0);
    expect(copy.json()).toEqual({ stats: { n: 0 } });
    increment(5);
    increment(-7);
    expect(copy.json()).toEqual({ stats: { n: -2 } });
    expect(increment(0)).toBeUndefined();
    increment(2, "/later/hits");
    expect(copy.json()).toEqual({ stats: { n: -2 }, later: { hits: 2 } });
  });

  test("the same number is nothing new, another one is refused", () => {
    put({ stats: { n: 0 } });
    expect(copy.json()).toEqual({ stats: { n: 0 } });
    increment(3);
    expect(put({ stats: { n: 3 } })).toBeUndefined();
    const refused = { code: "counter-requires-increment", pointers: ["/stats/n"] };
    expect(refusal({ kind: "put", value: { stats: { n: 4 } } })).toEqual(refused);
    expect(refusal({ kind: "merge-patch", patch: { stats: { n: 4 } } })).toEqual(refused);
    expect(refusal({ kind: "merge-patch", patch: { stats: { n: null } } })).toEqual(refused);
    expect(refusal({ kind: "merge-patch", patch: { stats: null } })).toEqual(refused);
  });

  test("a put that omits a counter leaves it, and removes the rest", () => {
    increment(3);
    patch({ stats: { x: 1 }, y: 1 });
    put({});
    expect(copy.json()).toEqual({ stats: { n: 3 } });
  });

  test("null for a counter that is not shown is nothing", () => {
    put({ a: 1 });
    expect(patch({ stats: { n: null } })).toBeDefined(); // states that `stats` is there
    expect(copy.json()).toEqual({ a: 1, stats: {} });
  });

  test.each(["", "/stats", "/bio", "/stats/other", "/nowhere/n", "stats/n", "/stats/n/x"])(
    "%j is not a counter",
    (pointer) => {
      expect(refusal({ kind: "increment", pointer, by: 1 }).code).toBe("validation-failed");
    },
  );

  test("a counter that concurrent increments drove out of bounds still shows", () => {
    const other = new Copy(2);
    const by = Number.MAX_SAFE_INTEGER - 1;
    const theirs = other.edit({ kind: "increment", pointer: "/stats/n", by });
    increment(by);
    if (theirs !== undefined) copy.receive(theirs);
    expect(copy.json()).toEqual({ stats: { n: 2 * by } });
    expect(refusal({ kind: "increment", pointer: "/stats/n", by: -1 }).code).toBe(
      "validation-failed",
    );
    other.profile.free();
  });

  test("an increment is an integer and keeps the counter one", () => {
    for (const by of [0.5, NaN, Infinity, 2 ** 53]) {
      expect(refusal({ kind: "increment", pointer: "/stats/n", by }).code).toBe(
        "validation-failed",
      );
    }
    increment(Number.MAX_SAFE_INTEGER - 1);
    expect(copy.json()).toEqual({ stats: { n: Number.MAX_SAFE_INTEGER - 1 } });
    expect(refusal({ kind: "increment", pointer: "/stats/n", by: 1 }).code).toBe(
      "validation-failed",
    );
  });
});
