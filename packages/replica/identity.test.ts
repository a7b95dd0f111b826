// Who a region is when its file is older than its past, and when there are two of it.
import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  AtollError,
  HLC_MAX,
  ManualClock,
  MemoryLog,
  SeededRandom,
  hlcFromMs,
  hlcToMs,
  limits,
  must,
  silentLog,
} from "@atoll/core";
import { MemoryStore, openSqliteStore } from "@atoll/store";
import { Fleet, testCluster, testCodec } from "./fleet.fixture.ts";
import { Replica } from "./replica.ts";

const OTHERS = ["us-east-1", "ap-northeast-1"];
let fleet: Fleet;
afterEach(() => fleet.close());

function peerOf(name: string, region: string) {
  const { peers } = fleet.driver(name).status();
  return must(
    peers.find((peer) => peer.region === region),
    region,
  );
}

async function connected(seed: string): Promise<void> {
  fleet = new Fleet(seed);
  await fleet.until("all links live", () => fleet.converged());
}

describe("a database file that was restored from a copy", () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "atoll-restore-"));
    file = join(directory, "atoll.db");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function restart(log = fleet.log) {
    fleet.stores.set("eu-west-1", openSqliteStore({ path: file, isDurableAtCommit: true }));
    return fleet.start("eu-west-1", { log });
  }

  async function stop(): Promise<void> {
    await fleet.driver("eu-west-1").close();
    must(fleet.stores.get("eu-west-1"), "store").close();
    fleet.forget("eu-west-1");
  }

  function cutOff(): void {
    for (const name of OTHERS) fleet.network.cut("eu-west-1", name);
  }

  function reconnect(): void {
    for (const name of OTHERS) fleet.network.heal("eu-west-1", name);
  }

  /** `kept` is in the copy, `lost` was written afterwards. Returns the origin of both lives. */
  async function restored(seed: string): Promise<number> {
    await connected(seed);
    await fleet.driver("eu-west-1").close();
    restart();
    await fleet.until("linked", () => fleet.converged());
    await fleet.write("eu-west-1", "ada", { kind: "put", value: { role: "kept" } });
    await fleet.until("converged", () => fleet.converged());
    await stop();
    copyFileSync(file, `${file}.copy`);
    const { origin } = restart().replica;
    await fleet.until("linked", () => fleet.converged());
    await fleet.write("eu-west-1", "ada", { kind: "merge-patch", patch: { role: "changed" } });
    await fleet.write("eu-west-1", "bob", { kind: "put", value: { role: "lost" } });
    expect(fleet.driver("eu-west-1").replica.origin).toBe(origin); // it was proven
    await fleet.until("converged", () => fleet.converged());
    await stop();
    renameSync(`${file}.copy`, file);
    return origin;
  }

  test("is noticed before a link is live, and its lost entries come back", async () => {
    const old = await restored("restore");
    cutOff();
    const log = new MemoryLog();
    const { replica } = restart(log);
    expect(replica.origin).toBe(old); // an orderly stop: nothing to be suspicious of yet
    vi.spyOn(replica.store, "writeIdentity").mockImplementationOnce(() => {
      throw new AtollError("storage-full", "the disk is full"); // then it notices again
    });
    reconnect();
    await fleet.until("noticed", () => replica.origin !== old, 2000);
    const toldFirst = log.lines.find(({ event }) => /rolled-back|link-live/.test(event));
    expect(toldFirst).toMatchObject({ level: "error", event: "rolled-back" });
    await fleet.until("brought back", () => fleet.converged());
    await fleet.write("eu-west-1", "ada", { kind: "merge-patch", patch: { party: "whig" } });
    await fleet.until("converged", () => fleet.converged());
    for (const name of fleet.names) {
      expect(await fleet.json(name, "ada")).toBe('{"party":"whig","role":"changed"}');
      expect(await fleet.json(name, "bob")).toBe('{"role":"lost"}');
      expect(fleet.driver(name).status().counts.quarantined).toBe(0);
    }
    expect(fleet.driver("eu-west-1").status().incarnation).toBe(1);
    await stop();
  });

  test("writes under a new name while nobody has said what it was", async () => {
    const old = await restored("blind");
    cutOff();
    const { replica } = restart();
    await fleet.write("eu-west-1", "ada", { kind: "merge-patch", patch: { party: "blind" } });
    for (let i = 0; i < 5; i++) {
      await fleet.write("eu-west-1", "bob", { kind: "merge-patch", patch: { [`f${i}`]: "blind" } });
    }
    expect(replica.origin).not.toBe(old);
    expect(replica.identity.incarnation).toBe(1); // once, not for every write
    // Only one region hears them from the writer: the other must be able to have them from its log.
    fleet.network.heal("eu-west-1", "us-east-1");
    await fleet.until("heard", () =>
      ["us-east-1", "eu-west-1"].every((name) => fleet.driver(name).status().counts.changes === 9),
    );
    fleet.crash("eu-west-1");
    fleet.network.heal("eu-west-1", "ap-northeast-1");
    const json = '{"f0":"blind","f1":"blind","f2":"blind","f3":"blind","f4":"blind","role":"lost"}';
    const roots = () => OTHERS.map((name) => fleet.driver(name).status().root);
    await fleet.until("handed on", () => new Set(roots()).size === 1);
    for (const name of OTHERS) {
      expect(await fleet.json(name, "bob")).toBe(json);
      expect(await fleet.json(name, "ada")).toBe('{"party":"blind","role":"changed"}');
      expect(fleet.driver(name).replica.store.countPending()).toBe(0);
    }
    fleet.start("eu-west-1");
    await fleet.until("converged", () => fleet.converged());
    expect(await fleet.json("eu-west-1", "bob")).toBe(json);
    await stop();
  });
});

