import { describe, expect, test, vi } from "vitest";
import type { ProfileId } from "@atoll/core";
import { AtollError, ManualClock, SeededRandom, VECTOR_ZERO, limits, silentLog } from "@atoll/core";
import type { Store } from "@atoll/store";
import { MemoryStore } from "@atoll/store";
import { testCluster, testCodec } from "./fleet.fixture.ts";
import { GroupCommit } from "./group-commit.ts";
import { Replica } from "./replica.ts";

function setUp() {
  const cluster = testCluster();
  const clock = new ManualClock();
  const store = new MemoryStore();
  const [region] = cluster.regions;
  if (region === undefined) throw new Error("no region");
  const replica = new Replica({
    cluster,
    region,
    store,
    clock,
    random: new SeededRandom("group"),
    log: silentLog,
    codec: testCodec,
  });
  const seen: string[] = [];
  const group = new GroupCommit({
    replica,
    clock,
    committed: (entries) => () => seen.push(`durable ${entries.length}`),
    failed: (error) => seen.push(`failed ${error.code}`),
  });
  const write = (id: string) =>
    group.stage(() =>
      replica.write(
        id as ProfileId,
        { kind: "put", value: { role: id } },
        { precondition: {}, dep: VECTOR_ZERO, upsert: true },
      ),
    );
  return { clock, store, replica, group, seen, write };
}

/** From now on commits are on their way to the disk until somebody says that it has them. */
function slowDisk(store: Store): SlowDisk {
  const disk = new SlowDisk();
  const commit = store.commitSoon.bind(store);
  store.commitSoon = (durable) => {
    commit(durable);
    disk.waiting.push(durable);
    return false;
  };
  store.sync = () => disk.confirm(disk.waiting.length);
  return disk;
}

class SlowDisk {
  readonly waiting: (() => void)[] = [];

  confirm(commits = 1): void {
    for (const durable of this.waiting.splice(0, commits)) durable();
  }
}

describe("a group", () => {
  test("commits once for all that was staged in one turn, then lets the effects out in order", async () => {
    const { clock, store, group, seen, write } = setUp();
    const commit = vi.spyOn(store, "commitSoon");
    write("a");
    group.afterwards(() => seen.push("first"));
    write("b");
    group.afterwards(() => seen.push("second"));
    const durable = group.durable().then(() => seen.push("answered"));
    expect(seen).toEqual([]);
    clock.advance(1);
    await durable;
    expect(commit).toHaveBeenCalledTimes(1);
    expect(seen).toEqual(["first", "second", "durable 2", "answered"]);
  });

  test("takes what nobody waits for along with the next write, or ends a moment later without one", async () => {
    const { clock, group, seen, write } = setUp();
    write("a");
    clock.advance(0);
    expect(seen).toEqual(["durable 1"]); // the first in a while waits for nothing
    write("b");
    clock.advance(limits.GROUP_PAUSE_MS - 1);
    write("c");
    const durable = group.durable();
    expect(seen).toEqual(["durable 1"]);
    clock.advance(0);
    await durable;
    expect(seen).toEqual(["durable 1", "durable 2"]);
    write("d");
    clock.advance(limits.GROUP_PAUSE_MS);
    expect(seen).toEqual(["durable 1", "durable 2", "durable 1"]);
  });

  test("lets effects out at once when nothing is staged", () => {
    const { group, seen } = setUp();
    group.afterwards(() => seen.push("now"));
    expect(seen).toEqual(["now"]);
  });

  test("that fails lets nothing out, and the next one starts clean", async () => {
    const { clock, store, replica, group, seen, write } = setUp();
    vi.spyOn(store, "commitSoon").mockImplementationOnce(() => {
      throw new AtollError("storage-full", "the disk is full");
    });
    write("a");
    group.afterwards(() => seen.push("never"));
    const durable = expect(group.durable()).rejects.toMatchObject({ code: "storage-full" });
    clock.advance(1);
    await durable;
    expect(seen).toEqual(["failed storage-full"]);
    expect(replica.read("a" as ProfileId).snapshot).toBeUndefined();
    write("b");
    clock.advance(1);
    expect(seen).toEqual(["failed storage-full", "durable 1"]);
    expect(replica.ledger.changes).toBe(1);
  });

  test("keeps what others staged when one edit is refused", () => {
    const { clock, group, seen, write } = setUp();
    write("a");
    expect(() =>
      group.stage(() => {
        throw new AtollError("validation-failed", "no");
      }),
    ).toThrow("no");
    clock.advance(1);
    expect(seen).toEqual(["durable 1"]);
  });
});

describe("a group on its way to the disk", () => {
  test("is told to nobody, and what is staged meanwhile ends when the disk is free", async () => {
    const { clock, store, group, seen, write } = setUp();
    const disk = slowDisk(store);
    write("a");
    const first = group.durable().then(() => seen.push("first answered"));
    clock.advance(1);
    group.afterwards(() => seen.push("said of the first"));
    write("b");
    group.afterwards(() => seen.push("said of the second"));
    const second = group.durable().then(() => seen.push("second answered"));
    clock.advance(1_000);
    expect([seen, disk.waiting.length]).toEqual([[], 1]);
    disk.confirm();
    await first;
    expect(seen).toEqual(["said of the first", "durable 1", "first answered"]);
    expect(disk.waiting).toHaveLength(1);
    disk.confirm();
    await second;
    expect(seen.slice(3)).toEqual(["said of the second", "durable 1", "second answered"]);
  });

  test("holds back who reads what it has written, and nobody else", () => {
    const { clock, store, replica, group, write } = setUp();
    write("a");
    clock.advance(1);
    const disk = slowDisk(store);
    write("b");
    group.end();
    expect(replica.read("b" as ProfileId)).toMatchObject({ snapshot: {}, staged: true });
    expect(replica.read("a" as ProfileId)).toMatchObject({ snapshot: {}, staged: false });
    disk.confirm();
    expect(replica.read("b" as ProfileId)).toMatchObject({ snapshot: {}, staged: false });
  });

  test("is not touched by the failure of the next", async () => {
    const { clock, store, replica, group, seen, write } = setUp();
    const disk = slowDisk(store);
    write("a");
    group.end();
    const first = group.durable();
    vi.spyOn(store, "commitSoon").mockImplementationOnce(() => {
      throw new AtollError("storage-full", "the disk is full");
    });
    write("b");
    const second = expect(group.durable()).rejects.toMatchObject({ code: "storage-full" });
    clock.advance(1);
    disk.confirm();
    await Promise.all([first, second]);
    expect(seen).toEqual(["durable 1", "failed storage-full"]);
    expect(replica.read("a" as ProfileId).snapshot).toBeDefined();
    expect(replica.read("b" as ProfileId).snapshot).toBeUndefined();
  });

  test("waits in a queue with a bound, at which everybody waits for the disk", () => {
    const { store, group, seen, write } = setUp();
    const disk = slowDisk(store);
    for (let n = 1; n < limits.GROUPS_LEAVING_MAX; n++) {
      write(`p${n}`);
      group.end();
    }
    expect([seen.length, disk.waiting.length]).toEqual([0, limits.GROUPS_LEAVING_MAX - 1]);
    write("last");
    group.end();
    expect([seen.length, disk.waiting.length]).toEqual([limits.GROUPS_LEAVING_MAX, 0]);
  });

  test("is waited for by whoever commits by itself", () => {
    const { store, group, seen, write } = setUp();
    slowDisk(store);
    write("a");
    group.end();
    write("b");
    group.apart(() => seen.push("apart"));
    expect(seen).toEqual(["durable 1", "durable 1", "apart"]);
  });
});
