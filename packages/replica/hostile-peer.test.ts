// A peer that knows the cluster's secret and sends what no honest replica would. Each entry is judged
// alone: it is quarantined or ignored, and the honest ones beside it are applied.
import { beforeEach, describe, expect, test } from "vitest";
import type { LogEntry, ProfileId, RegionCode } from "@atoll/core";
import {
  ManualClock,
  MemoryLog,
  SeededRandom,
  VECTOR_ZERO,
  must,
  mustDocId,
  newOrigin,
} from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { MemoryStore } from "@atoll/store";
import { testCluster, testCodec } from "./fleet.fixture.ts";
import { Replica } from "./replica.ts";

const cluster = testCluster();
const from = { region: "us-east-1", repair: false };
let writer: Replica;
let reader: Replica;

beforeEach(() => {
  [writer, reader] = cluster.regions.slice(0, 2).map(
    (region) =>
      new Replica({
        cluster,
        region,
        store: new MemoryStore(),
        clock: new ManualClock(),
        random: new SeededRandom(region.name),
        log: new MemoryLog(),
        codec: testCodec,
      }),
  ) as [Replica, Replica];
});

function written(id: string, edit: ProfileEdit): LogEntry {
  writer.write(id as ProfileId, edit, { precondition: {}, dep: VECTOR_ZERO, upsert: true });
  return must(writer.flush()[0], "entry");
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe("an entry that no honest replica would send", () => {
  const value = { displayName: "Ada", extra: { deep: { x: 1 } } };

  test("with any single bit of its change flipped is quarantined, and its neighbour applied", () => {
    const bad = written("bad", { kind: "put", value });
    const good = written("good", { kind: "put", value });
    for (let bit = 0; bit < bad.change.length * 8; bit += 7) {
      const damaged = { ...bad, change: flipped(bad.change, bit) };
      const counts = reader.ingest([damaged, { ...good, docId: good.docId }], from);
      expect(counts.quarantined).toBe(1);
    }
    reader.flush();
    expect(reader.store.countQuarantine()).toBe(1); // one place, one name, one record
    expect(reader.read("good" as ProfileId).snapshot?.json).toContain("Ada");
    expect(reader.read("bad" as ProfileId).snapshot).toBeUndefined();
    expect(reader.ledger.documents).toBe(1);
    // It is not lost: the honest copy is accepted whenever it comes.
    expect(reader.ingest([bad], from).applied).toBe(1);
    reader.flush();
    expect(reader.store.countQuarantine()).toBe(0);
    expect(reader.ledger.root).toEqual(writer.ledger.root);
  });

  test.each<[string, (entry: LogEntry) => LogEntry, string]>([
    [
      "named after something else",
      (entry) => ({ ...entry, hash: must(entry.hash.slice().fill(1), "h") as typeof entry.hash }),
      "named",
    ],
    [
      "of a document that lies in another shard",
      (entry) => ({ ...entry, shard: (entry.shard + 1) % 16 }),
      "shard",
    ],
    [
      "of another document",
      (entry) => ({ ...entry, docId: mustDocId(flipped(entry.docId, 127)) }),
      "shard",
    ],
    [
      "of a region that is not in the config",
      (entry) => ({ ...entry, origin: newOrigin(9 as RegionCode, 0, new SeededRandom(1)) }),
      "region",
    ],
    [
      "signed by another incarnation",
      (entry) => ({ ...entry, origin: newOrigin(1 as RegionCode, 0, new SeededRandom("x")) }),
      "actor",
    ],
    ["whose container is none", (entry) => ({ ...entry, containers: [entry.change] }), "container"],
    [
      "whose container is garbage",
      (entry) => ({ ...entry, containers: [Uint8Array.of(1, 2, 3)] }),
      "container",
    ],
    ["whose change is garbage", (entry) => ({ ...entry, change: Uint8Array.of(1, 2, 3) }), ""],
    ["whose change is empty", (entry) => ({ ...entry, change: new Uint8Array() }), ""],
  ])("%s is quarantined with the reason", (_what, forge, reason) => {
    const entry = written("ada", { kind: "put", value });
    const honest = written("bob", { kind: "put", value });
    const counts = reader.ingest([forge(entry), honest], from);
    expect(counts.applied).toBe(1);
    if (counts.quarantined === 0) return expect(counts.waiting + counts.held).toBe(1);
    reader.flush();
    const [record] = reader.store.listQuarantine(10);
    expect(record).toMatchObject({ fromRegion: "us-east-1", seq: entry.seq });
    expect(record?.reason).toContain(reason);
  });

  test("under our own name is not applied", () => {
    const entry = written("ada", { kind: "put", value });
    const forged = { ...entry, origin: reader.origin };
    for (const repair of [false, true]) {
      expect(reader.ingest([forged], { ...from, repair })).toMatchObject({ applied: 0, held: 1 });
    }
  });

  test("whose parent nobody has waits, and delays nothing", () => {
    written("ada", { kind: "put", value });
    const second = written("ada", { kind: "merge-patch", patch: { role: "poet" } });
    const other = written("bob", { kind: "put", value });
    expect(reader.ingest([second, other], from)).toMatchObject({ applied: 1, waiting: 1 });
    reader.flush();
    expect(reader.read("ada" as ProfileId).snapshot).toBeUndefined();
    expect(reader.read("bob" as ProfileId).snapshot).toBeDefined();
  });

  test("that came twice counts once", () => {
    const entry = written("ada", { kind: "put", value });
    expect(reader.ingest([entry, entry], from)).toMatchObject({ applied: 1, held: 1 });
    reader.flush();
    expect(reader.ingest([entry], { ...from, repair: true })).toMatchObject({
      applied: 0,
      held: 1,
    });
    expect(reader.ledger.root).toEqual(writer.ledger.root);
  });
});
