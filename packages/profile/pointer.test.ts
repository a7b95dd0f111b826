import { expect, test } from "vitest";
import { childPointer, parsePointer } from "./pointer.ts";

test("names with slashes and tildes come back as they went in", () => {
  const names = ["", "a/b", "m~n", "~1", "~01", "0", "é"];
  expect(parsePointer(names.reduce(childPointer, ""))).toEqual(names);
});

test("the whole document has the empty pointer", () => {
  expect(parsePointer("")).toEqual([]);
  expect(parsePointer("/")).toEqual([""]);
});

test.each(["a", "a/b", "/~", "/~2", "/a~"])("%j is not a pointer", (text) => {
  expect(parsePointer(text)).toBeUndefined();
});
