// A timer that several ask for: the earliest counts, and nobody is forgotten.
import { describe, expect, test } from "vitest";
import { ManualClock } from "@atoll/core";
import { Alarm } from "./alarm.ts";

function alarmOf(clock: ManualClock): { readonly alarm: Alarm; readonly rang: number[] } {
  const startMs = clock.monotonicMs();
  const rang: number[] = [];
  return { alarm: new Alarm(clock, () => rang.push(clock.monotonicMs() - startMs)), rang };
}

describe("an alarm", () => {
  test("rings once, at the earliest moment that was asked for", () => {
    const clock = new ManualClock();
    const { alarm, rang } = alarmOf(clock);
    const startMs = clock.monotonicMs();
    alarm.by(startMs + 50);
    alarm.by(startMs + 20);
    alarm.by(startMs + 70);
    clock.advance(200);
    expect(rang).toEqual([20]);
  });

  test("rings again for whoever asks after it rang, also for a moment that has passed", () => {
    const clock = new ManualClock();
    const { alarm, rang } = alarmOf(clock);
    alarm.by(clock.monotonicMs() + 20);
    clock.advance(30);
    alarm.by(clock.monotonicMs() - 5);
    clock.advance(1);
    expect(rang).toEqual([20, 30]);
  });

  test("is silent once it was stopped, whoever asks", () => {
    const clock = new ManualClock();
    const { alarm, rang } = alarmOf(clock);
    alarm.by(clock.monotonicMs() + 20);
    alarm.stop();
    alarm.by(clock.monotonicMs() + 30);
    clock.advance(100);
    expect(rang).toEqual([]);
  });
});
