/**
 * Header parsers are total: whatever a stranger sends, they return, and what they return is
 * bounded.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { parsePrefer, preferenceApplied } from "./prefer.ts";
import { parseParameter, splitOutsideQuotes } from "./quoted-list.ts";
import { parseEntityTags } from "./validators.ts";

/** Text near the grammars: pieces that mean something, in an order that may not. */
const pieces = fc.constantFrom(
  ...['"', "\\", ",", ";", "=", " ", "\t", "*", "W/", "wait", "return", "minimal", "handling"],
  ...["durability", "local", "all", "2"],
  ...["lenient", "strict", "0", "1", ".", "9".repeat(30), "é", "\u0000", "__proto__", "(", "{"],
);
const nearGrammar = fc.array(pieces, { maxLength: 40 }).map((list) => list.join(""));
const header = fc.oneof(nearGrammar, fc.string({ unit: "binary", maxLength: 200 }));

describe("for any header", () => {
  test("parsePrefer never throws and never grants more than the bound", () => {
    fc.assert(
      fc.property(header, (text) => {
        const { waitMs, handling, return: returned, durability } = parsePrefer(text);
        if (waitMs !== undefined) {
          expect(Number.isInteger(waitMs)).toBe(true);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(limits.SESSION_WAIT_MS_MAX);
        }
        expect([undefined, "strict", "lenient"]).toContain(handling);
        expect([undefined, "minimal", "representation"]).toContain(returned);
        expect([undefined, "local", "2", "majority", "all"]).toContain(durability);
      }),
    );
  });

  test("what is told as applied is understood the same way", () => {
    fc.assert(
      fc.property(header, (text) => {
        const preferences = parsePrefer(text);
        expect(parsePrefer(preferenceApplied(preferences))).toEqual(preferences);
      }),
    );
  });

  test("parseEntityTags never throws, and a list is never empty or over its bound", () => {
    fc.assert(
      fc.property(header, (text) => {
        const tags = parseEntityTags(text);
        if (tags === undefined || tags === "*") return;
        expect(tags.length).toBeGreaterThan(0);
        expect(tags.length).toBeLessThanOrEqual(limits.ENTITY_TAGS_MAX);
      }),
    );
  });

  test("splitting loses nothing but the separators and the space around them", () => {
    const bare = (text: string) => text.replace(/[\s,]/gu, "");
    fc.assert(
      fc.property(header, (text) => {
        const items = splitOutsideQuotes(text, ",");
        expect(bare(items.join(","))).toBe(bare(text));
        for (const item of items) parseParameter(item);
      }),
    );
  });
});

describe("for any list of tags", () => {
  const tag = fc
    .string({ unit: fc.constantFrom(..."abcXYZ019-_,*/W"), maxLength: 21 })
    .map((text) => ({ weak: text.length % 2 === 1, tag: text }));

  test("what is written is read back", () => {
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 20 }), (tags) => {
        const text = tags.map((each) => `${each.weak ? "W/" : ""}"${each.tag}"`).join(" , ");
        expect(parseEntityTags(text)).toEqual(tags);
      }),
    );
  });
});

describe("for a header far longer than any server takes", () => {
  // A scan that is not linear needs hours for a megabyte: the suite's timeout is the assertion.
  test.each(["a ", '"', '\\"', ", ", 'W/"', "a=;", " ", '"a" ', '""'])("%j repeated", (piece) => {
    const text = piece.repeat(2 ** 20 / piece.length);
    parsePrefer(text);
    parseEntityTags(text);
  });
});