describe("two processes of one region", () => {
  /** A second one beside us-east-1, with an empty store of its own. */
  function startTwin() {
    const log = new MemoryLog();
    fleet.stores.set("twin", new MemoryStore());
    const driver = fleet.start("us-east-1", { as: "twin", log });
    const identity = () =>
      must(
        driver.readiness().find(({ check }) => check === "identity"),
        "check",
      );
    const said = (event: string) => log.lines.filter((line) => line.event === event);
    return { driver, identity, said };
  }

  test("the second is refused, says why, and takes over when the first is gone", async () => {
    await connected("twin");
    const twin = startTwin();
    await fleet.until("refused", () => !twin.identity().ok, 1000);
    expect(twin.identity().detail).toMatch(
      /two processes serve us-east-1: [0-9a-f]{8} is linked since .*Z, you are [0-9a-f]{8}; stop one/,
    );
    await fleet.run(30_000);
    expect(twin.said("identity-refused")).toHaveLength(2); // by each peer, and not at every redial
    expect(twin.said("identity-refused")[0]).toMatchObject({ level: "error" });
    expect(twin.said("link-live")).toEqual([]);
    const { ready, peers } = twin.driver.status();
    expect(ready).toBe(false);
    for (const { lastFailure } of peers) expect(lastFailure).toContain("two processes");
    for (const name of OTHERS.slice(1)) {
      expect(peerOf(name, "us-east-1")).toMatchObject({ state: "live", lastFailure: null });
    }
    const warnings = fleet.log.lines.filter(({ event }) => event === "link-refused");
    expect(warnings).toHaveLength(2);

    fleet.crash("us-east-1");
    await fleet.until("taken over", () =>
      twin.driver.status().peers.every(({ state }) => state === "live"),
    );
    expect(twin.identity()).toEqual({ check: "identity", ok: true });
    await fleet.write("twin", "ada", { kind: "put", value: { role: "heir" } });
    await fleet.run(500);
    expect(await fleet.json("eu-west-1", "ada")).toBe('{"role":"heir"}');
  });

  test("a process that died without a word keeps its successor out for two intervals", async () => {
    await connected("successor");
    for (const name of ["eu-west-1", "ap-northeast-1"]) fleet.network.cut("us-east-1", name);
    fleet.crash("us-east-1"); // and no reset reaches anybody
    const twin = startTwin();
    await fleet.until("refused", () => !twin.identity().ok, 1000);
    const diedMs = fleet.clock.monotonicMs();
    await fleet.until("let in", () => twin.identity().ok, 10_000);
    const keptOutMs = fleet.clock.monotonicMs() - diedMs;
    const { LINK_SILENCE_MS_MAX, HEARTBEAT_IDLE_MS, REDIAL_MS_MAX } = limits;
    // The last thing heard may be a heartbeat old, or still have been on its way.
    expect(keptOutMs).toBeGreaterThan(LINK_SILENCE_MS_MAX - HEARTBEAT_IDLE_MS - 100);
    expect(keptOutMs).toBeLessThan(LINK_SILENCE_MS_MAX + REDIAL_MS_MAX + 500);
    await fleet.until("both", () =>
      twin.driver.status().peers.every(({ state }) => state === "live"),
    );
  });

  test("a process that is started again in good order is not taken for a second one", async () => {
    await connected("restart");
    const { origin } = fleet.driver("us-east-1").replica;
    await fleet.driver("us-east-1").close();
    fleet.start("us-east-1");
    await fleet.until("linked", () => fleet.converged());
    expect(fleet.driver("us-east-1").replica.origin).toBe(origin);
    expect(fleet.log.lines.map(({ event }) => event)).not.toContain("identity-refused");
    await fleet.write("us-east-1", "ada", { kind: "put", value: { role: "same" } });
    expect(fleet.driver("us-east-1").replica.origin).toBe(origin);
  });
});

