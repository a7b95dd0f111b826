import { expect, test } from "vitest";
import { causeOfBeingRefused, causeOfRefusing, silenceText } from "./loss.ts";

test.each([
  ["leaving", silenceText(2_010.4), "silence", "unheard"],
  ["paused", "paused by an operator", "paused", "paused-by-peer"],
  ["leaving", "stopping", "reset", "left"],
  ["duplicate", "replaced by a newer link", "reset", "left"],
  ["malformed", "second hello", "refused", "refused"],
  ["cluster", "another cluster", "refused", "refused"],
] as const)("%s, %s: here %s, there %s", (code, detail, ours, theirs) => {
  expect(causeOfRefusing({ code, detail })).toBe(ours);
  expect(causeOfBeingRefused({ code, detail })).toBe(theirs);
});

test("what is told of a silence is short and whole", () => {
  expect(silenceText(2_010.4)).toBe("silent for 2010 ms");
});
