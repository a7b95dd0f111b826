import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { authorshipMessage, parseAuthorship } from "./authorship.ts";
import { Copy, actorOf, fleetCodec } from "./fleet.fixture.ts";

const TRACEPARENT = `00-${"4b".repeat(16)}-${"0f".repeat(8)}-01`;

describe("the message of a change", () => {
  test("says who asked for it and in which trace", () => {
    const by = { principal: "key:ci", traceparent: TRACEPARENT };
    expect(parseAuthorship(authorshipMessage(by))).toEqual(by);
    expect(authorshipMessage({})).toBeUndefined();
  });

  test("bears any principal, cut where it is too long, without what no screen should show", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 600 }), (principal) => {
        const message = authorshipMessage({ principal }) ?? "";
        expect(message.length).toBeLessThanOrEqual(limits.AUTHORSHIP_CHARS_MAX);
        const shown = parseAuthorship(message)?.principal ?? "";
        expect(shown.length).toBeGreaterThan(0);
        expect(shown.length).toBeLessThanOrEqual(limits.PRINCIPAL_CHARS_MAX);
      }),
    );
  });

  test.each([
    ["a text", "hello"],
    ["the path of a container", '["~o:a"]'],
    ["no JSON", "{"],
    ["too long", `{"principal":"a","x":"${"x".repeat(limits.AUTHORSHIP_CHARS_MAX)}"}`],
  ])("that is %s says nothing", (_what, message) => {
    expect(parseAuthorship(message)).toBeUndefined();
  });

  test.each([
    ["a number", '{"principal":7}'],
    ["too long", JSON.stringify({ principal: "p".repeat(limits.PRINCIPAL_CHARS_MAX + 1) })],
    ["a line break", '{"principal":"a\\nb"}'],
    ["a change of direction", '{"principal":"a\\u202eb"}'],
    ["half a character", '{"principal":"\\ud800"}'],
    ["__proto__", '{"__proto__":{"principal":"a"}}'],
  ])("with a principal that is %s names nobody", (_what, message) => {
    expect(parseAuthorship(message)?.principal).toBeUndefined();
  });

  test("names no trace unless it is one", () => {
    const traceparent = `${TRACEPARENT}\r\nx: y`;
    expect(parseAuthorship(JSON.stringify({ traceparent }))).toEqual({});
  });
});

const by = { principal: "key:ci" };

test("a change with an author that changes nothing is none", () => {
  const copy = new Copy(1);
  expect(copy.edit({ kind: "put", value: { a: 1 } }, undefined, by)).toBeDefined();
  expect(copy.edit({ kind: "put", value: { a: 1 } }, undefined, by)).toBeUndefined();
  expect(copy.profile.inspect().history()).toHaveLength(1);
  copy.profile.free();
});

test("concurrent edits with authors are in conflict, also for whoever opens the document later", () => {
  const copies = [new Copy(1), new Copy(2)] as const;
  const first = copies[0].edit({ kind: "put", value: { a: { b: 1 } } }, undefined, by);
  if (first !== undefined) copies[1].receive(first);
  const edits = copies.map((copy, i) => {
    return copy.edit({ kind: "merge-patch", patch: { a: { b: i + 2 } } }, undefined, by);
  });
  if (edits[0] !== undefined) copies[1].receive(edits[0]);
  if (edits[1] !== undefined) copies[0].receive(edits[1]);
  expect(copies.map((copy) => copy.profile.render().conflicts)).toEqual([1, 1]);
  const bytes = { base: copies[0].profile.save(), tail: new Uint8Array() };
  const reopened = fleetCodec.open(bytes, actorOf(9));
  expect(reopened.render().conflicts).toBe(1);
  for (const copy of copies) copy.profile.free();
  reopened.free();
});
