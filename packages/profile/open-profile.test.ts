import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { limits } from "@atoll/core";
import type { ProfileId, Tenant } from "@atoll/core";
import { AutomergeDocument } from "./document.ts";
import type { ProfileEdit } from "./edit.ts";
import type { Refusal } from "./fleet.fixture.ts";
import { Copy, actorOf, fleetCodec, identity, mustParse, refusalOf } from "./fleet.fixture.ts";
import type { JsonObject, JsonValue } from "./json.ts";

let copy: Copy;
beforeEach(() => {
  copy = new Copy(1);
});
afterEach(() => copy.profile.free());

const put = (value: JsonObject): unknown => copy.edit({ kind: "put", value });
const patch = (value: JsonObject): unknown => copy.edit({ kind: "merge-patch", patch: value });
const refusal = (edit: ProfileEdit): Refusal => refusalOf(copy, edit);

test("a new profile is made without Automerge, but for containers that the schema does not declare", () => {
  const made = vi.spyOn(AutomergeDocument.prototype, "performInModule");
  const value: JsonObject = {
    ...{ name: "Ada", born: 1815, isPoet: false, bio: "Countess, 👋🏽 é", tags: ["a", "b"] },
    ...{ links: [{ url: "x", of: ["y", {}] }, "z"], place: { city: "London", memo: "m" } },
    ...{ own: { a: "b" }, list: ["c", [1]] },
  };
  put(value);
  expect(made).not.toHaveBeenCalled();
  expect(copy.json()).toEqual(value);
  patch({ name: "Ada Lovelace", own: { a: "c" }, place: { city: null } });
  expect(made).not.toHaveBeenCalled();
  made.mockRestore();
  const saved = copy.profile.save(); // holds heads and values against those of the module
  const again = fleetCodec.open({ base: saved, tail: new Uint8Array() }, actorOf(2));
  expect(again.render()).toEqual(copy.render());
  again.free();
});

describe("presence", () => {
  test.each<JsonObject>([
    {},
    { a: {} },
    { a: [] },
    { a: { b: {} } },
    { place: {} },
    { bio: "" },
    { tags: [] },
    { links: [] },
    { notes: "" },
    { later: { marks: [] } },
    { a: null, b: "", "": 0 },
    { max: Number.MAX_SAFE_INTEGER, min: -Number.MAX_SAFE_INTEGER, l: [2 ** 53 - 1, 5e-324] },
    { "~": { "~": { "~": "~" } }, "~m:a": [], "~o:~o:": {}, "~r:x": 1 },
    { constructor: { prototype: 1 }, toString: [], hasOwnProperty: "x", toJSON: "y" },
    { "a/b": [{ "c~d": { "": [[]] } }] },
  ])("%j reads back as it was put", (value) => {
    put(value);
    expect(copy.json()).toEqual(value);
  });

  test("an object whose last member goes stays, empty; one that is removed goes", () => {
    put({ a: { b: 1 }, l: [1], place: { x: 1 }, bio: "x", tags: ["t"] });
    patch({ a: { b: null }, l: [], place: { x: null }, bio: "", tags: [] });
    expect(copy.json()).toEqual({ a: {}, l: [], place: {}, bio: "", tags: [] });
    patch({ a: null, l: null, place: null, bio: null, tags: null });
    expect(copy.json()).toEqual({});
  });

  test("an object that a concurrent edit brought back stays when that edit's member goes", () => {
    const other = new Copy(2);
    const entry = copy.edit({ kind: "put", value: { a: { b: 1 } } });
    if (entry !== undefined) other.receive(entry);
    const removal = copy.edit({ kind: "put", value: {} });
    other.edit({ kind: "merge-patch", patch: { a: { c: 1 } } });
    if (removal !== undefined) other.receive(removal);
    expect(other.json()).toEqual({ a: { c: 1 } });
    expect(other.edit({ kind: "put", value: { a: { c: 1 } } })).toBeUndefined();
    other.edit({ kind: "merge-patch", patch: { a: { c: null } } });
    expect(other.json()).toEqual({ a: {} });
    other.profile.free();
  });
});

