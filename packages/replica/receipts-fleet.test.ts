// Receipts in a whole fleet: what a region claims of the others is what is on their disks.
import { afterEach, describe, expect, test } from "vitest";
import type { ProfileId } from "@atoll/core";
import { docIdOf, must } from "@atoll/core";
import { Fleet } from "./fleet.fixture.ts";
import type { Receipt, ReceiptOptions } from "./receipts.ts";
import type { WriteAnswer } from "./service.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

const POET = { kind: "put", value: { role: "poet" } } as const;
const ALL: ReceiptOptions = { durability: "all", waitMs: 1000 };

async function connected(seed: string): Promise<void> {
  fleet = new Fleet(seed);
  await fleet.until("all links live", () => fleet.names.every((name) => livePeers(name) === 2));
}

function livePeers(name: string): number {
  const { peers } = fleet.driver(name).status();
  return peers.filter(({ state }) => state === "live").length;
}

function receiptOf(answer: WriteAnswer): Receipt | undefined {
  return answer.kind === "absent" ? undefined : answer.receipt;
}

async function put(at: string, receipt: ReceiptOptions): Promise<Receipt | undefined> {
  return receiptOf(await fleet.write(at, "ada", POET, {}, receipt));
}

/** What is left of it after a power cut: asked of the store when nothing staged can be seen any more. */
function survives(region: string): boolean {
  fleet.crash(region);
  return isIn(region, "ada");
}

function isIn(region: string, id: string): boolean {
  const { replica } = anyDriver();
  const place = replica.placeOf(docIdOf(id as ProfileId));
  return must(fleet.stores.get(region), region).readDocument(place) !== undefined;
}

function anyDriver() {
  return fleet.driver(
    must(
      fleet.names.find((name) => fleet.isUp(name)),
      "a region",
    ),
  );
}

describe("a write that asks to be durable elsewhere", () => {
  test("is answered when the regions that it names hold it", async () => {
    await connected("reached");
    expect(await put("us-east-1", ALL)).toMatchObject({ met: true, missingIn: [] });
    expect(fleet.driver("us-east-1").status().counts.receiptsWaiting).toBe(0);
    expect(["eu-west-1", "ap-northeast-1"].map(survives)).toEqual([true, true]);
  });

  test("of two is answered by the nearest, and says nothing when nothing is asked", async () => {
    await connected("two");
    const answer = await fleet.write("us-east-1", "bob", POET);
    expect(receiptOf(answer)).toBeUndefined();
    const receipt = await put("us-east-1", { durability: "2", waitMs: 1000 });
    const others = (receipt?.durableIn ?? []).filter((name) => name !== "us-east-1");
    expect(others.length).toBeGreaterThanOrEqual(1);
    for (const name of others) expect(survives(name)).toBe(true);
  });

  test("says which region a cut keeps it from, and does not lose it", async () => {
    await connected("cut");
    fleet.network.cut("us-east-1", "eu-west-1");
    fleet.network.cut("ap-northeast-1", "eu-west-1");
    const startedMs = fleet.clock.nowMs();
    expect(await put("us-east-1", ALL)).toEqual({
      met: false,
      reached: "majority",
      durableIn: ["us-east-1", "ap-northeast-1"],
      missingIn: ["eu-west-1"],
    });
    expect(fleet.clock.nowMs() - startedMs).toBeLessThan(1100);
    fleet.network.heal("us-east-1", "eu-west-1");
    fleet.network.heal("ap-northeast-1", "eu-west-1");
    await fleet.until("converged", () => fleet.converged());
    expect(await put("us-east-1", ALL)).toMatchObject({ met: true }); // the same write again
  });

  test("takes what reaches a region through another", async () => {
    await connected("relay");
    fleet.driver("us-east-1").setPeerState("eu-west-1", "paused");
    await fleet.run(200);
    const receipt = await put("us-east-1", ALL);
    // Europe has it through Asia, and has no link on which to tell.
    expect(receipt).toMatchObject({ met: false, missingIn: ["eu-west-1"] });
    expect(survives("eu-west-1")).toBe(true);
  });

  test("goes on without a region that is killed while it waits", async () => {
    await connected("killed");
    fleet.network.cut("us-east-1", "eu-west-1");
    const writing = put("us-east-1", { durability: "all", waitMs: 3000 });
    await fleet.run(100);
    expect(fleet.driver("us-east-1").status().counts.receiptsWaiting).toBe(1);
    fleet.crash("eu-west-1");
    expect(await writing).toMatchObject({ met: false, missingIn: ["eu-west-1"] });
  });

  test("is met by a region that comes back while it waits", async () => {
    await connected("back");
    fleet.crash("eu-west-1");
    const writing = put("us-east-1", { durability: "all", waitMs: 20_000 });
    await fleet.run(500);
    fleet.start("eu-west-1");
    expect(await writing).toMatchObject({ met: true });
    expect(survives("eu-west-1")).toBe(true);
  });

  test("locally is not delayed by a peer that is down or paused", async () => {
    await connected("local");
    fleet.crash("eu-west-1");
    fleet.driver("us-east-1").setPeerState("ap-northeast-1", "paused");
    const startedMs = fleet.clock.nowMs();
    const receipt = await put("us-east-1", { durability: "local", waitMs: 1000 });
    expect(receipt).toMatchObject({ met: true, durableIn: ["us-east-1"] });
    expect(fleet.clock.nowMs() - startedMs).toBeLessThanOrEqual(5);
  });
});

