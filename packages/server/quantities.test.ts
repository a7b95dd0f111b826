import { expect, test } from "vitest";
import { parseDuration, parseSize } from "./quantities.ts";

test("a duration is a whole number with a unit", () => {
  expect(["90s", "5m", "24h", "7d", "0s"].map(parseDuration)).toEqual([
    90_000, 300_000, 86_400_000, 604_800_000, 0,
  ]);
  for (const text of ["24", "h", "1.5h", "-1h", "24 h", "1w", "", "99999999999999d", "1toString"]) {
    expect(parseDuration(text), text).toBeUndefined();
  }
});

test("a size is a whole number of bytes, or has a binary unit", () => {
  expect([1024, "1024", "1KiB", "512MiB", "20GiB"].map(parseSize)).toEqual([
    1024,
    1024,
    1024,
    512 * 1024 ** 2,
    20 * 1024 ** 3,
  ]);
  for (const value of ["1GB", "1.5GiB", -1, 1.5, "", "GiB"]) {
    expect(parseSize(value), String(value)).toBeUndefined();
  }
});
