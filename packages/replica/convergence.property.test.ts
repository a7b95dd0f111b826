// Three replicas, edits at random, entries delivered in any order and more than once: whoever holds the
// same entries shows the same bytes, heads and root. No network here; `fleet.property` has one.
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import type { LogEntry, ProfileId } from "@atoll/core";
import {
  DEFAULT_TENANT,
  ManualClock,
  SeededRandom,
  docIdOf,
  must,
  silentLog,
  toHex,
} from "@atoll/core";
import type { JsonObject, JsonValue, ProfileEdit } from "@atoll/profile";
import { MemoryStore } from "@atoll/store";
import { testCluster, testCodec } from "./fleet.fixture.ts";
import { Replica } from "./replica.ts";

const RUNS = 500;
const cluster = testCluster();

interface Copy {
  readonly replica: Replica;
  readonly entries: LogEntry[];
}

function copies(): Copy[] {
  const clock = new ManualClock();
  return cluster.regions.map((region) => ({
    replica: new Replica({
      cluster,
      region,
      store: new MemoryStore(),
      clock,
      random: new SeededRandom(region.name),
      log: silentLog,
      codec: testCodec,
    }),
    entries: [],
  }));
}

function edit({ replica, entries }: Copy, id: string, profileEdit: ProfileEdit): void {
  replica.write(id as ProfileId, profileEdit, { precondition: {}, dep: new Map(), upsert: true });
  entries.push(...replica.flush());
}

/** Everything that anybody wrote, to everybody, in an order drawn from the seed, some of it twice. */
function deliverAll(all: readonly Copy[], seed: number): void {
  const written = all.flatMap(({ entries }) => entries);
  for (const [i, { replica }] of all.entries()) {
    const random = new SeededRandom(`${seed} ${i}`);
    const deliveries = written.filter(({ origin }) => origin !== replica.origin);
    deliveries.push(...deliveries.filter(() => random.below(3) === 0));
    for (let j = deliveries.length - 1; j > 0; j--) {
      const k = random.below(j + 1);
      [deliveries[j], deliveries[k]] = [must(deliveries[k], "k"), must(deliveries[j], "j")];
    }
    for (const entry of deliveries) {
      replica.ingest([entry], { region: "test", repair: false });
      if (random.below(2) === 0) replica.flush();
    }
    replica.flush();
  }
}

function stateOf({ replica }: Copy, ids: readonly string[]): unknown {
  const profiles = ids.map((id) => {
    const { snapshot } = replica.read(id as ProfileId);
    const place = replica.placeOf(docIdOf(DEFAULT_TENANT, id as ProfileId));
    const row = replica.store.readDocument(place);
    if (row !== undefined) {
      const heads = replica.documents.open(place).heads();
      expect(toHex(row.heads)).toBe(heads.map(toHex).join("")); // kept without opening it
    }
    return (
      snapshot && { json: snapshot.json, heads: snapshot.heads, conflicts: snapshot.hasConflicts }
    );
  });
  replica.flush();
  const { root, documents, changes } = replica.ledger;
  return { profiles, root: toHex(root), documents, changes, pending: replica.store.countPending() };
}

function expectSame(all: readonly Copy[], ids: readonly string[]): unknown {
  const [first, ...others] = all.map((copy) => stateOf(copy, ids));
  for (const other of others) expect(other).toEqual(first);
  expect(first).toMatchObject({ pending: 0 });
  return first;
}

function jsonOf({ replica }: Copy, id: string): JsonObject {
  return JSON.parse(must(replica.read(id as ProfileId).snapshot, id).json) as JsonObject;
}

const scalars = fc.constantFrom<JsonValue>("a", "b", 1, 2.5, true, null);
const values: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalars,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("x", "y", "~z"), tie("value"), { maxKeys: 2 }),
  ),
})).value;
const places: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom("city", "country", "extra"),
  fc.constantFrom("Oslo", "Rome"),
  { maxKeys: 3 },
);
const bodies: fc.Arbitrary<JsonObject> = fc.record(
  {
    displayName: fc.constantFrom("Ada", "Grace", "Alan"),
    bio: fc.string({ maxLength: 6, unit: "grapheme-ascii" }),
    interests: fc.array(fc.constantFrom("chess", "code", "tea"), { maxLength: 3 }),
    location: places,
    extra: values,
    other: values,
  },
  { requiredKeys: [] },
);
const edits: fc.Arbitrary<ProfileEdit> = fc.oneof(
  { weight: 4, arbitrary: bodies.map((value): ProfileEdit => ({ kind: "put", value })) },
  { weight: 6, arbitrary: bodies.map((patch): ProfileEdit => ({ kind: "merge-patch", patch })) },
  { weight: 1, arbitrary: fc.constant<ProfileEdit>({ kind: "delete" }) },
  {
    weight: 1,
    arbitrary: fc.constant<ProfileEdit>({ kind: "increment", pointer: "/stats/followers", by: 1 }),
  },
);
const ids = ["p", "q"];
const steps = fc.array(
  fc.record({ at: fc.nat(2), id: fc.constantFrom(...ids), edit: edits, deliver: fc.nat(9) }),
  { minLength: 1, maxLength: 7 },
);

describe("replicas that hold the same entries", () => {
  test("show the same bytes, heads and roots, in any order of arrival and with duplicates", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (history, seed) => {
        const all = copies();
        for (const step of history) {
          edit(must(all[step.at], "copy"), step.id, step.edit);
          if (step.deliver === 0) deliverAll(all, seed + 1); // not everything is concurrent
        }
        deliverAll(all, seed);
        expectSame(all, ids);
      }),
      { numRuns: RUNS },
    );
  });

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

  test("keep what a patch set while a put replaced everything it knew", () => {
    fc.assert(
      fc.property(bodies, bodies, fc.nat(), (before, after, seed) => {
        const all = copies();
        const [a, b] = [must(all[0], "a"), must(all[1], "b")];
        edit(a, "p", { kind: "put", value: before });
        deliverAll(all, seed);
        edit(a, "p", { kind: "put", value: after });
        edit(b, "p", {
          kind: "merge-patch",
          patch: { patched: "here", address: { street: "Elm" } },
        });
        deliverAll(all, seed);
        expectSame(all, ["p"]);
        expect(jsonOf(a, "p")).toMatchObject({ patched: "here", address: { street: "Elm" } });
      }),
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