/** Both start from `base`; then each does its edit without knowing of the other's. */
function atOnce(base: JsonObject, mine: JsonObject, theirs: JsonObject): Copy {
  const other = new Copy(2);
  const first = copy.edit({ kind: "put", value: base });
  if (first !== undefined) other.receive(first);
  const a = copy.edit({ kind: "merge-patch", patch: mine });
  const b = other.edit({ kind: "merge-patch", patch: theirs });
  if (a !== undefined) other.receive(a);
  if (b !== undefined) copy.receive(b);
  expect(other.render()).toEqual(copy.render());
  return other;
}

test("an edit inside an object or list survives that it becomes a number at the same time", () => {
  atOnce({ a: { x: 1 }, l: [1] }, { a: 5, l: 6 }, { a: { y: 2 }, l: [1, 2] }).profile.free();
  expect(copy.json()).toEqual({ a: { y: 2 }, l: [2] });
  expect(copy.render().conflicts).toBe(2);
});

test("writing a list that won over a number settles the conflict", () => {
  atOnce({}, { m: 1 }, { m: [1] }).profile.free();
  expect(copy.render()).toMatchObject({ json: '{"m":[1]}', conflicts: 1 });
  patch({ m: [1, 2] });
  expect(copy.render()).toMatchObject({ json: '{"m":[1,2]}', conflicts: 0 });
  patch({ m: null });
  expect(copy.json()).toEqual({});
});

test("what a concurrent edit brought back without its mark stays when it is emptied", () => {
  const base = { l: [1], bio: "one", tags: ["a"] };
  atOnce(
    base,
    { l: null, bio: null, tags: null },
    {
      l: [1, 2],
      bio: "one two",
      tags: ["a", "b"],
    },
  ).profile.free();
  expect(copy.json()).toEqual({ l: [2], bio: " two", tags: ["b"] });
  expect(put({ l: [2], bio: " two", tags: ["b"] })).toBeUndefined();
  patch({ l: [], bio: "", tags: [] });
  expect(copy.json()).toEqual({ l: [], bio: "", tags: [] });
});

test("a member changes its type back and forth for ever", () => {
  const values: JsonValue[] = [
    1,
    { x: 1 },
    [1, 2],
    "s",
    [{ y: [] }],
    { x: { z: 2 } },
    null,
    {},
    [],
  ];
  for (const value of [...values, ...values.reverse(), ...values]) {
    put({ m: value });
    expect(copy.json()).toEqual({ m: value });
  }
});

describe("lists", () => {
  test("a put of a list touches what differs, so that concurrent edits elsewhere survive", () => {
    const other = new Copy(2);
    const links = [{ label: "a", url: "1" }, { label: "b", url: "2" }, "c"];
    const first = copy.edit({ kind: "put", value: { links } });
    if (first !== undefined) other.receive(first);
    const mine = copy.edit({
      kind: "put",
      value: { links: [{ label: "a", url: "changed" }, { label: "b", url: "2" }, "c", "mine"] },
    });
    other.edit({
      kind: "put",
      value: { links: ["theirs", { label: "renamed", url: "1" }, { label: "b", url: "2" }, "c"] },
    });
    if (mine !== undefined) other.receive(mine);
    expect(other.json()).toEqual({
      links: [
        "theirs",
        { label: "renamed", url: "changed" },
        { label: "b", url: "2" },
        "c",
        "mine",
      ],
    });
    expect(other.render().conflicts).toBe(0);
    other.profile.free();
  });

  test("a changed field of an item is one operation", () => {
    put({ l: [{ a: 1, b: [1, { c: 2 }] }, { a: 2 }] });
    const entry = copy.edit({
      kind: "put",
      value: { l: [{ a: 1, b: [1, { c: 3 }] }, { a: 2 }] },
    });
    expect(mustParse(entry?.change ?? new Uint8Array()).opCount).toBe(1);
  });
});

test("concurrent edits of a text are merged by character", () => {
  const other = new Copy(2);
  const first = copy.edit({ kind: "put", value: { bio: "The quick fox" } });
  if (first !== undefined) other.receive(first);
  const mine = copy.edit({ kind: "put", value: { bio: "The quick brown fox" } });
  other.edit({ kind: "put", value: { bio: "The quick fox jumps" } });
  if (mine !== undefined) other.receive(mine);
  expect(other.json()).toEqual({ bio: "The quick brown fox jumps" });
  other.profile.free();
});

