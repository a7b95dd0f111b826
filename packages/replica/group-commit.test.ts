import { describe, expect, test, vi } from "vitest";
import type { ProfileId } from "@atoll/core";
import { AtollError, ManualClock, SeededRandom, VECTOR_ZERO, limits, silentLog } from "@atoll/core";
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
    flushed: (entries) => seen.push(`flushed ${entries.length}`),
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

describe("a group", () => {
  test("commits once for all that was staged in one turn, then lets the effects out in order", async () => {
    const { clock, store, group, seen, write } = setUp();
    const commit = vi.spyOn(store, "commit");
    write("a");
    group.afterwards(() => seen.push("first"));
    write("b");
    group.afterwards(() => seen.push("second"));
    const durable = group.durable().then(() => seen.push("answered"));
    expect(seen).toEqual([]);
    clock.advance(1);
    await durable;
    expect(commit).toHaveBeenCalledTimes(1);
    expect(seen).toEqual(["first", "second", "flushed 2", "answered"]);
  });

  test("takes what nobody waits for along with the next write, or ends a moment later without one", async () => {
    const { clock, group, seen, write } = setUp();
    write("a");
    clock.advance(0);
    expect(seen).toEqual(["flushed 1"]); // the first in a while waits for nothing
    write("b");
    clock.advance(limits.GROUP_PAUSE_MS - 1);
    write("c");
    const durable = group.durable();
    expect(seen).toEqual(["flushed 1"]);
    clock.advance(0);
    await durable;
    expect(seen).toEqual(["flushed 1", "flushed 2"]);
    write("d");
    clock.advance(limits.GROUP_PAUSE_MS);
    expect(seen).toEqual(["flushed 1", "flushed 2", "flushed 1"]);
  });

  test("lets effects out at once when nothing is staged", () => {
    const { group, seen } = setUp();
    group.afterwards(() => seen.push("now"));
    expect(seen).toEqual(["now"]);
  });

  test("that fails lets nothing out, and the next one starts clean", async () => {
    const { clock, store, replica, group, seen, write } = setUp();
    vi.spyOn(store, "commit").mockImplementationOnce(() => {
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
    expect(seen).toEqual(["failed storage-full", "flushed 1"]);
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
    expect(seen).toEqual(["flushed 1"]);
  });
});
