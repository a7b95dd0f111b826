import { expect, test } from "vitest";
import { assert, toHex } from "@atoll/core";
import { ProfileCodec } from "./codec.ts";
import { containerMessage, parseContainerMessage } from "./containers.ts";
import { DocumentError } from "./document-error.ts";
import type { Entry } from "./fleet.fixture.ts";
import { Copy, actorOf, fleetCodec, fleetSchema, identity, mustParse } from "./fleet.fixture.ts";
import { parseProfileSchema } from "./schema.ts";
import { socialProfileSchema } from "./social-profile.ts";

function mustEdit(copy: Copy, value: Parameters<Copy["edit"]>[0]): Entry {
  const entry = copy.edit(value);
  assert(entry !== undefined, "the edit changes something");
  return entry;
}

test("the genesis of the built-in schema is what it always was", () => {
  // A different hash makes every existing document unreadable. Change the schema with x-crdt-since.
  expect(toHex(new ProfileCodec(socialProfileSchema).genesisHash)).toBe(
    "a7824423aa521b98b3bc044d85830dd400657315f38046df30d40d8b94e43c2a",
  );
});

test("a container change is what it always was", () => {
  const copy = new Copy(1);
  const { containers } = mustEdit(copy, { kind: "put", value: { a: { b: [1] } } });
  expect(containers.map((chunk) => toHex(mustParse(chunk).hash))).toEqual([
    "3bc60616939ad14e2a4802ad1a03ef7bc37620a251d101ceaabe03b1dbfe02fc",
    "32b0b89f706baa58aa7a89e4a47aa6df044ffc84d43ed82796e0ed8cb7a5bde9",
  ]);
  copy.profile.free();
});

test("the genesis depends on what is declared in it, and on nothing else", () => {
  const genesisOf = (properties: Record<string, { "x-crdt"?: string; "x-crdt-since"?: number }>) =>
    toHex(new ProfileCodec(parseProfileSchema({ properties })).genesisHash);
  const base = genesisOf({ a: { "x-crdt": "map" } });
  expect(genesisOf({ z: {}, a: { "x-crdt": "map" }, b: { "x-crdt": "register" } })).toBe(base);
  expect(genesisOf({ a: { "x-crdt": "map" }, b: { "x-crdt": "text", "x-crdt-since": 2 } })).toBe(
    base,
  );
  expect(genesisOf({ a: { "x-crdt": "set" } })).not.toBe(base);
  expect(genesisOf({ a: { "x-crdt": "map" }, b: { "x-crdt": "text" } })).not.toBe(base);
});

test("containers have the same bytes in every document and process", () => {
  const other = new ProfileCodec(fleetSchema);
  const [one, two] = [new Copy(1), new Copy(2, other)];
  const a = mustEdit(one, { kind: "put", value: { a: { b: { c: [1] } }, place: { p: {} } } });
  mustEdit(two, { kind: "put", value: { x: 1 } });
  const b = mustEdit(two, {
    kind: "merge-patch",
    patch: { place: { p: {} }, a: { b: { c: [2] } } },
  });
  expect(a.containers.map(toHex).sort()).toEqual(b.containers.map(toHex).sort());
  expect(a.containers).toHaveLength(4);
  one.profile.free();
  two.profile.free();
});

test("containers are carried once: those a document has are not carried again", () => {
  const copy = new Copy(1);
  expect(mustEdit(copy, { kind: "put", value: { a: { b: 1 } } }).containers).toHaveLength(1);
  expect(mustEdit(copy, { kind: "put", value: { a: { b: 2, c: {} } } }).containers).toHaveLength(1);
  expect(mustEdit(copy, { kind: "put", value: {} }).containers).toHaveLength(0);
  expect(mustEdit(copy, { kind: "put", value: { a: { c: { d: 1 } } } }).containers).toHaveLength(0);
  copy.profile.free();
});

