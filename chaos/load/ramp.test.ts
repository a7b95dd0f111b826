// Clients come little by little, and then as they would have without it.
import { expect, test } from "vitest";
import { rampedMs } from "./ramp.ts";

test("a load begins with nobody, and grows until it is whole", () => {
  const rates = [0, 1_000, 2_000, 4_000].map((ms) => rampedMs(ms + 1, 5_000) - rampedMs(ms, 5_000));
  expect(rates.map((rate) => rate.toFixed(1))).toEqual(["0.0", "0.2", "0.4", "0.8"]);
});

test("what comes then is late by half of that time, and never more", () => {
  expect([5_000, 6_000, 60_000].map((ms) => ms - rampedMs(ms, 5_000))).toEqual([
    2_500, 2_500, 2_500,
  ]);
});

test("without a time to grow in it is whole at once", () => {
  expect([0, 1, 500].map((ms) => rampedMs(ms, 0))).toEqual([0, 1, 500]);
});
