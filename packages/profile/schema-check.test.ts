import { describe, expect, test } from "vitest";
import { SchemaCheck } from "./schema-check.ts";
import { socialProfileSchema } from "./social-profile.ts";

describe("the social profile's schema", () => {
  const check = new SchemaCheck(socialProfileSchema.source);

  test.each(socialProfileSchema.source.examples as readonly object[])("allows %j", (example) => {
    expect(check.faults(example as never)).toEqual([]);
  });

  test("names every fault by its place", () => {
    const faults = check.faults({
      handle: "has spaces",
      birthday: "10 December 1815",
      location: { latitude: 91 },
      links: [{ url: "not a url" }],
      interests: [1],
    });
    expect(faults.map(({ pointer, code }) => [pointer, code]).sort()).toEqual([
      ["/birthday", "pattern"],
      ["/handle", "pattern"],
      ["/interests/0", "type"],
      ["/links/0/url", "format"],
      ["/location/latitude", "maximum"],
    ]);
  });
});

test("a member that is missing or not wanted is named itself", () => {
  const check = new SchemaCheck({
    type: "object",
    required: ["a/b"],
    properties: { "a/b": {} },
    additionalProperties: false,
  });
  expect(check.faults({ constructor: 1 }).map(({ pointer }) => pointer)).toEqual([
    "/a~1b",
    "/constructor",
  ]);
});

test("a schema that does not compile is told at the start", () => {
  expect(() => new SchemaCheck({ properties: { a: { type: "text" } } })).toThrow(
    expect.objectContaining({ code: "config-invalid" }) as Error,
  );
  expect(() => new SchemaCheck({ $ref: "https://elsewhere.example/schema" })).toThrow(
    expect.objectContaining({ code: "config-invalid" }) as Error,
  );
});
