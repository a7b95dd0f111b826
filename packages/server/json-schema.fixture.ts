/**
 * Checks values against the schemas of an OpenAPI document, with the validator that profiles are checked
 * with: it is a dependency of that room, so it is found from there.
 */
import { createRequire } from "node:module";

type Json = Readonly<Record<string, unknown>>;
interface Check {
  (value: unknown): boolean;
  readonly errors?: unknown;
}
interface Validator {
  compile(schema: Json): Check;
}

const here = createRequire(import.meta.url);
const require = createRequire(here.resolve("@atoll/profile"));
const { Ajv2020 } = require("ajv/dist/2020.js") as {
  readonly Ajv2020: new (options: Json) => Validator;
};
const { default: addFormats } = require("ajv-formats") as {
  readonly default: (validator: Validator) => void;
};

export class DocumentSchemas {
  readonly #ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
  readonly #components: Json;

  constructor(document: { readonly components: { readonly schemas: Json } }) {
    addFormats(this.#ajv);
    this.#components = document.components.schemas;
  }

  /** Throws when it is no JSON Schema. `closed`: members that are not described are faults. */
  compile(schema: Json, closed = false): (value: unknown) => unknown {
    const whole = { ...schema, $defs: this.#components };
    const text = JSON.stringify(whole).replaceAll("#/components/schemas/", "#/$defs/");
    const parsed = JSON.parse(text) as Json;
    const check = this.#ajv.compile(closed ? (close(parsed) as Json) : parsed);
    return (value) => (check(value) ? [] : check.errors);
  }
}

function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (typeof schema !== "object" || schema === null) return schema;
  const closed = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, close(value)]),
  );
  const isOpenObject =
    closed["type"] === "object" && "properties" in closed && !("additionalProperties" in closed);
  return isOpenObject ? { ...closed, additionalProperties: false } : closed;
}
