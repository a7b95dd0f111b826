/** What the OpenAPI document says is what a region does: every example is sent, every answer compared. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "@atoll/core";
import { DocumentSchemas } from "./json-schema.fixture.ts";
import { Walk, describedOperations } from "./openapi-walk.fixture.ts";
import type { Described, OpenDocument, Sent } from "./openapi-walk.fixture.ts";
import { RestRegion } from "./rest-region.fixture.ts";

const file = new URL("../gateway/openapi.json", import.meta.url);
const document = JSON.parse(readFileSync(file, "utf8")) as OpenDocument;
const operations = describedOperations(document);
const schemas = new DocumentSchemas(document);
const region = new RestRegion();
const walk = new Walk(region, document);

beforeAll(() => region.open());
afterAll(() => region.close());

/** Of every HTTP server, and of none of our routes in particular. */
const UNDESCRIBED = new Set([
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-security-policy",
  "content-type",
  "cross-origin-resource-policy",
  "date",
  "keep-alive",
  "transfer-encoding",
  "vary",
  "x-accel-buffering",
  "x-content-type-options",
]);

function expectAsDescribed({ responses }: Described, sent: Sent): void {
  const { status, type, text, headers } = sent;
  const described = must(
    responses.find((each) => each.status === status),
    `${status} ${text}`,
  );
  const names = new Set(described.headers.map((name) => name.toLowerCase()));
  const surprising = [...headers.keys()].filter(
    (name) => !names.has(name) && !UNDESCRIBED.has(name),
  );
  expect(surprising).toEqual([]);
  for (const name of ["request-id", "served-by-region", "server-timing"]) {
    expect(headers.get(name)).not.toBeNull();
  }
  if (type === "") {
    expect([text, described.content]).toEqual(["", {}]);
    return;
  }
  const { schema } = must(described.content[type], `${status} ${type}`);
  for (const value of valuesIn(type, text)) {
    expect(schemas.compile(schema, true)(value)).toEqual([]);
  }
  const event = { $ref: "#/components/schemas/FeedEvent" };
  for (const value of eventsIn(type, text)) {
    expect(schemas.compile(event, true)(value)).toEqual([]);
  }
}

function valuesIn(type: string, text: string): unknown[] {
  if (type.endsWith("json") && !type.includes("ndjson")) return [JSON.parse(text)];
  expect(text).not.toBe("");
  return [text];
}

function eventsIn(type: string, text: string): unknown[] {
  if (type === "application/x-ndjson") return [JSON.parse(text.split("\n")[0] ?? "")];
  if (type !== "text/event-stream") return [];
  return [JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "")];
}

function successTypes({ responses }: Described): string[] {
  const types = responses
    .filter(({ status }) => status < 300)
    .flatMap(({ content }) => Object.keys(content));
  return [...new Set(types)];
}

describe("an example", () => {
  test.each(operations)("of $operationId works, and its answer is as described", async (each) => {
    const bodies = Object.keys(each.body);
    const [firstBody] = bodies;
    const accepts = successTypes(each);
    const sent: Sent[] = [];
    for (const type of firstBody === undefined ? [undefined] : bodies) {
      sent.push(await walk.send(each, { type }));
    }
    sent.push(await walk.send(each, { type: firstBody, bare: true }));
    for (const accept of accepts) {
      const answer = await walk.send(each, { type: firstBody, accept });
      expect(answer.type === accept || answer.status === 204).toBe(true);
      sent.push(answer);
    }
    for (const answer of sent) {
      expect([answer.status < 300, answer.text]).toEqual([true, answer.text]);
      expectAsDescribed(each, answer);
    }
  });

  const withHeaders = operations.flatMap((operation) =>
    operation.parameters
      .filter((each) => each.in === "header")
      .map(({ name, example }) => ({ operation, name, example })),
  );
  test.each(withHeaders)(
    "of $operation.operationId works with $name",
    async ({ operation, name, example = "" }) => {
      // A key of one request is no key of another.
      const isKey = name === "Idempotency-Key";
      const header = { name, example: isKey ? `"${operation.operationId}"` : example };
      const [type] = Object.keys(operation.body);
      const answer = await walk.send(operation, { type, header });
      expect([answer.status < 400, answer.text]).toEqual([true, answer.text]);
      expectAsDescribed(operation, answer);
    },
  );

  test.each(operations.filter(({ path }) => path.includes("{id}")))(
    "of $operationId with a bad id is refused as described",
    async (each) => {
      const [type] = Object.keys(each.body);
      const path = each.path.replace("{id}", "-");
      expectAsDescribed(each, await walk.send({ ...each, path }, { type }));
    },
  );
});

describe("a schema", () => {
  test.each(Object.entries(document.components.schemas))("%s compiles", (_name, schema) => {
    expect(schemas.compile(schema as never)).toBeTypeOf("function");
  });

  test.each(operations)("of $operationId compiles, and takes its examples", (each) => {
    const ofBodies = Object.values(each.body);
    const ofAnswers = each.responses.flatMap(({ content }) => Object.values(content));
    for (const { schema, example } of [...ofBodies, ...ofAnswers]) {
      const check = schemas.compile(schema);
      if (example !== undefined) expect(check(example)).toEqual([]);
    }
    for (const { schema, example } of each.parameters) {
      const check = schemas.compile(schema);
      if (example === undefined) continue;
      const isNumber = schema["type"] === "integer";
      expect(check(isNumber ? Number(example) : example)).toEqual([]);
    }
  });
});
