import { expect, test } from "vitest";
import { schemaVersions } from "./schema-versions.ts";

test("a schema names the containers that each of its versions brought", () => {
  const text = { type: "string", "x-crdt": "text" };
  const versions = schemaVersions({
    type: "object",
    properties: {
      name: { type: "string" },
      bio: text,
      notes: { ...text, "x-crdt-since": 3 },
      later: { type: "object", "x-crdt": "map", "x-crdt-since": 2, properties: { inner: text } },
    },
  });
  expect(versions).toEqual([
    { version: 1, containers: [{ pointer: "/bio", kind: "text" }] },
    {
      version: 2,
      containers: [
        { pointer: "/later", kind: "map" },
        { pointer: "/later/inner", kind: "text" },
      ],
    },
    { version: 3, containers: [{ pointer: "/notes", kind: "text" }] },
  ]);
  expect(schemaVersions({})).toEqual([{ version: 1, containers: [] }]);
});
