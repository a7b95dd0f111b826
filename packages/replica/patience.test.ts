import { ManualClock } from "@atoll/core";
import { expect, test } from "vitest";
import { Patience } from "./patience.ts";

function oneWaiting(signal?: AbortSignal) {
  const clock = new ManualClock();
  const patience = new Patience(clock);
  const state = { isSo: false };
  const outcome = patience.until(() => state.isSo, { waitMs: 100, signal });
  return { clock, patience, state, outcome };
}

test("a look ends the wait only when it is so", async () => {
  const { patience, state, outcome } = oneWaiting();
  patience.look();
  expect(patience.size).toBe(1);
  state.isSo = true;
  patience.look();
  expect(await outcome).toBe(true);
  expect(patience.size).toBe(0);
});

test("when the time is up, what is so then is told", async () => {
  const late = oneWaiting();
  late.clock.advance(100);
  expect(await late.outcome).toBe(false);
  const lastMoment = oneWaiting();
  lastMoment.state.isSo = true; // and nobody looked
  lastMoment.clock.advance(100);
  expect(await lastMoment.outcome).toBe(true);
});

test("who leaves is let go with the reason, and nothing is left behind", async () => {
  const departure = new AbortController();
  const { clock, patience, outcome } = oneWaiting(departure.signal);
  departure.abort(new Error("gone"));
  await expect(outcome).rejects.toThrow("gone");
  expect(patience.size).toBe(0);
  clock.advance(1_000);
});

test("who has left before does not wait", async () => {
  const { patience, outcome } = oneWaiting(AbortSignal.abort(new Error("gone")));
  await expect(outcome).rejects.toThrow("gone");
  expect(patience.size).toBe(0);
});

test("after its end it holds nobody", async () => {
  const { patience, outcome } = oneWaiting();
  patience.close();
  expect(await outcome).toBe(false);
  expect(await patience.until(() => false, { waitMs: 100 })).toBe(false);
  expect(patience.size).toBe(0);
});
