import { expect, test } from "vitest";
import { linkAdvice } from "./cluster-health.ts";
import type { LinkVerdict } from "./link-verdict.ts";

function adviceFor(...states: LinkVerdict["state"][]): string | undefined {
  return linkAdvice(states.map((state) => ({ state }) as LinkVerdict));
}

test("nobody is told that a region serves which does not answer", () => {
  expect(adviceFor("live")).toBeUndefined();
  expect(adviceFor("live", "cut")).toMatch(/^Both sides keep serving .* Fix the link/);
  expect(adviceFor("paused")).toMatch(/^Both sides keep serving .* Resume it/);
  expect(adviceFor("cut", "unreachable")).toMatch(/^The regions that answer keep serving/);
  expect(adviceFor("cut", "unreachable")).not.toMatch(/[Bb]oth sides/);
});
