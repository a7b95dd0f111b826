/** What one region lets through the others hear of, and a region that is cut off knows that it is. */
import { expect, test } from "vitest";
import type { Spending, SpendingExchange } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";

class Limits implements SpendingExchange {
  spent: Spending[] = [];
  heard: Spending[] = [];
  shared = "";

  takeSpent(): readonly Spending[] {
    return this.spent.splice(0);
  }

  hear(spent: readonly Spending[]): void {
    this.heard.push(...spent);
  }

  sharedBy(regions: number, of: number): void {
    this.shared = `${regions}/${of}`;
  }
}

test("regions tell each other, once, while they are linked; cut off they know their share", async () => {
  const limits = new Map<string, Limits>();
  const fleet = new Fleet("rates", {
    ratesOf(name) {
      const own = new Limits();
      limits.set(name, own);
      return own;
    },
  });
  const [us, eu, asia] = fleet.names as [string, string, string];
  const of = (name: string): Limits => limits.get(name) ?? new Limits();
  await fleet.until("all share", () => [...limits.values()].every((each) => each.shared === "3/3"));

  of(us).spent = [{ bucket: 5n, count: 3 }];
  await fleet.run(1_000);
  expect([of(us).heard, of(eu).heard, of(asia).heard]).toEqual([
    [],
    [{ bucket: 5n, count: 3 }],
    [{ bucket: 5n, count: 3 }],
  ]);

  for (const other of [eu, asia]) fleet.driver(us).setPeerState(other, "paused");
  await fleet.run(5_000);
  expect([of(us).shared, of(eu).shared, of(asia).shared]).toEqual(["1/3", "2/3", "2/3"]);
  of(us).spent = [{ bucket: 6n, count: 1 }];
  await fleet.run(1_000);
  for (const other of [eu, asia]) fleet.driver(us).setPeerState(other, "active");
  await fleet.until("all share", () => [...limits.values()].every((each) => each.shared === "3/3"));
  expect(of(eu).heard).toHaveLength(1); // what was not heard is forgiven
  await fleet.close();
});
