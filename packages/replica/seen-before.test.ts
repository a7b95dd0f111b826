// Telling the second time from the first, with two sets of bits of which the older is forgotten.
import { describe, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { SeenBefore } from "./seen-before.ts";

describe("what was seen before", () => {
  test("is seen again from the second time on", () => {
    const seen = new SeenBefore();
    expect([seen.again(7), seen.again(8), seen.again(7), seen.again(7)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  test("is remembered through one turn of the sets, and forgotten after two", () => {
    const seen = new SeenBefore();
    seen.again(0);
    let next = 1;
    const fill = (): void => {
      for (let i = 0; i < limits.SEEN_ONCE_MAX; i++) seen.again(next++);
    };
    fill();
    expect(seen.again(0)).toBe(true);
    fill();
    expect(seen.again(0)).toBe(false);
  });

  test("takes any position, however large", () => {
    const seen = new SeenBefore();
    const last = 2 ** 52 - 1;
    expect(seen.again(last)).toBe(false);
    expect(seen.again(last)).toBe(true);
  });
});
