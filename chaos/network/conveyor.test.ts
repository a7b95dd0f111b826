// One direction of a connection, on a clock that moves when it is told: late, slow, in crumbs, held, in order.
import { PassThrough } from "node:stream";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { ManualClock, SeededRandom } from "@atoll/core";
import { Conveyor } from "./conveyor.ts";
import type { Impairment } from "./impairment.ts";
import { UNIMPAIRED } from "./impairment.ts";

function belt(change: Partial<Impairment>) {
  const clock = new ManualClock();
  const source = new PassThrough();
  const sink = new PassThrough({ highWaterMark: 1_000_000 });
  let impairment = { ...UNIMPAIRED, ...change };
  const pieces: string[] = [];
  const write = sink.write.bind(sink);
  sink.write = ((bytes: Buffer) => {
    pieces.push(bytes.toString());
    return write(bytes);
  }) as typeof sink.write;
  const conveyor = new Conveyor({
    source: source as unknown as Socket,
    sink: sink as unknown as Socket,
    impairment: () => impairment,
    random: new SeededRandom("conveyor"),
    clock,
  });
  return {
    clock,
    source,
    conveyor,
    pieces,
    said: () => pieces.join(""),
    ended: () => sink.writableEnded,
    set: (next: Partial<Impairment>): void => {
      impairment = { ...impairment, ...next };
      conveyor.flow();
    },
  };
}

test("what is late arrives late, and the end not before it", () => {
  const { conveyor, clock, said, ended } = belt({ delayMs: 100 });
  conveyor.take(Buffer.from("hello"));
  conveyor.end();
  clock.advance(99);
  expect(said()).toBe("");
  expect(ended()).toBe(false);
  clock.advance(1);
  expect(said()).toBe("hello");
  expect(ended()).toBe(true);
});

test("jitter changes when things arrive and never their order", () => {
  const { conveyor, clock, said } = belt({ jitterMs: 500 });
  const text = Array.from({ length: 60 }, (_, i) => `${i},`);
  for (const piece of text) {
    conveyor.take(Buffer.from(piece));
    clock.advance(3);
  }
  clock.advance(1_000);
  expect(said()).toBe(text.join(""));
});

test("a slow pipe passes so many bytes a second", () => {
  const { conveyor, clock, said } = belt({ bytesPerSecond: 1_000 });
  conveyor.take(Buffer.alloc(10_000, "x"));
  clock.advance(3_000);
  expect(said().length).toBeGreaterThan(2_000);
  expect(said().length).toBeLessThan(4_100);
  clock.advance(10_000);
  expect(said()).toHaveLength(10_000);
});

test("crumbs are small, and all of them arrive", () => {
  const { conveyor, pieces, said } = belt({ sliceBytes: 4 });
  conveyor.take(Buffer.from("0123456789".repeat(20)));
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(4);
  expect(said()).toBe("0123456789".repeat(20));
});

test("nothing passes a swallowed direction, the sender is held, and all arrives when it is mended", () => {
  const { conveyor, source, said, ended, set, clock } = belt({ passage: "swallow" });
  conveyor.take(Buffer.from("late"));
  conveyor.end();
  clock.advance(60_000);
  expect(said()).toBe("");
  expect(source.isPaused()).toBe(true);
  set({ passage: "pass" });
  expect(said()).toBe("late");
  expect(ended()).toBe(true);
});
