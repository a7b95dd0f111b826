import { must } from "@atoll/core";
import { expect, test } from "vitest";
import { mustParse, actorOf, Copy, fleetCodec } from "./fleet.fixture.ts";
import { DocumentError } from "./document-error.ts";
import { AutomergeDocument } from "./document.ts";
import type { Operation } from "./operations.ts";
import { socialProfileSchema } from "./social-profile.ts";
import { storedCounter, storedList, storedMap, storedScalar, storedText } from "./stored.ts";

test("Automerge's values are told apart as stored.ts says", () => {
  const document = AutomergeDocument.genesis(socialProfileSchema.root, "m");
  const at = ["profile"];
  const plain = { val: "x", value: 1, toJSON: "y" };
  document.perform(
    [
      { kind: "put", at, key: "map", value: plain },
      { kind: "put", at, key: "string", value: "string" },
      { kind: "put", at, key: "number", value: 1.5 },
      { kind: "put", at, key: "max", value: Number.MAX_SAFE_INTEGER },
      { kind: "put", at, key: "null", value: null },
      { kind: "put", at, key: "false", value: false },
      { kind: "text", at, key: "bio", index: 0, removed: 0, inserted: "text" },
    ],
    0,
  );
  const kinds = (value: unknown): string[] =>
    Object.entries({ storedMap, storedList, storedText, storedCounter, storedScalar })
      .filter(([, is]) => is(value) !== undefined)
      .map(([name]) => name);
  const { profile } = document;
  expect(kinds(profile.map)).toEqual(["storedMap"]);
  expect(kinds(profile.links)).toEqual(["storedList"]);
  expect(kinds(profile.bio)).toEqual(["storedText"]);
  expect(kinds(storedMap(profile.stats)?.followers)).toEqual(["storedCounter"]);
  for (const key of ["string", "number", "max", "null", "false"]) {
    expect(kinds(profile[key])).toEqual(["storedScalar"]);
  }
  expect(storedScalar(profile.max)).toBe(Number.MAX_SAFE_INTEGER);
  for (const alien of [new Uint8Array(2), new Date(0), undefined]) expect(kinds(alien)).toEqual([]);
  document.free();
});

const operations: Operation[] = [
  { kind: "put", at: ["profile"], key: "a", value: { deep: ["x", 1, null] } },
  { kind: "text", at: ["profile"], key: "bio", index: 0, removed: 0, inserted: "hi" },
  { kind: "splice", at: ["profile", "links"], index: 0, removed: 0, inserted: ["x", 2] },
  { kind: "add", at: ["profile", "stats"], key: "followers", by: 2 },
];

test("a fork shares nothing with the document it was forked from", () => {
  const genesis = AutomergeDocument.genesis(socialProfileSchema.root, "m");
  const [one, two] = [genesis.fork(actorOf(1)), genesis.fork(actorOf(2))];
  one.perform(operations, 1);
  expect(storedText(one.profile.bio)).toBe("hi");
  expect(storedText(two.profile.bio)).toBe("");
  expect(storedList(genesis.profile.links)).toEqual([]);
  one.free();
  expect(two.perform(operations, 1)?.length).toBeGreaterThan(0);
  two.free();
  genesis.free();
});

test("a change whose parents are missing is an error, not a queue", () => {
  const sender = new Copy(1);
  const first = sender.edit({ kind: "put", value: { a: 1 } });
  const second = sender.edit({ kind: "put", value: { a: 2 } });
  const receiver = new Copy(2);
  expect(() => receiver.profile.append([second?.change ?? new Uint8Array()])).toThrow(
    DocumentError,
  );
  receiver.profile.free();
  const tail = second?.change ?? new Uint8Array();
  expect(() => fleetCodec.open({ base: undefined, tail }, actorOf(3))).toThrow(DocumentError);
  expect(mustParse(tail).deps).toEqual([mustParse(first?.change ?? new Uint8Array()).hash]);
  sender.profile.free();
});

test("two different changes with one writer's number are an error", () => {
  const [one, two] = [new Copy(1), new Copy(1)];
  const a = one.edit({ kind: "put", value: { a: 1 } });
  two.edit({ kind: "put", value: { a: 2 } });
  expect(() => two.profile.append([a?.change ?? new Uint8Array()])).toThrow(DocumentError);
  one.profile.free();
  two.profile.free();
});

test("bytes that are no document are an error", () => {
  for (const base of [Buffer.from("x"), new Uint8Array(100)]) {
    expect(() => fleetCodec.open({ base, tail: new Uint8Array() }, actorOf(1))).toThrow(
      DocumentError,
    );
  }
});

test("an operation that cannot be done is an error", () => {
  const genesis = AutomergeDocument.genesis(socialProfileSchema.root, "m");
  const lost: Operation = { kind: "put", at: ["profile", "nowhere"], key: "a", value: 1 };
  expect(() => genesis.perform([lost], 1)).toThrow(DocumentError);
  genesis.free();
});

test("what is written into a map goes into the one that is there now", () => {
  const genesis = AutomergeDocument.genesis(socialProfileSchema.root, "m");
  const [one, two] = [genesis.fork(actorOf(1)), genesis.fork(actorOf(2))];
  const at = ["profile", "location"];
  one.perform([{ kind: "put", at, key: "city", value: "Ys" }], 1); // it knows the map's name now
  const replace: Operation = { kind: "put", at: ["profile"], key: "location", value: { a: 1 } };
  one.append([must(two.perform([replace], 1), "a change")]);
  one.perform([{ kind: "put", at, key: "b", value: 2 }], 1);
  const whole = AutomergeDocument.load(one.save(), actorOf(3));
  expect(storedMap(whole.profile.location)).toEqual(storedMap(one.profile.location));
  expect(storedMap(whole.profile.location)).toHaveProperty("b", 2);
  two.perform([replace], 2);
  two.perform([{ kind: "put", at, key: "c", value: 3 }], 2);
  expect(two.save().length).toBeGreaterThan(0); // compares every value
  expect(storedMap(two.profile.location)).toHaveProperty("c", 3);
  for (const document of [genesis, one, two, whole]) document.free();
});

test("freeing twice is freeing once, and a freed document is not used", () => {
  const copy = new Copy(1);
  copy.profile.free();
  copy.profile.free();
  expect(() => copy.profile.heads()).toThrow("freed");
});