describe("a write that changes nothing", () => {
  test("claims no durability that an earlier write does not have", async () => {
    await connected("unchanged");
    for (const name of ["us-east-1", "ap-northeast-1"]) fleet.network.cut(name, "eu-west-1");
    await fleet.write("eu-west-1", "ada", POET);
    const again = await fleet.write("eu-west-1", "ada", POET, {}, ALL);
    expect(again).toMatchObject({ changed: false });
    expect(receiptOf(again)).toMatchObject({ met: false, durableIn: ["eu-west-1"] });
  });

  test("in another region than the one that wrote asks who holds what was written", async () => {
    await connected("unchanged elsewhere");
    await fleet.write("us-east-1", "ada", POET);
    await fleet.until("converged", () => fleet.converged());
    await fleet.run(1000);
    fleet.network.cut("eu-west-1", "ap-northeast-1");
    const again = await fleet.write("eu-west-1", "ada", POET, {}, { ...ALL, waitMs: 0 });
    expect(again).toMatchObject({ changed: false, receipt: { met: true } }); // they had said so
  });

  test("does not count what a peer said on a link that we have just ended", async () => {
    await connected("ended");
    expect(await put("us-east-1", ALL)).toMatchObject({ met: true });
    fleet.driver("us-east-1").setPeerState("eu-west-1", "paused");
    const receipt = await put("us-east-1", { ...ALL, waitMs: 0 });
    expect(receipt).toMatchObject({ met: false, missingIn: ["eu-west-1"] });
  });

  test("waits for all heads where two regions wrote at once", async () => {
    await connected("two heads");
    for (const name of ["us-east-1", "ap-northeast-1"]) fleet.network.cut(name, "eu-west-1");
    await fleet.write("eu-west-1", "ada", POET);
    await fleet.write("us-east-1", "ada", POET);
    fleet.network.heal("us-east-1", "eu-west-1");
    const { replica } = fleet.driver("us-east-1");
    const place = replica.placeOf(docIdOf("ada" as ProfileId));
    const heads = (): number => (replica.store.readDocument(place)?.heads.length ?? 0) / 32;
    await fleet.until("merged in the US", () => heads() === 2);
    expect(await put("us-east-1", ALL)).toMatchObject({ met: true, reached: "all" });
    for (const name of fleet.names) {
      const there = fleet.driver(name).replica.store.readDocument(place);
      expect(there?.heads.length).toBe(64);
    }
  });

  test("because there is nothing to delete gives no receipt; a repeated delete does", async () => {
    await connected("delete");
    const nothing = await fleet.write("us-east-1", "nobody", { kind: "delete" }, {}, ALL);
    expect(nothing).toMatchObject({ kind: "deleted", existed: false, receipt: undefined });
    await put("us-east-1", ALL);
    for (const name of ["us-east-1", "ap-northeast-1"]) fleet.network.cut(name, "eu-west-1");
    for (const existed of [true, false]) {
      const answer = await fleet.write("us-east-1", "ada", { kind: "delete" }, {}, ALL);
      expect(answer).toMatchObject({ kind: "deleted", existed });
      expect(receiptOf(answer)).toMatchObject({ met: false, missingIn: ["eu-west-1"] });
    }
  });

  test("because there is nothing to patch is told so at once", async () => {
    await connected("absent");
    await fleet.write("us-east-1", "ada", POET);
    fleet.network.cut("us-east-1", "eu-west-1");
    await fleet.write("us-east-1", "ada", { kind: "delete" });
    const { service } = fleet.driver("us-east-1");
    const patching = service.write(
      "ada" as ProfileId,
      { kind: "merge-patch", patch: {} },
      {},
      { token: undefined, waitMs: 0, handling: "strict" },
      { upsert: false, receipt: ALL },
    );
    expect(await patching).toMatchObject({ kind: "absent" }); // no time has passed
  });
});

describe("a client that leaves", () => {
  test("takes its waits along: a session's before anything is written, a receipt's after", async () => {
    await connected("left");
    for (const name of ["us-east-1", "ap-northeast-1"]) fleet.network.cut(name, "eu-west-1");
    const { sessionToken } = await fleet.write("eu-west-1", "ada", POET);
    const waiting = (): number[] => {
      const { counts } = fleet.driver("us-east-1").status();
      return [counts.sessionsWaiting, counts.receiptsWaiting];
    };
    for (const token of [sessionToken, undefined]) {
      const departure = new AbortController();
      const session = { token, waitMs: 10_000, signal: departure.signal };
      const writing = fleet.write("us-east-1", "bob", POET, session, { ...ALL, waitMs: 10_000 });
      await fleet.run(50);
      expect(waiting()).toEqual(token === undefined ? [0, 1] : [1, 0]);
      departure.abort(new Error("gone"));
      await expect(writing).rejects.toThrow("gone");
      expect(waiting()).toEqual([0, 0]);
      expect(isIn("us-east-1", "bob")).toBe(token === undefined);
    }
  });
});

test("a session that misses several regions names the one with the newest writes first", async () => {
  await connected("newest");
  for (const name of ["eu-west-1", "ap-northeast-1"]) {
    fleet.driver("us-east-1").setPeerState(name, "paused");
  }
  await fleet.run(200);
  const first = await fleet.write("eu-west-1", "a", POET);
  const session = { token: first.sessionToken, waitMs: 2000 };
  const second = await fleet.write("ap-northeast-1", "b", POET, session);
  await expect(fleet.read("us-east-1", "b", { token: second.sessionToken })).rejects.toMatchObject({
    data: { missingRegions: ["ap-northeast-1", "eu-west-1"] },
  });
});
