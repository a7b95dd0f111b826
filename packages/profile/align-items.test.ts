import { expect, test } from "vitest";
import { pairItems } from "./align-items.ts";

const link = (label: string, url: string): { label: string; url: string } => ({ label, url });

test("an edited item is found behind a new one", () => {
  const before = [link("a", "1")];
  const after = [link("new", "9"), link("renamed", "1")];
  expect(pairItems(before, after)).toEqual([{ oldIndex: 0, newIndex: 1 }]);
});

test("an item that stays is not taken for the one before it that goes", () => {
  const before = [link("a", "1"), link("b", "2")];
  expect(pairItems(before, [link("b", "changed")])).toEqual([{ oldIndex: 1, newIndex: 0 }]);
});

test("objects without anything in common are still edited in place", () => {
  expect(pairItems([{ a: 1 }, { b: 1 }], [{ c: 1 }, { d: 1 }])).toEqual([
    { oldIndex: 0, newIndex: 0 },
    { oldIndex: 1, newIndex: 1 },
  ]);
});

test("scalars and arrays are never paired", () => {
  expect(pairItems([1, "x", [1], {}], [2, "y", [2]])).toEqual([]);
});

test("long hunks are paired by position", () => {
  const many = Array.from({ length: 100 }, (_, i) => ({ i }));
  const pairs = pairItems(many, [...many.slice(1), { i: -1 }]);
  expect(pairs).toHaveLength(100);
  expect(pairs.every((pair) => pair.oldIndex === pair.newIndex)).toBe(true);
});
