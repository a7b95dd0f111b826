import { expect, test } from "vitest";
import { ManualClock } from "@atoll/core";
import { Turns } from "./turns.ts";

/** What promises make of a turn. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await Promise.resolve();
}

test("one piece is done in a turn, in the order in which they were asked for", async () => {
  const queue: (() => void)[] = [];
  const clock = new ManualClock();
  clock.afterTurn = (run) => void queue.push(run);
  const turns = new Turns(clock);
  const done: number[] = [];
  for (let i = 0; i < 4; i++) void turns.next().then(() => done.push(i));
  await settle();
  expect([done, turns.waiting]).toEqual([[0], 3]);
  for (const expected of [
    [0, 1],
    [0, 1, 2],
    [0, 1, 2, 3],
  ]) {
    queue.shift()?.();
    await settle();
    expect(done).toEqual(expected);
  }
  queue.shift()?.();
  void turns.next().then(() => done.push(9));
  await settle();
  expect(done).toEqual([0, 1, 2, 3, 9]); // nobody has had this turn
});
