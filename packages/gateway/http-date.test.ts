import { expect, test } from "vitest";
import fc from "fast-check";
import { httpDate } from "./http-date.ts";

test("a time is written as the platform writes it, at any moment of any day", () => {
  const ms = fc.integer({ min: 0, max: Date.UTC(2159, 11, 31) });
  fc.assert(fc.property(ms, (at) => httpDate(at) === new Date(at).toUTCString()));
  const day = Date.UTC(2026, 10, 23);
  for (const at of [day - 1, day, day + 999.5, day + 86_399_999, day + 86_400_000]) {
    expect(httpDate(at)).toBe(new Date(at).toUTCString());
  }
});
