import fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "@atoll/core";
import { diffSequences } from "./sequence-diff.ts";
import { diffText } from "./text-diff.ts";

const letters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 });

function apply(before: readonly string[], after: readonly string[]): string[] {
  const result = [...before];
  for (const { oldStart, oldCount, newStart, newCount } of diffSequences(before, after).reverse()) {
    result.splice(oldStart, oldCount, ...after.slice(newStart, newStart + newCount));
  }
  return result;
}

function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const next = [0];
    b.forEach((y, j) =>
      next.push(x === y ? (row[j] ?? 0) + 1 : Math.max(row[j + 1] ?? 0, next[j] ?? 0)),
    );
    row = next;
  }
  return row[b.length] ?? 0;
}

test("hunks lead from one sequence to the other by the fewest edits", () => {
  fc.assert(
    fc.property(letters, letters, (before, after) => {
      expect(apply(before, after)).toEqual(after);
      const edits = diffSequences(before, after).reduce(
        (sum, hunk) => sum + hunk.oldCount + hunk.newCount,
        0,
      );
      expect(edits).toBe(before.length + after.length - 2 * longestCommon(before, after));
    }),
    { numRuns: 2000 },
  );
});

test("hunks neither touch nor overlap", () => {
  fc.assert(
    fc.property(letters, letters, (before, after) => {
      let end = -1;
      for (const hunk of diffSequences(before, after)) {
        expect(hunk.oldStart).toBeGreaterThan(end);
        end = hunk.oldStart + hunk.oldCount;
      }
    }),
    { numRuns: 1000 },
  );
});

test("sequences that differ beyond the bound are replaced between their common ends", () => {
  const count = limits.DIFF_EDITS_MAX + 10;
  const before = ["first", ...Array.from({ length: count }, (_, i) => `old ${i}`), "last"];
  const after = ["first", ...Array.from({ length: count }, (_, i) => `new ${i}`), "last"];
  expect(diffSequences(before, after)).toEqual([
    { oldStart: 1, oldCount: count, newStart: 1, newCount: count },
  ]);
});

const text = fc.string({
  unit: fc.constantFrom("a", "b", " ", "é", "👋", "🏽", "\n"),
  maxLength: 14,
});

test("splices lead from one text to the other and never split a surrogate pair", () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      let result = before;
      for (const { index, removed, inserted } of diffText(before, after).reverse()) {
        expect(before.slice(0, index).isWellFormed()).toBe(true);
        expect(before.slice(index, index + removed).isWellFormed()).toBe(true);
        expect(inserted.isWellFormed()).toBe(true);
        result = result.slice(0, index) + inserted + result.slice(index + removed);
      }
      expect(result).toBe(after);
    }),
    { numRuns: 2000 },
  );
});

test("emoji that share half a surrogate pair are replaced whole", () => {
  expect(diffText("😀", "😁")).toEqual([{ index: 0, removed: 2, inserted: "😁" }]);
  expect(diffText("a\u{1f600}", "a\u{1fa00}")).toEqual([
    { index: 1, removed: 2, inserted: "\u{1fa00}" },
  ]);
});

test("a changed letter costs a letter, a rewritten word costs the word", () => {
  expect(diffText("she likes engines", "she liked engines")).toEqual([
    { index: 8, removed: 1, inserted: "d" },
  ]);
  expect(diffText("one two three", "one 2 three")).toEqual([
    { index: 4, removed: 3, inserted: "2" },
  ]);
});
