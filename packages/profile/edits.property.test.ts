/** One copy: what was written is what is read, and nothing is recorded without need. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "@atoll/core";
import { canonicalJson } from "./canonical.ts";
import { ProfileCodec } from "./codec.ts";
import {
  Copy,
  actorOf,
  anyBody,
  anyEdit,
  anyJson,
  fleetCodec,
  mustParse,
  withCopies,
} from "./fleet.fixture.ts";
import type { JsonObject, JsonScalar, JsonValue } from "./json.ts";
import { mergeObject } from "./merge-patch.ts";
import { automergeOperations } from "./operations.ts";
import { planPut } from "./plan.ts";
import { parseProfileSchema } from "./schema.ts";
import { setKey } from "./view.ts";

const RUNS = { numRuns: 150 };

/** What a body reads back as: sets are sorted, without duplicates. */
function normalised(body: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = { ...body };
  const sorted = (values: JsonValue): JsonValue => {
    const byKey = new Map(
      (values as JsonScalar[]).map((value) => [
        setKey(value),
        typeof value === "string" ? value.normalize("NFC") : value,
      ]),
    );
    return [...byKey.keys()].sort().map((key) => byKey.get(key) as JsonScalar);
  };
  if (result.tags !== undefined) result.tags = sorted(result.tags);
  const later = result.later as JsonObject | undefined;
  if (later?.marks !== undefined) result.later = { ...later, marks: sorted(later.marks) };
  return result;
}

test("what is put is read, whatever was there before, and putting it again is nothing", () => {
  fc.assert(
    fc.property(fc.array(anyBody, { minLength: 1, maxLength: 2 }), (bodies) => {
      withCopies(1, ([copy]) => {
        for (const value of bodies) {
          copy?.edit({ kind: "put", value });
          expect(copy?.render().json).toBe(canonicalJson(normalised(value)));
          const heads = copy?.heads();
          expect(copy?.edit({ kind: "put", value })).toBeUndefined();
          expect(copy?.edit({ kind: "put", value: copy.json() })).toBeUndefined();
          expect(copy?.heads()).toEqual(heads);
        }
      });
    }),
    RUNS,
  );
});

const mapsOnly = new ProfileCodec(
  parseProfileSchema({ properties: { place: { type: "object", "x-crdt": "map" } } }),
);
const anyObject = fc.dictionary(fc.constantFrom("a", "b", "~m:a", "constructor"), anyJson, {
  maxKeys: 3,
  noNullPrototype: true,
});
const anyTarget = fc
  .tuple(anyObject, fc.option(anyObject))
  .map(([free, place]) => (place === null ? free : { ...free, place }));

test("a merge patch does what RFC 7396 says, on any profile", () => {
  fc.assert(
    fc.property(anyTarget, fc.array(anyTarget, { minLength: 1, maxLength: 2 }), (body, patches) => {
      const copy = new Copy(0, mapsOnly);
      copy.edit({ kind: "put", value: body });
      for (const patch of patches) {
        const expected = canonicalJson(mergeObject(copy.json(), patch));
        copy.edit({ kind: "merge-patch", patch });
        expect(copy.render().json).toBe(expected);
      }
      copy.profile.free();
    }),
    RUNS,
  );
});

test("the same edits give the same bytes, and saving loses nothing", () => {
  fc.assert(
    fc.property(fc.array(anyEdit, { minLength: 1, maxLength: 3 }), (edits) => {
      const run = (reopen: boolean): unknown => {
        let copy = new Copy(0);
        const made = edits.map((edit, i) => {
          const entry = copy.edit(edit);
          if (reopen && i === 0) copy = reopened(copy);
          return entry === undefined
            ? ""
            : toHex(Buffer.concat([...entry.containers, entry.change]));
        });
        const result = { made, saved: toHex(copy.profile.save()), rendered: copy.render() };
        copy.profile.free();
        return result;
      };
      expect(run(true)).toEqual(run(false));
    }),
    RUNS,
  );
});

/** The same copy after its document went to disk and came back. */
function reopened(copy: Copy): Copy {
  const base = copy.profile.save();
  const profile = fleetCodec.open({ base, tail: new Uint8Array() }, actorOf(0));
  expect(profile.heads()).toEqual(copy.profile.heads());
  expect(profile.render()).toEqual(copy.profile.render());
  copy.profile.free();
  return copy.continueWith(profile);
}

test("a plan never underestimates the operations that it becomes", () => {
  fc.assert(
    fc.property(anyBody, (value) => {
      withCopies(1, ([copy]) => {
        const plan = planPut({}, fleetCodec.schema.root, value);
        const entry = copy?.edit({ kind: "put", value });
        if (entry === undefined) throw new Error("a first put always changes");
        const identityOperations = 1;
        expect(mustParse(entry.change).opCount).toBeLessThanOrEqual(
          automergeOperations(plan.operations) + identityOperations,
        );
        expect(
          entry.containers.every((chunk) => fleetCodec.isContainerChange(mustParse(chunk))),
        ).toBe(true);
      });
    }),
    RUNS,
  );
});
