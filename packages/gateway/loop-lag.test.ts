import { expect, test } from "vitest";
import { ManualClock, limits } from "@atoll/core";
import type { Timer } from "@atoll/core";
import { LoopLag } from "./loop-lag.ts";

/** Its timers fire `lateMs` later than they should. */
class LateClock extends ManualClock {
  lateMs = 0;
  override after(delayMs: number, fire: () => void): Timer {
    return super.after(delayMs + this.lateMs, fire);
  }
}

function pass(clock: LateClock, checks: number): void {
  for (let i = 0; i < checks; i++) clock.advance(limits.LOOP_LAG_CHECK_MS + clock.lateMs);
}

test("a process whose timers are late over and over is overloaded, until they are not", () => {
  const clock = new LateClock();
  const lag = new LoopLag(clock);
  clock.lateMs = limits.LOOP_LAG_MS_MAX + 1;
  lag.start();
  pass(clock, limits.LOOP_LAG_CHECKS - 1);
  expect(lag.isOverloaded).toBe(false);
  pass(clock, 1);
  expect(lag.standingMs).toBe(limits.LOOP_LAG_MS_MAX + 1);
  expect(lag.isOverloaded).toBe(true);
  clock.lateMs = 0;
  pass(clock, 5); // one timer was set late still
  expect(lag.isOverloaded).toBe(false);
});

test("one long pause is no overload", () => {
  const clock = new LateClock();
  const lag = new LoopLag(clock);
  lag.start();
  pass(clock, limits.LOOP_LAG_CHECKS);
  clock.lateMs = 5_000;
  pass(clock, 1);
  clock.lateMs = 0;
  pass(clock, 2);
  expect(lag.isOverloaded).toBe(false);
  lag.stop();
});