test("only a container change is taken for one", () => {
  const copy = new Copy(1);
  const { change, containers } = mustEdit(copy, { kind: "put", value: { a: { b: {} } } });
  expect(containers.map((chunk) => fleetCodec.isContainerChange(mustParse(chunk)))).toEqual([
    true,
    true,
  ]);
  expect(fleetCodec.isContainerChange(mustParse(change))).toBe(false);
  expect(fleetCodec.isContainerChange(mustParse(fleetCodec.genesisChange))).toBe(false);
  // The same path over another genesis is another change.
  const other = new ProfileCodec(socialProfileSchema);
  expect(containers.some((chunk) => other.isContainerChange(mustParse(chunk)))).toBe(false);
  // A lie that carries the right words.
  const honest = mustParse(containers[0] ?? new Uint8Array());
  const lie = { ...honest, hash: mustParse(change).hash };
  expect(fleetCodec.isContainerChange(lie)).toBe(false);
  expect(fleetCodec.isContainerChange({ ...honest, message: containerMessage(["~o:b"]) })).toBe(
    false,
  );
  copy.profile.free();
});

test.each([
  ["a member that the genesis declares", ["place"]],
  ["another kind of a declared member", ["~o:bio"]],
  ["a register", ["a"]],
  ["what lies below a list", ["~l:a", "~o:b"]],
  ["what lies below a declared text", ["bio", "~o:b"]],
  ["a mark", ["~m:~l:a"]],
  ["nothing", []],
])("no container change makes %s", (_, path) => {
  expect(parseContainerMessage(containerMessage(path), fleetSchema.root)).toBeUndefined();
});

test.each(["", "[", "{}", "[1]", '["~o:a",null]', "null"])("%j is not a path", (message) => {
  expect(parseContainerMessage(message, fleetSchema.root)).toBeUndefined();
});

test("a document of another genesis is refused", () => {
  const copy = new Copy(1);
  mustEdit(copy, { kind: "put", value: { a: 1 } });
  const other = new ProfileCodec(socialProfileSchema);
  const base = copy.profile.save();
  expect(() => other.open({ base, tail: new Uint8Array() }, actorOf(1))).toThrow(DocumentError);
  copy.profile.free();
});

test("a document is the same from its base and tail, from its changes, with changes twice", () => {
  const copy = new Copy(1);
  const entries = [1, 2, 3].map((n) =>
    mustEdit(copy, { kind: "put", value: { n, [`o${n}`]: { list: [n] } } }),
  );
  const chunks = entries.map((entry) => Buffer.concat([...entry.containers, entry.change]));
  const expected = { rendered: copy.render(), heads: copy.heads() };
  const first = fleetCodec.create(identity, actorOf(2));
  first.append([...(entries[0]?.containers ?? []), entries[0]?.change ?? new Uint8Array()]);
  const ways = [
    { base: undefined, tail: Buffer.concat(chunks) },
    { base: first.save(), tail: Buffer.concat(chunks.slice(1)) },
    { base: first.save(), tail: Buffer.concat([...chunks, ...chunks]) },
    { base: copy.profile.save(), tail: Buffer.concat(chunks) },
  ];
  for (const bytes of ways) {
    const profile = fleetCodec.open(bytes, actorOf(3));
    expect({ rendered: profile.render(), heads: profile.heads().map(toHex) }).toEqual(expected);
    profile.free();
  }
  first.free();
  copy.profile.free();
});

test("what is counted of a document are its edits alone", () => {
  const copy = new Copy(1);
  const entries = [{ a: {} }, { a: { b: [1] } }, { c: [] }].map((value) =>
    mustEdit(copy, { kind: "put", value }),
  );
  expect(copy.profile.changeHashes().map(toHex)).toEqual(
    entries.map((entry) => toHex(mustParse(entry.change).hash)),
  );
  copy.profile.free();
});

test("a schema may declare any member, those that are tried at the start, too", () => {
  const properties = { probe: { "x-crdt": "text" }, "probe+": { "x-crdt": "counter" } };
  const codec = new ProfileCodec(parseProfileSchema({ properties }));
  const copy = new Copy(1, codec);
  copy.edit({ kind: "put", value: { probe: "a", n: { a: [1] } } });
  expect(copy.json()).toEqual({ probe: "a", n: { a: [1] } });
  copy.profile.free();
});
