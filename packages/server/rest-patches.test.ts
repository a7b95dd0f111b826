/** PATCH over HTTP against a real region: merge-patch, JSON Patch and their public test cases. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonValue } from "@atoll/profile";
import { canonicalJson, isJsonObject, parseProfileSchema } from "@atoll/profile";
import { RestRegion } from "./rest-region.fixture.ts";

// Nothing declared: the cases use members of every kind under any name.
const region = new RestRegion({ schema: parseProfileSchema({ type: "object" }) });
let count = 0;
const nextId = (): string => `case-${count++}`;

beforeAll(() => region.open());
afterAll(() => region.close());

describe("JSON Merge Patch", () => {
  // RFC 7396, appendix A. Those whose document or patch is no object are out of scope: a profile is.
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j patched with %j is %j", async (before, patch, after) => {
    const id = nextId();
    await region.put(id, before);
    const answer = await region.mergePatch(id, patch);
    expect([answer.status, answer.json]).toEqual([200, after]);
    expect((await region.get(id)).json).toEqual(after);
  });

  test.each([[["c"]], [null], ["bar"], [["a", "b"]]])(
    "a patch that is no object (%j) is refused",
    async (patch) => {
      const id = nextId();
      await region.put(id, { a: "b" });
      expect((await region.mergePatch(id, patch)).status).toBe(422);
      expect((await region.get(id)).json).toEqual({ a: "b" });
    },
  );
});

interface SuiteCase {
  readonly comment?: string;
  readonly doc?: JsonValue;
  readonly patch: JsonValue;
  readonly expected?: JsonValue;
  readonly error?: string;
  readonly disabled?: boolean;
}

// Read rather than imported: the package's main module is named so that Node does not find it.
const require = createRequire(import.meta.url);
const cases = (file: string): SuiteCase[] =>
  JSON.parse(readFileSync(require.resolve(`json-patch-test-suite/${file}`), "utf8")) as SuiteCase[];
const all = [...cases("spec_tests.json"), ...cases("tests.json")].filter(
  ({ doc, disabled }) => doc !== undefined && disabled !== true,
);
const isObjects = ({ doc, expected }: SuiteCase): boolean =>
  isJsonObject(doc) && (expected === undefined || isJsonObject(expected));
const inScope = all.filter(isObjects);

/** The same patch of a document that lies deeper. */
function below(root: string, patch: JsonValue): JsonValue {
  const moved = (path: unknown): unknown =>
    typeof path === "string" && (path === "" || path.startsWith("/")) ? root + path : path;
  return (patch as readonly Record<string, JsonValue>[]).map(
    (operation) =>
      ({
        ...operation,
        ...("path" in operation && { path: moved(operation["path"]) }),
        ...("from" in operation && { from: moved(operation["from"]) }),
      }) as JsonValue,
  );
}

describe("JSON Patch, the public suite", () => {
  test("is there, and two thirds of it are about objects", () => {
    expect({ inScope: inScope.length, outOfScope: all.length - inScope.length }).toEqual({
      inScope: 62,
      outOfScope: 29,
    });
  });

  test.each(inScope.map((each, i) => [i, each.comment ?? each.error ?? "", each] as const))(
    "%i %s",
    async (_i, _comment, { doc, patch, expected, error }) => {
      const id = nextId();
      expect((await region.put(id, doc)).status).toBe(201);
      const answer = await region.jsonPatch(id, patch);
      const after = await region.get(id);
      if (error !== undefined) {
        expect([409, 422]).toContain(answer.status);
        expect(answer.headers.get("content-type")).toBe("application/problem+json");
        expect(canonicalJson(after.json as JsonValue)).toBe(canonicalJson(doc as JsonValue));
      } else {
        expect([answer.status, answer.json]).toEqual([200, answer.json]);
        const wanted = canonicalJson((expected ?? doc) as JsonValue);
        expect(canonicalJson(after.json as JsonValue)).toBe(wanted);
      }
    },
  );

  // The rest is about arrays: a list inside a profile takes the same patches.
  const arrays = all.filter((each) => !isObjects(each) && Array.isArray(each.doc));
  test.each(arrays.map((each, i) => [i, each.comment ?? each.error ?? "", each] as const))(
    "one level down, %i %s",
    async (_i, _comment, { doc, patch, expected, error }) => {
      const id = nextId();
      expect((await region.put(id, { root: doc })).status).toBe(201);
      const answer = await region.jsonPatch(id, below("/root", patch));
      const wanted = error === undefined ? (expected ?? doc) : doc;
      expect(error === undefined ? [200] : [409, 422]).toContain(answer.status);
      expect((await region.get(id)).json).toEqual({ root: wanted });
    },
  );
});
