import { expect, test, vi } from "vitest";
import type { Cluster, ProfileId, Random } from "@atoll/core";
import { AtollError, ManualClock, MemoryLog, SeededRandom, VECTOR_ZERO, must } from "@atoll/core";
import { MemoryStore } from "@atoll/store";
import { testCluster, testCodec } from "./fleet.fixture.ts";
import { Feed } from "./feed.ts";
import { GroupCommit } from "./group-commit.ts";
import type { Durability } from "./receipts.ts";
import { Receipts } from "./receipts.ts";
import { Replica } from "./replica.ts";
import { RegionService } from "./service.ts";
import { Sessions } from "./sessions.ts";

const clock = new ManualClock();
const random: Random = new SeededRandom("service");
const cluster: Cluster = testCluster();
const region = must(cluster.regions[0], "a region");
const log = new MemoryLog();

test("more writes than may wait for other regions are refused before anything is written", async () => {
  const store = new MemoryStore();
  const replica = new Replica({ cluster, region, store, clock, random, log, codec: testCodec });
  const group = new GroupCommit({
    replica,
    clock,
    committed: () => () => undefined,
    failed: () => undefined,
  });
  const rooms = { cluster, region: region.code, clock };
  const service = new RegionService({
    replica,
    group,
    sessions: new Sessions({ ...rooms, coverage: () => VECTOR_ZERO }),
    receipts: new Receipts({ ...rooms, holders: () => [], waitersMax: 1 }),
    feed: new Feed({ replica, group, clock }),
    clock,
    random,
    isStopping: () => false,
  });
  const write = (id: string, durability: Durability) =>
    service.write(
      id as ProfileId,
      { kind: "put", value: {} },
      {},
      { token: undefined, waitMs: 0, handling: "strict" },
      { upsert: false, receipt: { durability, waitMs: 1000 } },
    );

  const first = write("first", "2");
  const refused = write("second", "all");
  await expect(refused).rejects.toMatchObject({ code: "overloaded" });
  const local = write("local", "local");
  await pass(1);
  expect(await local).toMatchObject({ kind: "written", receipt: { met: true } });
  expect(replica.ledger.documents).toBe(2); // the first and the local one
  await pass(1000);
  expect(await first).toMatchObject({ receipt: { met: false, reached: "local" } });

  vi.spyOn(store, "commitSoon").mockImplementationOnce(() => {
    throw new AtollError("storage-full", "the disk is full");
  });
  const failing = write("failing", "2"); // its room is given back as well
  const failed = expect(failing).rejects.toMatchObject({ code: "storage-full" });
  await pass(1);
  await failed;
  const last = write("last", "2");
  await pass(1);
  await pass(1000);
  expect(await last).toMatchObject({ kind: "written" });
});

async function pass(ms: number): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
  clock.advance(ms);
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
