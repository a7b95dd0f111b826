import { expect, test } from "vitest";
import { AtollError } from "@atoll/core";
import type { JsonValue } from "./json.ts";
import { parseProfileSchema } from "./schema.ts";
import { socialProfileSchema } from "./social-profile.ts";

function faultsOf(source: JsonValue): string[] {
  try {
    parseProfileSchema(source);
  } catch (error) {
    if (!(error instanceof AtollError)) throw error;
    expect(error.code).toBe("config-invalid");
    return (error.data.faults ?? []).map((fault) => fault.pointer);
  }
  return [];
}

test("the built-in schema declares the containers of a social profile", () => {
  const kinds = Object.fromEntries(
    [...socialProfileSchema.root.members].map(([name, node]) => [name, node.kind]),
  );
  expect(kinds).toEqual({
    bio: "text",
    contact: "map",
    identifiers: "map",
    interests: "set",
    languages: "set",
    links: "list",
    location: "map",
    settings: "map",
    social: "map",
    stats: "map",
  });
  const stats = socialProfileSchema.root.members.get("stats");
  expect([...(stats?.members.values() ?? [])].map((node) => node.kind)).toEqual([
    "counter",
    "counter",
    "counter",
  ]);
});

test("what is declared since a later version, or inside such a map, is not in the genesis", () => {
  const { root } = parseProfileSchema({
    properties: {
      a: { "x-crdt": "text", "x-crdt-since": 1 },
      b: { "x-crdt": "text", "x-crdt-since": 2 },
      c: { "x-crdt": "map", "x-crdt-since": 3, properties: { d: { "x-crdt": "set" } } },
    },
  });
  expect(root.members.get("a")?.inGenesis).toBe(true);
  expect(root.members.get("b")?.inGenesis).toBe(false);
  expect(root.members.get("c")?.members.get("d")?.inGenesis).toBe(false);
});

test("all faults of a schema are named at once", () => {
  expect(
    faultsOf({
      properties: {
        a: { "x-crdt": "vector" },
        b: { type: "string", "x-crdt": "set" },
        c: { "x-crdt": "text", "x-crdt-since": 0 },
        d: { "x-crdt-since": 2 },
        e: { "x-crdt": "register", "x-crdt-since": 2 },
        "f/g": { "x-crdt": "list" },
      },
    }),
  ).toEqual([
    "/properties/a/x-crdt",
    "/properties/b/type",
    "/properties/c/x-crdt-since",
    "/properties/d/x-crdt-since",
    "/properties/e/x-crdt-since",
    "/properties/f~1g/x-crdt",
  ]);
});

test("an annotation where it would have no effect is a fault", () => {
  const text = { "x-crdt": "text" };
  expect(faultsOf({ properties: { a: { type: "object", properties: { b: text } } } })).toEqual([
    "/properties/a/properties/b/x-crdt",
  ]);
  expect(faultsOf({ properties: { a: { "x-crdt": "list", items: text } } })).toEqual([
    "/properties/a/items/x-crdt",
  ]);
  expect(faultsOf({ $defs: { a: text } })).toEqual(["/$defs/a/x-crdt"]);
  expect(faultsOf({ examples: [text] })).toEqual([]);
});

test("a profile cannot be declared to be anything but a map", () => {
  expect(faultsOf({ "x-crdt": "list" })).toEqual(["/x-crdt"]);
  expect(faultsOf([])).toEqual([""]);
});
