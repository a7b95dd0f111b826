/**
 * zod schemas as JSON Schema 2020-12 for OpenAPI: those with an id become components, once each.
 *
 * A request is described by what the schema takes, an answer by what it gives. Answers may grow members,
 * so that objects are closed only where the router itself refuses what it does not know.
 */
import { z } from "zod";
import { assert } from "@atoll/core";
import { sameJson } from "@atoll/profile";
import type { JsonObject, JsonValue } from "@atoll/profile";

export type Side = "input" | "output";

export class SchemaCollection {
  readonly #components = new Map<string, JsonObject>();

  /** By name, in the order of names. */
  get components(): Readonly<Record<string, JsonObject>> {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A schema, or a reference to a component. */
  add(schema: z.ZodType, side: Side): JsonObject {
    const { properties, $defs = {} } = convert(z.object({ it: schema }), side);
    for (const [name, definition] of Object.entries($defs as JsonObject)) {
      const members = Object.entries(definition as JsonObject).filter(([key]) => key !== "id");
      const made = withComponents(Object.fromEntries(members)) as JsonObject;
      const known = this.#components.get(name);
      assert(known === undefined || sameJson(known, made), `two schemas are called ${name}`);
      this.#components.set(name, made);
    }
    return withComponents((properties as JsonObject)["it"] as JsonValue) as JsonObject;
  }
}

function convert(schema: z.ZodObject, io: Side): JsonObject {
  const made = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io,
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod;
      if (def.type === "object" && (def as z.core.$ZodObjectDef).catchall === undefined) {
        delete jsonSchema.additionalProperties;
      }
      // Its expression for dates is longer than the rest of the document; the format says the same.
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    },
  });
  return JSON.parse(JSON.stringify(made)) as JsonObject;
}

function withComponents(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withComponents);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as JsonObject).map(([name, inner]) => [
    name,
    name === "$ref" && typeof inner === "string"
      ? inner.replace("#/$defs/", "#/components/schemas/")
      : withComponents(inner),
  ]);
  return Object.fromEntries(entries) as JsonObject;
}
