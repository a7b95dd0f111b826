// Virtual time: what happens when, to whom, and to whom not any more.
import { expect, test } from "vitest";
import type { Host } from "./world.ts";
import { World } from "./world.ts";

function host(name: string): Host {
  return { name, life: 1, freeAtMs: 0, costMs: 0 };
}

test("events go in order of time, then of scheduling, and time jumps to them", async () => {
  const world = new World();
  const seen: string[] = [];
  const note = (what: string) => () => seen.push(`${what} ${world.nowMs}`);
  world.schedule(20, undefined, note("late"));
  world.schedule(10, undefined, note("first"));
  world.schedule(10, undefined, note("second"));
  world.schedule(5, undefined, () => world.schedule(1, undefined, note("nested")));
  await world.run(15);
  expect(seen).toEqual(["nested 6", "first 10", "second 10"]);
  expect(world.nowMs).toBe(15);
});

test("what is cancelled, or meant for a process that died, does not happen", async () => {
  const world = new World();
  const seen: string[] = [];
  const a = host("a");
  world.schedule(10, undefined, () => seen.push("cancelled")).isCancelled = true;
  world.schedule(10, a, () => seen.push("of its first life"));
  world.schedule(5, undefined, () => {
    a.life++;
    world.schedule(10, a, () => seen.push("of its second"));
  });
  await world.run(100);
  expect(seen).toEqual(["of its second"]);
});

test("a paused host gets its events when it goes on, in their order; a slow one takes its time", async () => {
  const world = new World();
  const seen: string[] = [];
  const a = host("a");
  a.freeAtMs = 50;
  a.costMs = 7;
  world.schedule(10, a, () => seen.push(`one ${world.nowMs}`));
  world.schedule(20, a, () => seen.push(`two ${world.nowMs}`));
  world.schedule(20, undefined, () => seen.push(`others ${world.nowMs}`));
  await world.run(100);
  expect(seen).toEqual(["others 20", "one 50", "two 57"]);
});

test("a host whose pause is cut short gets what it waited for before what comes then", async () => {
  const world = new World();
  const seen: string[] = [];
  const a = host("a");
  a.freeAtMs = 1_000;
  world.schedule(30, a, () => seen.push(`due later ${world.nowMs}`));
  world.schedule(10, a, () => seen.push(`due first ${world.nowMs}`));
  world.schedule(100, a, () => seen.push(`due then ${world.nowMs}`));
  world.schedule(50, undefined, () => {
    world.relieve(a);
    world.schedule(0, a, () => seen.push(`new ${world.nowMs}`));
  });
  await world.run(2_000);
  expect(seen).toEqual(["due first 50", "due later 50", "new 50", "due then 100"]);
});

test("promises that an event sets free are served before the next event", async () => {
  const world = new World();
  const seen: string[] = [];
  let free: () => void = () => undefined;
  world.promised++;
  void new Promise<void>((resolve) => {
    free = resolve;
  })
    .then(() => Promise.resolve())
    .then(() => seen.push("answered"));
  world.schedule(1, undefined, () => free());
  world.schedule(1, undefined, () => seen.push("next event"));
  await world.run(10);
  expect(seen).toEqual(["answered", "next event"]);
});

test("events without end at one moment are an error, not a hang", async () => {
  const world = new World();
  const again = (): void => {
    world.schedule(0, undefined, again);
  };
  again();
  await expect(world.run(10)).rejects.toThrow("time stands still");
});
