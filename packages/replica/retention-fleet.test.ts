// Regions whose logs are trimmed: those that were away too long, that are new, or that were restored from a
// copy come back by comparing documents, and end up byte-identical, in the log again, and able to give.
import { afterEach, describe, expect, test } from "vitest";
import { DEFAULT_TENANT, must, toHex } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";
import { copyOf } from "./store-copy.fixture.ts";

const SOON = { ageMs: 0, bytes: 1e9, deadPeerAfterMs: 20_000 };
const [US, EU, AP] = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;

let fleet: Fleet;
afterEach(() => fleet.close());

async function edit(name: string, count: number, label: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    const patch = { [label]: { [`n${i}`]: i }, role: `${label} ${i}` };
    await fleet.write(name, `p${i % 5}`, { kind: "merge-patch", patch });
  }
}

function trim(...names: readonly string[]): void {
  for (const name of names) {
    const { replica, retention } = fleet.driver(name);
    replica.flush();
    retention.walk();
    replica.flush();
  }
}

const rows = (name: string): number => fleet.driver(name).status().log.rows;
const root = (name: string): string => toHex(fleet.driver(name).replica.ledger.root);

async function expectSame(): Promise<void> {
  await fleet.until("converged", () => fleet.converged(), 200_000);
  for (let i = 0; i < 5; i++) {
    const [first, ...others] = await Promise.all(
      fleet.names.map((name) => fleet.json(name, `p${i}`)),
    );
    expect(first).toBeDefined();
    for (const other of others) expect(other).toBe(first);
  }
  expect(new Set(fleet.names.map(root)).size).toBe(1);
  for (const name of fleet.names) {
    const lanes = [...fleet.driver(name).replica.ledger.frontier.lanes()];
    for (const [, { gaps }] of lanes) expect(gaps).toEqual([]);
  }
}

describe("a fleet whose logs are trimmed", () => {
  test("keeps what some live region has not said that it holds", async () => {
    fleet = new Fleet("floor", { retention: SOON });
    await fleet.until("linked", () => fleet.converged());
    fleet.network.cut(US, AP);
    fleet.network.cut(EU, AP);
    await edit(US, 20, "while cut");
    await fleet.run(3_000);
    trim(US, EU);
    expect(fleet.driver(US).replica.ledger.changes).toBe(20);
    expect(rows(US)).toBe(20);
    expect(fleet.driver(US).status().log.heldBackBy).toHaveProperty(`region ${AP}`);
    fleet.network.heal(US, AP);
    fleet.network.heal(EU, AP);
    await expectSame();
    await fleet.run(3_000);
    trim(US, EU);
    expect(rows(US)).toBeLessThanOrEqual(1);
    await expectSame();
  });

  test("takes back a region that was away for longer than its entries were kept", async () => {
    fleet = new Fleet("away", { retention: SOON });
    await fleet.until("linked", () => fleet.converged());
    await edit(US, 10, "before");
    await edit(AP, 10, "of the lost one");
    await fleet.until("converged", () => fleet.converged());
    const followed = fleet.driver(AP).service.feed.end();
    fleet.crash(AP);
    await edit(US, 30, "while away");
    await edit(EU, 30, "as well");
    await fleet.run(25_000);
    trim(US, EU);
    expect(rows(US) + rows(EU)).toBeLessThanOrEqual(2);
    fleet.start(AP);
    await expectSame();
    expect(fleet.log.lines.map(({ event }) => event)).toContain("log-trimmed-at-peer");
    // Whoever follows its log has missed what came without entries, and is told so.
    const { feed } = fleet.driver(AP).service;
    const page = (since: string) =>
      feed.page({ tenant: DEFAULT_TENANT, since, limit: 100, withData: false });
    await expect(page(followed)).rejects.toMatchObject({ code: "cursor-expired" });
    const now = feed.end();
    await edit(AP, 5, "after");
    await edit(US, 5, "after");
    await expectSame();
    expect((await page(now)).events).toHaveLength(5);
  });

  test("takes in a region that is new, which then can give to others", async () => {
    fleet = new Fleet("new", { retention: SOON, up: [US, EU] });
    await edit(US, 20, "old");
    await edit(EU, 20, "old too");
    await fleet.run(25_000);
    trim(US, EU);
    expect(rows(US) + rows(EU)).toBeLessThanOrEqual(2);
    fleet.start(AP);
    await expectSame();
    fleet.network.cut(US, EU);
    await edit(US, 10, "through the new one");
    await fleet.until("converged", () => new Set(fleet.names.map(root)).size === 1);
    fleet.network.heal(US, EU);
    await expectSame();
  });

  test("gives a restored region its own lost entries back", async () => {
    fleet = new Fleet("restored", { retention: SOON });
    await fleet.until("linked", () => fleet.converged());
    await edit(AP, 10, "kept");
    await fleet.until("converged", () => fleet.converged());
    fleet.crash(AP);
    const copy = copyOf(must(fleet.stores.get(AP), AP), { cleanStop: true });
    fleet.start(AP);
    await fleet.until("back", () => fleet.converged());
    await edit(AP, 20, "lost");
    await fleet.until("converged", () => fleet.converged());
    fleet.crash(AP);
    await fleet.run(25_000);
    trim(US, EU);
    fleet.stores.set(AP, copy);
    fleet.start(AP);
    await expectSame();
    expect(await fleet.json(AP, "p4")).toContain("lost 19");
    await edit(AP, 5, "after");
    await expectSame();
  });

  test("reconciles two regions that both trimmed what the other lacks", async () => {
    fleet = new Fleet("both", { retention: SOON, up: [US, EU] });
    await fleet.until("linked", () =>
      fleet
        .driver(US)
        .status()
        .peers.some((p) => p.state === "live"),
    );
    await edit(US, 5, "common");
    await fleet.run(5_000);
    fleet.network.cut(US, EU);
    await edit(US, 20, "here");
    await edit(EU, 20, "there");
    await fleet.run(25_000);
    trim(US, EU);
    expect(rows(US) + rows(EU)).toBeLessThanOrEqual(2);
    fleet.network.heal(US, EU);
    await fleet.until("equal", () => root(US) === root(EU), 120_000);
    fleet.start(AP);
    await expectSame();
  });
});
