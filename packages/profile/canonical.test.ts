import { expect, test } from "vitest";
import { canonicalBytes, canonicalJson, sameJson } from "./canonical.ts";

test("the example of RFC 8785 section 3.2.2 is serialised as printed there", () => {
  const value = {
    numbers: [
      JSON.parse("333333333.33333329") as number,
      1e30,
      4.5,
      2e-3,
      0.000000000000000000000000001,
    ],
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
    literals: [null, true, false],
  };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test("names are sorted by UTF-16 code units, as in RFC 8785 section 3.2.3", () => {
  const names = ["\u20ac", "\r", "\ufb33", "1", "\u{1f600}", "\u0080", "\u00f6", "10", "2"];
  const text = canonicalJson(Object.fromEntries(names.map((name) => [name, 0])));
  expect(Object.keys(JSON.parse(`{"x":${text}}`) as object)).toEqual(["x"]);
  const order = [...text.matchAll(/"((?:[^"\\]|\\.)*)":/gs)].map((match) => match[1]);
  expect(order).toEqual(["\\r", "1", "10", "2", "\u0080", "ö", "€", "😀", "\ufb33"]);
});

test("equality ignores the order of members and keeps that of items", () => {
  expect(sameJson({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
  expect(sameJson([1, 2], [2, 1])).toBe(false);
  expect(sameJson(1, "1")).toBe(false);
  expect(sameJson({}, [])).toBe(false);
  expect(sameJson(null, {})).toBe(false);
});

test("a size is counted in bytes of UTF-8", () => {
  expect(canonicalBytes({ a: "é👋" })).toBe(14);
});
