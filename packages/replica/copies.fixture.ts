// Three replicas without a network, and what to do with them: edits, and entries delivered in any order and
// more than once. Whoever holds the same entries must show the same bytes, heads and root.
import { expect } from "vitest";
import fc from "fast-check";
import type { LogEntry, ProfileId } from "@atoll/core";
import { ManualClock, SeededRandom, docIdOf, must, silentLog, toHex } from "@atoll/core";
import type { JsonObject, JsonValue, ProfileEdit } from "@atoll/profile";
import { MemoryStore } from "@atoll/store";
import { testCluster, testCodec } from "./fleet.fixture.ts";
import { Replica } from "./replica.ts";

/**
 * Of each property, with a new seed in every run of the suite. How documents merge is proven in the profile
 * room, at a third of the price, and in fleets by the simulator: here it is what lies between.
 */
export const RUNS = 100;
const cluster = testCluster();

export interface Copy {
  readonly replica: Replica;
  readonly entries: LogEntry[];
}

let current: readonly Copy[] = [];
let clock = new ManualClock();

/** The clock of the copies that were made last. */
export function testClock(): ManualClock {
  return clock;
}

/** Three empty replicas. Frees those of the run before: the collector does not see wasm memory. */
export function copies(): Copy[] {
  for (const { replica } of current) replica.documents.clear();
  clock = new ManualClock();
  const made = cluster.regions.map((region) => ({
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
  current = made;
  return made;
}

export function edit({ replica, entries }: Copy, id: string, profileEdit: ProfileEdit): void {
  replica.write(id as ProfileId, profileEdit, { precondition: {}, dep: new Map(), upsert: true });
  entries.push(...replica.flush());
}

/** Everything that anybody wrote, to everybody, in an order drawn from the seed, some of it twice. */
export function deliverAll(all: readonly Copy[], seed: number): void {
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

export function stateOf({ replica }: Copy, ids: readonly string[]): unknown {
  const profiles = ids.map((id) => {
    const { snapshot } = replica.read(id as ProfileId);
    const place = replica.placeOf(docIdOf(id as ProfileId));
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

export function expectSame(all: readonly Copy[], ids: readonly string[]): unknown {
  const [first, ...others] = all.map((copy) => stateOf(copy, ids));
  for (const other of others) expect(other).toEqual(first);
  expect(first).toMatchObject({ pending: 0 });
  return first;
}

export function jsonOf({ replica }: Copy, id: string): JsonObject {
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
export const bodies: fc.Arbitrary<JsonObject> = fc.record(
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
export const edits: fc.Arbitrary<ProfileEdit> = fc.oneof(
  { weight: 4, arbitrary: bodies.map((value): ProfileEdit => ({ kind: "put", value })) },
  { weight: 6, arbitrary: bodies.map((patch): ProfileEdit => ({ kind: "merge-patch", patch })) },
  { weight: 1, arbitrary: fc.constant<ProfileEdit>({ kind: "delete" }) },
  {
    weight: 1,
    arbitrary: fc.constant<ProfileEdit>({ kind: "increment", pointer: "/stats/followers", by: 1 }),
  },
);
