// Only what was acknowledged counts, and only while clients were there.
import { expect, test } from "vitest";
import type { Call, Outcome } from "@atoll/simulation/workload";
import { writesPerSecond } from "./write-rate.ts";

const taken: Outcome = { kind: "absent", token: "t", isStale: false };
const refused: Outcome = { kind: "refused", code: "overloaded" };

function call(completedMs: number, more: Partial<Call> = {}): Call {
  const about = { index: 0, session: 1, region: 0, id: "m0", token: "t", invokedMs: 0 } as const;
  return { ...about, edit: { kind: "delete" }, completedMs, outcome: taken, ...more };
}

test("writes that were acknowledged in the time are counted, and divided by it", () => {
  const calls = [
    call(999),
    call(1_000),
    call(2_000),
    call(2_999),
    call(3_000),
    call(1_500, { outcome: refused }),
    call(1_500, { edit: undefined }),
    call(1_500, { outcome: undefined, completedMs: undefined }),
  ];
  expect(writesPerSecond(calls, { fromMs: 1_000, toMs: 3_000 })).toBe(1.5);
});

test("no time is no rate", () => {
  expect(writesPerSecond([call(1)], { fromMs: 1, toMs: 1 })).toBe(0);
});
