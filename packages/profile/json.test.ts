import { expect, test } from "vitest";
import { AtollError, limits } from "@atoll/core";
import { parseJson, parseJsonObject } from "./json.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "utf8");

function failure(input: string | Uint8Array): AtollError {
  try {
    parseJson(typeof input === "string" ? bytes(input) : input);
  } catch (error) {
    if (error instanceof AtollError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

const pointers = (error: AtollError): (string | undefined)[] =>
  (error.data.faults ?? []).map((fault) => fault.pointer);

test("ordinary JSON comes through unchanged, minus zero as zero", () => {
  const value = parseJson(bytes('{"a":[1,-0,{"b":-0}],"constructor":"c","é":"👋"}'));
  expect(value).toStrictEqual({ a: [1, 0, { b: 0 }], constructor: "c", é: "👋" });
  expect(Object.is(parseJson(bytes("-0")), 0)).toBe(true);
});

test.each([
  ["what is not JSON", "{"],
  ["nothing", ""],
  ["a byte order mark", "\ufeff{}"],
  ["a trailing comma", "[1,]"],
])("%s is malformed", (_, text) => {
  expect(failure(text).code).toBe("malformed-request");
});

test("bytes that are not UTF-8 are malformed", () => {
  expect(failure(Uint8Array.of(0x22, 0xff, 0x22)).code).toBe("malformed-request");
  expect(failure(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)).code).toBe("malformed-request");
});

test("the deepest accepted nesting is accepted, one more is not, and a million do no harm", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  expect(() => parseJson(bytes(nested(limits.JSON_DEPTH_MAX)))).not.toThrow();
  expect(failure(nested(limits.JSON_DEPTH_MAX + 1)).data.faults?.[0]?.code).toBe("too-deep");
  expect(failure("[".repeat(1_000_000)).code).toBe("validation-failed");
  expect(failure('{"a":'.repeat(50_000)).code).toBe("validation-failed");
});

test("brackets inside strings are not nesting", () => {
  const text = JSON.stringify({ a: "[".repeat(100) + '\\"' + "{".repeat(100) });
  expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
});

test("all faults are named at once, each by its pointer", () => {
  const error = failure(
    `{"n":1e400,"big":9007199254740993,"s":"\\ud800","deep":{"x/y~":[0,-1e999]},` +
      `"${"k".repeat(257)}":1,"__proto__":{}}`,
  );
  expect(error.code).toBe("validation-failed");
  expect(pointers(error)).toEqual([
    "/n",
    "/big",
    "/s",
    "/deep/x~1y~0/1",
    `/${"k".repeat(257)}`,
    "/__proto__",
  ]);
});

test("the largest safe integers are accepted", () => {
  expect(parseJson(bytes("[9007199254740991,-9007199254740991,1.5]"))).toEqual([
    9007199254740991, -9007199254740991, 1.5,
  ]);
});

test("a name is measured in bytes of UTF-8", () => {
  expect(() => parseJson(bytes(`{"${"é".repeat(128)}":1}`))).not.toThrow();
  expect(failure(`{"${"é".repeat(129)}":1}`).data.faults?.[0]?.code).toBe("member-name");
});

test("too many members and items are refused, and faults are not listed without end", () => {
  const items = (count: number, item: string): string => `[${Array(count).fill(item).join(",")}]`;
  expect(() => parseJson(bytes(items(limits.JSON_NODES_MAX, "1")))).not.toThrow();
  expect(pointers(failure(items(limits.JSON_NODES_MAX + 1, "1")))).toEqual([""]);
  expect(pointers(failure(items(1000, "1e999")))).toHaveLength(limits.FAULTS_MAX);
});

test("a profile is an object", () => {
  expect(parseJsonObject(bytes("{}"))).toEqual({});
  for (const text of ["[]", "null", "1"]) {
    expect(() => parseJsonObject(bytes(text))).toThrow("must be a JSON object");
  }
});
