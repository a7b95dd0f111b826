// What operators are told about a cut, and about links that were lost, by real regions on a network in memory.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";
import type { NamedCut } from "./truth-desk.ts";

const [US, EU, AP] = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;
const put = (name: string) => ({ kind: "put", value: { displayName: name } }) as const;

let fleet: Fleet;
beforeEach(async () => {
  fleet = new Fleet("truth");
  for (let i = 0; i < 12; i++) await fleet.write(US, `p${i}`, put(`P${i}`));
  await fleet.until("converged", () => fleet.converged());
});
afterEach(() => fleet.close());

async function heldBy(name: string): Promise<NamedCut> {
  const asking = fleet.driver(name).truth.holdings();
  await fleet.run(50);
  return (await asking).held;
}

async function commonCut(...names: string[]): Promise<NamedCut> {
  const held = await Promise.all(names.map(heldBy));
  const regions = new Set(held.flatMap((each) => Object.keys(each)));
  return Object.fromEntries(
    [...regions].map((region) => [region, Math.min(...held.map((each) => each[region] ?? 0))]),
  );
}

describe("at a cut", () => {
  test("regions that have converged tell the same sums, whatever is written meanwhile", async () => {
    await fleet.run(2_000);
    const cut = await commonCut(US, EU, AP);
    const before = fleet.driver(US).truth.shards(cut);
    expect(before.root.changes).toBe(12);
    await fleet.write(EU, "p3", put("later"));
    await fleet.write(US, "new", put("new"));
    await fleet.run(300);
    for (const name of [US, EU, AP]) {
      const { root, shards } = fleet.driver(name).truth.shards(cut);
      expect({ root, shards }).toEqual({ root: before.root, shards: before.shards });
    }
  });

  test("that a region has not reached it says so instead of guessing", async () => {
    fleet.network.cut(US, EU);
    fleet.network.cut(AP, EU);
    await fleet.write(US, "p1", put("unseen in eu"));
    await fleet.run(3_000);
    const cut = await heldBy(US);
    expect(() => fleet.driver(EU).truth.shards(cut)).toThrow("us-east-1");
    expect(() => fleet.driver(US).truth.shards({ mars: 1 })).toThrow("mars");
  });

  test("a node's children add up to its documents, and a shard is a node", async () => {
    await fleet.run(2_000);
    const cut = await commonCut(US, EU);
    const { truth } = fleet.driver(US);
    const { shards } = truth.shards(cut);
    const shard = shards.findIndex(({ changes }) => changes > 0);
    const { children, documents } = truth.node(cut, { depth: 4, index: shard }, 3);
    const count = (sums: readonly { changes: number }[]) =>
      sums.reduce((total, { changes }) => total + changes, 0);
    expect(count(children)).toBe(shards[shard]?.changes);
    expect(count(must(documents, "few documents"))).toBe(shards[shard]?.changes);
    expect(documents?.[0]?.profileId).toMatch(/^p\d+$/);
  });
});

describe("above a cut", () => {
  test("lie the documents that were written since, page by page, with their heads now", async () => {
    await fleet.run(2_000);
    const cut = await commonCut(US, EU);
    for (const id of ["p1", "p2", "p2", "p4"]) await fleet.write(US, id, put(`again ${id}`));
    const { truth } = fleet.driver(US);
    const all = truth.above(cut, { after: undefined, limit: 100 });
    expect(all.total.documents).toBe(3);
    expect(all.complete).toBe(true);
    expect(all.documents.map(({ profileId }) => profileId).sort()).toEqual(["p1", "p2", "p4"]);
    const first = truth.above(cut, { after: undefined, limit: 2 });
    const rest = truth.above(cut, { after: must(first.next, "more"), limit: 2 });
    expect([...first.documents, ...rest.documents]).toEqual(all.documents);
    expect(rest.next).toBeNull();
    const { profile } = must(await fleet.read(US, "p1"), "p1") as never as {
      profile: { heads: string[] };
    };
    expect(all.documents.find(({ profileId }) => profileId === "p1")?.heads).toEqual(profile.heads);
  });
});

describe("a link that was lost", () => {
  const lossOf = (name: string, other: string) =>
    fleet
      .driver(name)
      .peers()
      .find(({ region }) => region === other)?.loss?.cause;

  test("in both directions is silence on both sides", async () => {
    fleet.network.cut(US, EU);
    await fleet.run(15_000);
    expect([lossOf(US, EU), lossOf(EU, US)]).toEqual(["silence", "silence"]);
  });

  test("in one direction is silence on one side, and told to the other", async () => {
    fleet.network.cutOneWay(US, EU);
    await fleet.run(15_000);
    expect([lossOf(US, EU), lossOf(EU, US)]).toEqual(["unheard", "silence"]);
  });

  test("to a pause says who paused", async () => {
    fleet.driver(US).setPeerState(EU, "paused");
    await fleet.run(3_000);
    expect([lossOf(US, EU), lossOf(EU, US)]).toEqual(["paused", "paused-by-peer"]);
    fleet.driver(US).setPeerState(EU, "active");
    await fleet.until("live", () => fleet.converged());
    expect(lossOf(US, EU)).toBeUndefined();
  });

  test("to a process that died is broken", async () => {
    fleet.crash(AP);
    await fleet.run(3_000);
    expect(lossOf(US, AP)).toBe("broken");
  });
});

describe("a comparison that was asked for", () => {
  test("comes at once and not with the next period", async () => {
    await fleet.run(5_000);
    const opened = () => fleet.driver(US).status().antiEntropy.opened;
    const before = opened();
    expect(fleet.driver(US).compareWith(EU)).toBe(true);
    await fleet.run(500);
    expect(opened()).toBe(before + 1);
    expect(fleet.driver(US).compareWith("mars")).toBe(false);
    fleet.driver(US).setPeerState(EU, "paused");
    expect(fleet.driver(US).compareWith(EU)).toBe(false);
  });
});
