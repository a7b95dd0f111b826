/** Which preferences count, and which are left alone without a word. */
import { describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { parsePrefer, preferenceApplied } from "./prefer.ts";
import type { Preferences } from "./prefer.ts";

const CASES: readonly (readonly [header: string | undefined, preferences: Preferences])[] = [
  [undefined, {}],
  ["", {}],
  ["return=minimal", { return: "minimal" }],
  ["RETURN=Minimal", { return: "minimal" }],
  ['return="representation"', { return: "representation" }],
  ["return = minimal", { return: "minimal" }],
  ["wait=2", { waitMs: 2000 }],
  ["wait=0", { waitMs: 0 }],
  ["wait=0.5", { waitMs: 500 }],
  ['wait="1"', { waitMs: 1000 }],
  ["wait=31", { waitMs: limits.SESSION_WAIT_MS_MAX }],
  [`wait=${"9".repeat(400)}`, { waitMs: limits.SESSION_WAIT_MS_MAX }],
  [
    "handling=lenient, wait=1,return=minimal",
    { handling: "lenient", waitMs: 1000, return: "minimal" },
  ],
  ["durability=local", { durability: "local" }],
  ["Durability=2, wait=5", { durability: "2", waitMs: 5000 }],
  ["durability=MAJORITY", { durability: "majority" }],
  ['durability="all"', { durability: "all" }],
  ["handling=lenient; why=none, wait=1", { handling: "lenient", waitMs: 1000 }],
  ["respond-async, foo; bar=1, wait=1", { waitMs: 1000 }],
  [",, ,wait=1,", { waitMs: 1000 }],
  // a quoted string hides what is in it
  ['foo="a, return=minimal, b", wait=1', { waitMs: 1000 }],
  ['foo="a\\", return=minimal, b", wait=1', { waitMs: 1000 }],
  ['wait="1;2", wait=1', {}],
  ['foo; bar="x, wait=9, y", wait=1', { waitMs: 1000 }],
  ['wait="\\1"', { waitMs: 1000 }],
  // the first of a name counts, even when it is of no use
  ["return=minimal, return=representation", { return: "minimal" }],
  ["return=nothing, return=minimal", {}],
  ["wait, wait=1", {}],
  // not preferences
  ["wait=-1", {}],
  ["wait=1e3", {}],
  ["wait=.5", {}],
  ["wait=1 2", {}],
  ["wait=", {}],
  ['wait=""', {}],
  ["wait=Infinity", {}],
  ["handling=sloppy", {}],
  ["durability=1", {}],
  ["durability=most, durability=all", {}],
  ["durability", {}],
  ['return="minimal', {}],
  ["return=min imal", {}],
  ["=minimal, (return)=minimal", {}],
];

describe("parsePrefer", () => {
  test.each(CASES)("%j", (header, preferences) => {
    expect(parsePrefer(header)).toEqual(preferences);
  });

  test("a preference inside an object's prototype is none", () => {
    expect(parsePrefer("__proto__=x, constructor=y, wait=1")).toEqual({ waitMs: 1000 });
  });
});

describe("preferenceApplied", () => {
  test("names what was granted, waiting in seconds", () => {
    const honoured: Preferences = {
      waitMs: 500,
      handling: "lenient",
      return: "minimal",
      durability: "2",
    };
    expect(preferenceApplied(honoured)).toBe(
      "wait=0.5, handling=lenient, return=minimal, durability=2",
    );
  });

  test("is left away when nothing was", () => {
    expect(preferenceApplied({})).toBeUndefined();
  });
});