test("a register written twice at once is one conflict until it is written again", () => {
  const other = new Copy(2);
  const mine = copy.edit({ kind: "put", value: { s: "mine", same: 1, l: [] } });
  const theirs = other.edit({ kind: "put", value: { s: "theirs", same: 1, l: [] } });
  if (mine !== undefined) other.receive(mine);
  if (theirs !== undefined) copy.receive(theirs);
  expect(copy.json()).toEqual(other.json());
  expect([copy.render().conflicts, other.render().conflicts]).toEqual([1, 1]);
  const settled = copy.edit({ kind: "merge-patch", patch: { s: "settled" } });
  if (settled !== undefined) other.receive(settled);
  expect([copy.render().conflicts, other.render().conflicts]).toEqual([0, 0]);
  other.profile.free();
});

describe("deletion", () => {
  test("a deleted profile keeps what is inside until a put brings it back", () => {
    put({ a: 1, stats: {} });
    copy.edit({ kind: "increment", pointer: "/stats/n", by: 2 });
    copy.edit({ kind: "delete" });
    expect(copy.render().deleted).toBe(true);
    expect(copy.edit({ kind: "delete" })).toBeUndefined();
    put({ b: 1 });
    expect(copy.render().deleted).toBe(false);
    expect(copy.json()).toEqual({ b: 1, stats: { n: 2 } });
  });

  test("a put of the same content on a deleted profile is a change", () => {
    put({ a: 1 });
    copy.edit({ kind: "delete" });
    expect(put({ a: 1 })).toBeDefined();
    expect(copy.render()).toMatchObject({ deleted: false, json: '{"a":1}' });
  });
});

describe("identity", () => {
  test("the first edit writes who the profile is, later ones do not", () => {
    const before = fleetCodec.create(identity, actorOf(4));
    expect(before.render()).toMatchObject({ profileId: "P1", tenant: "default", json: "{}" });
    before.free();
    const first = copy.edit({ kind: "put", value: {} });
    expect(mustParse(first?.change ?? new Uint8Array()).opCount).toBe(1);
    expect(put({})).toBeUndefined();
  });

  test("another tenant is written too and comes back", () => {
    const acme = { tenant: "acme" as Tenant, id: "P2" as ProfileId };
    const profile = fleetCodec.create(acme, actorOf(4));
    profile.edit({ kind: "put", value: {} }, { timeSeconds: 7, deletedAtMs: 8, identity: acme });
    const reopened = fleetCodec.open({ base: profile.save(), tail: new Uint8Array() }, actorOf(5));
    expect(reopened.render()).toMatchObject({ profileId: "acme/P2", tenant: "acme" });
    reopened.free();
    profile.free();
  });
});

describe("bounds", () => {
  test("a profile that would become too large is refused, and may still be made smaller", () => {
    const large = "x".repeat(limits.PROFILE_BYTES_MAX / 2);
    put({ a: large });
    expect(refusal({ kind: "merge-patch", patch: { b: large } }).code).toBe("validation-failed");
    expect(refusal({ kind: "put", value: { a: large, b: large } }).code).toBe("validation-failed");
    const other = new Copy(2);
    const theirs = other.edit({ kind: "put", value: { b: large } });
    if (theirs !== undefined) copy.receive(theirs);
    expect(copy.render().json.length).toBeGreaterThan(limits.PROFILE_BYTES_MAX);
    patch({ c: null, a: "small" });
    patch({ b: "small" });
    expect(copy.json()).toEqual({ a: "small", b: "small" });
    other.profile.free();
  });

  test("an edit of more operations than a change may have is refused", () => {
    const bio = "x".repeat(limits.CHANGE_OPS_MAX + 1);
    expect(refusal({ kind: "put", value: { bio } }).code).toBe("validation-failed");
    expect(put({ free: bio })).toBeDefined();
  });

  test("values that were not parsed are bounded all the same", () => {
    let deep: JsonValue = 1;
    for (let i = 0; i < 5_000; i++) deep = [deep];
    expect(refusal({ kind: "put", value: { deep } }).code).toBe("validation-failed");
    expect(refusal({ kind: "merge-patch", patch: { a: [NaN] } }).pointers).toEqual(["/a/0"]);
  });

  test("the widest body makes a change that every replica accepts", () => {
    const value = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`o${i}`, { a: {} }]));
    const entry = copy.edit({ kind: "put", value });
    expect(entry?.containers).toHaveLength(600);
    expect(mustParse(entry?.change ?? new Uint8Array()).deps).toHaveLength(300);
    expect(copy.json()).toEqual(value);
  });
});