test("a region that returns writes above all that it announced, whatever became of the clock", () => {
  const clock = new ManualClock();
  const store = new MemoryStore();
  const cluster = testCluster();
  const region = must(cluster.regions[0], "a region");
  const start = (life: string): Replica =>
    new Replica({
      ...{ cluster, region, store, clock, log: silentLog, codec: testCodec },
      random: new SeededRandom(life),
    });
  const first = start("first life");
  const announced = first.stamp();
  first.flush(); // what is told to peers is durable: this is all that the disk has seen of it
  clock.advance(-3_600_000); // the wall clock was an hour ahead, and died with the process
  const second = start("second life");
  expect(second.stamp()).toBeGreaterThan(announced);
});

test("what a failed group was to keep of announced time is told to the disk again", () => {
  const clock = new ManualClock();
  const store = new MemoryStore();
  const cluster = testCluster();
  const region = must(cluster.regions[0], "a region");
  const random = new SeededRandom("failing");
  const replica = new Replica({
    ...{ cluster, region, store, clock, random, log: silentLog, codec: testCodec },
  });
  replica.stamp();
  replica.abandon();
  const again = replica.stamp();
  expect(replica.group.isOpen).toBe(true);
  replica.flush();
  expect(store.readIdentity()?.announced).toBeGreaterThanOrEqual(again);
  replica.stamp();
  expect(replica.group.isOpen).toBe(false); // told in advance: not every heartbeat is a write
});

test("a restored copy goes on above what peers say that it announced, within a day", () => {
  const clock = new ManualClock();
  const store = new MemoryStore();
  const cluster = testCluster();
  const region = must(cluster.regions[0], "a region");
  const random = new SeededRandom("recalled");
  const replica = new Replica({
    ...{ cluster, region, store, clock, random, log: silentLog, codec: testCodec },
  });
  const announced = hlcFromMs(clock.nowMs() + 3_600_000);
  replica.recall(announced);
  expect(replica.stamp()).toBeGreaterThan(announced);
  replica.recall(HLC_MAX); // a peer that lies moves time that only advises, and not for ever
  expect(hlcToMs(replica.stamp())).toBeLessThanOrEqual(clock.nowMs() + limits.CLOCK_RECALL_MS_MAX);
});
