// Entries that wait for a parent: how many is known without asking the store, and they are applied as soon
// as the last of their parents is here, whatever comes in between.
import { beforeEach, expect, test, vi } from "vitest";
import type { LogEntry, ProfileId } from "@atoll/core";
import { ManualClock, MemoryLog, SeededRandom, VECTOR_ZERO, limits, must } from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { MemoryStore } from "@atoll/store";
import { testCluster, testCodec } from "./fleet.fixture.ts";
import { Replica } from "./replica.ts";

const cluster = testCluster();
const from = { region: "us-east-1", repair: false };
const ada = "ada" as ProfileId;
let writer: Replica;
let other: Replica;
let reader: Replica;
let readerStore: MemoryStore;

function open(index: number, store = new MemoryStore()): Replica {
  const region = must(cluster.regions[index], "region");
  const doors = { clock: new ManualClock(), random: new SeededRandom(index), log: new MemoryLog() };
  return new Replica({ cluster, region, store, codec: testCodec, ...doors });
}

beforeEach(() => {
  readerStore = new MemoryStore();
  [writer, other, reader] = [open(0), open(1), open(2, readerStore)];
});

function written(at: Replica, edit: ProfileEdit): LogEntry {
  at.write(ada, edit, { precondition: {}, dep: VECTOR_ZERO, upsert: true });
  return must(at.flush()[0], "entry");
}

function patch(field: string): ProfileEdit {
  return { kind: "merge-patch", patch: { [field]: "x" } };
}

function received(entry: LogEntry): void {
  reader.ingest([entry], from);
  reader.flush();
}

/** An entry with two parents from two regions. */
function merge(): { readonly parents: readonly [LogEntry, LogEntry]; readonly child: LogEntry } {
  const parents = [written(writer, patch("a")), written(other, patch("b"))] as const;
  writer.ingest([parents[1]], from);
  writer.flush();
  return { parents, child: written(writer, patch("c")) };
}

test.each([
  [0, 1],
  [1, 0],
] as const)("an entry with two parents is applied when the second of them comes", (i, j) => {
  const { parents, child } = merge();
  received(child);
  expect(reader.waitingRoom.size).toBe(1);
  received(parents[i]);
  expect(reader.waitingRoom.size).toBe(1);
  received(parents[j]);
  expect(reader.waitingRoom.size).toBe(0);
  expect(reader.store.countPending()).toBe(0);
  expect(reader.ledger.root).toEqual(writer.ledger.root);
});

test("a long history that comes backwards is counted once and applied as a whole", () => {
  const history = Array.from({ length: 50 }, (_, i) => written(writer, patch(`f${i}`)));
  const count = vi.spyOn(readerStore, "countPending");
  for (const entry of history.slice(1).reverse()) received(entry);
  received(must(history[25], "entry")); // twice is once
  expect(reader.waitingRoom.size).toBe(49);
  const look = vi.spyOn(readerStore, "pendingOf");
  received(must(history[0], "entry"));
  expect(reader.waitingRoom.size).toBe(0);
  expect(look.mock.calls.length).toBeLessThan(5);
  expect(count).not.toHaveBeenCalled();
  expect(reader.ledger.root).toEqual(writer.ledger.root);
});

test("a change that nobody waits for costs no look at those that wait", () => {
  const [, second] = [written(writer, patch("a")), written(writer, patch("b"))];
  received(second);
  const look = vi.spyOn(readerStore, "pendingOf");
  received(written(other, patch("c")));
  expect(look).not.toHaveBeenCalled();
});

test("an entry that waits is not asked for again, also after a restart", () => {
  const [first, second] = [written(writer, patch("a")), written(writer, patch("b"))];
  received(second);
  const later = limits.QUARANTINE_RETRY_MS * 1e6;
  const missing = [{ lo: 1, hi: 1 }];
  expect(reader.ledger.missing(first, 2, later)).toEqual(missing);
  reader.close();
  reader = open(2, readerStore);
  expect(reader.waitingRoom.size).toBe(1);
  expect(reader.ledger.missing(first, 2, later)).toEqual(missing);
  received(first);
  expect(reader.waitingRoom.size).toBe(0);
  expect(reader.ledger.missing(first, 2, later)).toEqual([]);
});

test("what is undone does not wait any more", () => {
  const [first, second] = [written(writer, patch("a")), written(writer, patch("b"))];
  reader.ingest([second], from);
  expect(reader.waitingRoom.size).toBe(1);
  reader.abandon();
  expect(reader.waitingRoom.size).toBe(0);
  expect(reader.ledger.missing(first, 2, 0)).toEqual([{ lo: 1, hi: 2 }]);
});
