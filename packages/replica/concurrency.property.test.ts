// What two regions do to one place at the same moment: create it, or remove it while the other edits inside.
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { must } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import { RUNS, bodies, copies, deliverAll, edit, expectSame, jsonOf } from "./copies.fixture.ts";

describe("replicas that hold the same entries", () => {
  test("merge a profile that all of them created at once, field by field", () => {
    fc.assert(
      fc.property(fc.array(bodies, { minLength: 3, maxLength: 3 }), fc.nat(), (created, seed) => {
        const all = copies();
        for (const [i, value] of created.entries()) {
          edit(must(all[i], "copy"), "p", { kind: "put", value: { ...value, [`of${i}`]: i } });
        }
        deliverAll(all, seed);
        expectSame(all, ["p"]);
        expect(jsonOf(must(all[0], "copy"), "p")).toMatchObject({ of0: 0, of1: 1, of2: 2 });
      }),
      { numRuns: RUNS },
    );
  });

  test("merge a nested object that all of them created at once, at any depth", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("m", "n", "~o"), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (path, seed) => {
          const all = copies();
          edit(must(all[0], "copy"), "p", { kind: "put", value: { displayName: "Ada" } });
          deliverAll(all, seed);
          for (const [i, copy] of all.entries()) {
            const patch = nested(path, { [`of${i}`]: i });
            edit(copy, "p", { kind: "merge-patch", patch });
          }
          deliverAll(all, seed);
          expectSame(all, ["p"]);
          const expected = { displayName: "Ada", ...nested(path, { of0: 0, of1: 1, of2: 2 }) };
          expect(jsonOf(must(all[0], "copy"), "p")).toEqual(expected);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("keep an edit inside an object that another removed at the same time", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("location", "extra"),
        fc.boolean(),
        fc.nat(),
        (member, byPut, seed) => {
          const all = copies();
          const [a, b] = [must(all[0], "a"), must(all[1], "b")];
          edit(a, "p", {
            kind: "put",
            value: { displayName: "Ada", [member]: { city: "Rome", deep: { x: 1 } } },
          });
          deliverAll(all, seed);
          edit(
            a,
            "p",
            byPut
              ? { kind: "put", value: { displayName: "Ada" } }
              : { kind: "merge-patch", patch: { [member]: null } },
          );
          edit(b, "p", { kind: "merge-patch", patch: { [member]: { deep: { y: 2 } } } });
          deliverAll(all, seed);
          expectSame(all, ["p"]);
          expect(jsonOf(a, "p")).toEqual({ displayName: "Ada", [member]: { deep: { y: 2 } } });
        },
      ),
      { numRuns: RUNS },
    );
  });
});

function nested(path: readonly string[], leaf: JsonObject): JsonObject {
  return path.reduceRight<JsonObject>((value, key) => ({ [key]: value }), leaf);
}
