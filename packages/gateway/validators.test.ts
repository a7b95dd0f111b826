/** Which entity-tags are understood, and which conditions they make. */
import { describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { parseEntityTags, readCondition, writePrecondition } from "./validators.ts";

const TAG = "AAAAAAAAAAAAAAAAAAAAAA";
const strong = (tag: string) => ({ weak: false, tag });

describe("parseEntityTags", () => {
  test.each([
    ["*", "*"],
    ["  * ", "*"],
    ['"a"', [strong("a")]],
    ['""', [strong("")]],
    ['W/"a"', [{ weak: true, tag: "a" }]],
    ['"a","b" , W/"c"', [strong("a"), strong("b"), { weak: true, tag: "c" }]],
    ['"a,b"', [strong("a,b")]],
    [',, "a" ,,', [strong("a")]],
    [`"${TAG}+gzip"`, [strong(TAG)]],
    [`"${TAG}.f1234+br"`, [strong(TAG)]],
    [`"${TAG}x"`, [strong(`${TAG}x`)]],
    ['"short+gzip"', [strong("short+gzip")]],
  ])("%s is understood", (text, tags) => {
    expect(parseEntityTags(text)).toEqual(tags);
  });

  test.each([
    "",
    " ",
    ",",
    "a",
    '"a',
    'a"',
    '"a" "b"',
    '"a""b"',
    'w/"a"',
    'W/ "a"',
    '*, "a"',
    '"a", *',
    '"a b"',
    '"\u007f"',
    "'a'",
    '"a";q=1',
  ])("%j is refused", (text) => {
    expect(parseEntityTags(text)).toBeUndefined();
  });

  test("a list has a bound", () => {
    const list = (count: number) => Array.from({ length: count }, (_, i) => `"${i}"`).join(",");
    expect(parseEntityTags(list(limits.ENTITY_TAGS_MAX))).toHaveLength(limits.ENTITY_TAGS_MAX);
    expect(parseEntityTags(list(limits.ENTITY_TAGS_MAX + 1))).toBeUndefined();
  });
});

describe("writePrecondition", () => {
  test("is empty without conditions", () => {
    expect(writePrecondition({})).toEqual({});
  });

  test("a weak tag cannot hold an If-Match, and can hold an If-None-Match", () => {
    const headers = { "if-match": `W/"a", "${TAG}+gzip"`, "if-none-match": 'W/"a"' };
    expect(writePrecondition(headers)).toEqual({ ifMatch: [TAG], ifNoneMatch: ["a"] });
    expect(writePrecondition({ "if-match": 'W/"a"' })).toEqual({ ifMatch: [] });
  });

  test("a write guarded by a time alone is refused rather than done unguarded", () => {
    const since = { "if-unmodified-since": "Tue, 14 Nov 2023 22:13:20 GMT" };
    expect(() => writePrecondition(since)).toThrow(/If-Match/);
    expect(writePrecondition({ ...since, "if-match": "*" })).toEqual({ ifMatch: "*" });
  });
});

describe("readCondition", () => {
  test.each([
    [{}, "send"],
    [{ "if-none-match": `"${TAG}"` }, "not-modified"],
    [{ "if-none-match": `W/"${TAG}.f1"` }, "not-modified"],
    [{ "if-none-match": `"x", "${TAG}"` }, "not-modified"],
    [{ "if-none-match": "*" }, "not-modified"],
    [{ "if-none-match": '"x"' }, "send"],
    [{ "if-match": `"${TAG}"` }, "send"],
    [{ "if-match": `W/"${TAG}"` }, "failed"],
    [{ "if-match": '"x"', "if-none-match": `"${TAG}"` }, "failed"],
    [{ "if-match": "*", "if-none-match": `"${TAG}"` }, "not-modified"],
    [{ "if-modified-since": "Tue, 14 Nov 2033 22:13:20 GMT" }, "send"],
  ])("%j → %s", (headers, outcome) => {
    expect(readCondition(headers)(TAG)).toBe(outcome);
  });
});
