import { expect, test } from "vitest";
import type { ProfileId } from "@atoll/core";
import { ManualClock, limits } from "@atoll/core";
import { MemoryStore } from "@atoll/store";
import { Group } from "./group.ts";
import { KeptAnswers } from "./kept-answers.ts";

function attempt(n: number) {
  return { key: new Uint8Array(32).fill(n), fingerprint: new Uint8Array(32).fill(n + 100) };
}

test("no more are kept than may be, the oldest go first", () => {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const answers = new KeptAnswers({ store, group: new Group(store), clock, answersMax: 3 });
  for (let n = 0; n < 10; n++) {
    clock.advance(1);
    answers.keep(attempt(n), { kind: "deleted", existed: n % 2 === 0 });
  }
  expect(store.countAnswers()).toBe(3);
  expect([6, 7, 8, 9].map((n) => answers.find(attempt(n)))).toEqual([
    undefined,
    { kind: "deleted", existed: false },
    { kind: "deleted", existed: true },
    { kind: "deleted", existed: false },
  ]);
  store.rollback();
  answers.reload();
  clock.advance(limits.ANSWER_KEPT_MS);
  const outcome = { kind: "written", id: "a" as ProfileId, created: true, changed: true } as const;
  answers.keep(attempt(1), { ...outcome, heads: [] });
  expect(answers.find(attempt(1))).toEqual({ ...outcome, heads: [] });
  expect(store.countAnswers()).toBe(1);
});
