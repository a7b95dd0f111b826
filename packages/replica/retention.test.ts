// Which rows of the log may go, rule by rule; and what everybody who reads the log makes of those that are gone.
import { beforeEach, describe, expect, test } from "vitest";
import type { LogEntry, ProfileId, RegionCode, RegionVector } from "@atoll/core";
import {
  LaneFrontier,
  ManualClock,
  SeededRandom,
  docIdOf,
  elementOf,
  hlcFromMs,
  low64,
  must,
  mustHlc,
  silentLog,
  toHex,
} from "@atoll/core";
import { MemoryStore } from "@atoll/store";
import type { KnownHoldings } from "@atoll/sync";
import { testCluster, testCodec } from "./fleet.fixture.ts";
import { changesOf } from "./placeless.ts";
import { Replica } from "./replica.ts";
import type { RetentionOptions } from "./retention.ts";
import { Retention } from "./retention.ts";

const cluster = testCluster();
const HOUR = 3_600_000;
const [US, EU, AP] = cluster.regions.map(({ code }) => code) as [
  RegionCode,
  RegionCode,
  RegionCode,
];
const FOR_EVER = mustHlc(2 ** 50);

let clock: ManualClock;
let replica: Replica;
let known: Map<RegionCode, KnownHoldings>;

function replicaOf(code: RegionCode, store = new MemoryStore()): Replica {
  const region = must(
    cluster.regions.find((other) => other.code === code),
    "region",
  );
  const random = new SeededRandom(`${code} ${store.readIdentity()?.incarnation ?? ""}`);
  return new Replica({ cluster, region, store, clock, random, log: silentLog, codec: testCodec });
}

/** Holds all that anybody wrote, unless told less. */
function holding(changes: Partial<KnownHoldings> = {}): KnownHoldings {
  const vector: RegionVector = new Map([US, EU, AP].map((code) => [code, FOR_EVER]));
  return { heardMs: clock.monotonicMs(), vector, contig: () => Infinity, ...changes };
}

beforeEach(() => {
  clock = new ManualClock();
  replica = replicaOf(US);
  known = new Map([
    [EU, holding()],
    [AP, holding()],
  ]);
});

function edit(of: Replica, id: string, value: number): LogEntry {
  clock.advance(1);
  const patch = { [`f${value % 7}`]: { deep: value } };
  of.write(
    id as ProfileId,
    { kind: "merge-patch", patch },
    { precondition: {}, dep: new Map(), upsert: true },
  );
  return must(of.flush()[0], "entry");
}

/** Edits of one profile, and one of another that is the newest row of all. */
function edits(count: number, of = replica): LogEntry[] {
  const entries = Array.from({ length: count }, (_, i) => edit(of, "ada", i));
  edit(of, "newest", 0);
  return entries;
}

function retention(options: Partial<RetentionOptions> = {}): Retention {
  return new Retention({
    replica,
    clock,
    log: silentLog,
    options: { ageMs: HOUR, bytes: 1e9, deadPeerAfterMs: 100 * HOUR, ...options },
    known: (code) => known.get(code),
    stage: (work) => work(),
  });
}

/** What is left of the entries in the log after a walk, and what held the rest back. */
function walk(entries: readonly LogEntry[], options: Partial<RetentionOptions> = {}) {
  const policy = retention(options);
  policy.walk();
  replica.flush();
  const left = entries.filter((entry) => replica.store.hasLogEntry(entry, entry.seq));
  return { left: left.map(({ seq }) => seq), holds: Object.keys(policy.report().heldBackBy) };
}

function ingest(of: Replica, entries: readonly LogEntry[], repair = false) {
  const counts = of.ingest(entries, { region: "test", repair });
  of.flush();
  return counts;
}

/** Besides what holds the other profile back. */
const including = (hold: string): string[] => expect.arrayContaining([hold]) as string[];
const rootOf = (of: Replica): string => toHex(of.ledger.root);

describe("a row goes", () => {
  test("when it is old, every region has it, and its document is folded", () => {
    const entries = edits(5);
    clock.advance(2 * HOUR);
    const json = replica.read("ada" as ProfileId).snapshot?.json;
    const root = rootOf(replica);
    expect(walk(entries).left).toEqual([]);
    const body = must(replica.store.readBody(replica.placeOf(must(entries[0], "e").docId)), "body");
    expect([body.tail.length, body.tailChanges]).toEqual([0, 0]);
    replica.forgetCaches();
    expect(replica.read("ada" as ProfileId).snapshot?.json).toBe(json);
    expect(rootOf(replica)).toBe(root);
    expect(replica.ledger.horizon.get(US)).toBe(entries.at(-1)?.hlc);
  });

  test("not while it is young, unless the log is too large", () => {
    const entries = edits(3);
    clock.advance(HOUR / 2);
    expect(walk(entries)).toEqual({ left: [1, 2, 3], holds: ["age"] });
    expect(walk(entries, { bytes: 1_500 }).left).toEqual([]);
  });

  test("not while a live region has not said that it holds it, unless the log is far too large", () => {
    const entries = edits(4);
    clock.advance(2 * HOUR);
    known.set(AP, holding({ contig: () => 2 }));
    expect(walk(entries)).toEqual({ left: [3, 4], holds: including("region ap-northeast-1") });
    expect(walk(entries, { bytes: replica.store.logSize().bytes - 1 }).left).toEqual([3, 4]);
    expect(walk(entries, { bytes: 1 }).left).toEqual([]);
  });

  test("not above the cut at which a live region compares", () => {
    const entries = edits(4);
    clock.advance(2 * HOUR);
    const vector = new Map([[US, must(entries[1], "entry").hlc]]);
    known.set(EU, holding({ vector }));
    expect(walk(entries)).toEqual({ left: [3, 4], holds: ["region eu-west-1"] });
  });

  test("not while a region has never spoken, for as long as it counts as live", () => {
    const entries = edits(2);
    const policy = { deadPeerAfterMs: 3 * HOUR };
    const patient = retention(policy);
    clock.advance(2 * HOUR);
    known.delete(AP);
    patient.walk();
    replica.flush();
    expect(Object.keys(patient.report().heldBackBy)).toEqual(["region ap-northeast-1"]);
    clock.advance(HOUR);
    known.set(EU, holding());
    patient.walk();
    replica.flush();
    expect(replica.store.hasLogEntry(must(entries[1], "entry"), 2)).toBe(false);
  });

  test("although a region lacks it that has been silent for too long", () => {
    const entries = edits(2);
    clock.advance(2 * HOUR);
    known.set(AP, holding({ contig: () => 0, heardMs: clock.monotonicMs() - HOUR }));
    expect(walk(entries, { deadPeerAfterMs: HOUR + 1 }).left).toEqual([1, 2]);
    expect(walk(entries, { deadPeerAfterMs: HOUR }).left).toEqual([]);
  });

  test("not of a region up to which we do not cover it ourselves", () => {
    const other = replicaOf(EU);
    const entries = edits(3, other);
    ingest(replica, entries);
    edit(replica, "newest", 1);
    clock.advance(2 * HOUR);
    expect(walk(entries)).toEqual({ left: [1, 2, 3], holds: including("coverage") });
    replica.ledger.cover(new Map([[EU, must(entries[1], "entry").hlc]]));
    expect(walk(entries).left).toEqual([3]);
  });

  test("not behind a gap", () => {
    const other = replicaOf(EU);
    const [first, second, third] = edits(3, other) as [LogEntry, LogEntry, LogEntry];
    ingest(replica, [first, third]); // the third waits
    edit(replica, "newest", 1);
    replica.ledger.cover(new Map([[EU, FOR_EVER]]));
    clock.advance(2 * HOUR);
    expect(walk([first, second, third]).left).toEqual([]);
    expect(replica.ledger.trimmedThrough(first)).toBe(1);
    expect(replica.store.countPending()).toBe(1);
  });

  test("not while its document is set aside, does not load, or lacks it", () => {
    const entries = edits(3);
    const place = replica.placeOf(must(entries[0], "entry").docId);
    clock.advance(2 * HOUR);
    const { store } = replica;
    const row = must(store.readDocument(place), "row");
    const body = must(store.readBody(place), "body");
    const change = (work: () => void): void => {
      store.begin();
      work();
      store.commit();
    };
    change(() => store.writeDocument({ ...row, quarantined: true }));
    expect(walk(entries)).toEqual({
      left: [1, 2, 3],
      holds: expect.arrayContaining(["a document"]) as [],
    });
    change(() => store.writeDocument(row));
    change(() => store.writeBody(place, { ...body, tail: body.tail.slice(0, -3) }));
    expect(walk(entries).left).toEqual([1, 2, 3]);
    const [first] = entries;
    const tail = Buffer.concat([...must(first, "first").containers, must(first, "first").change]);
    change(() => store.writeBody(place, { base: undefined, tail, tailChanges: 1 }));
    expect(walk(entries).left).toEqual([1, 2, 3]);
    change(() => store.writeBody(place, body));
    expect(walk(entries).left).toEqual([]);
  });

  test("not when it is the newest of all: the clock and the order hang on it", () => {
    const entry = edit(replica, "ada", 1);
    clock.advance(2 * HOUR);
    const before = replica.store.lastHlc();
    expect(walk([entry])).toEqual({ left: [1], holds: ["the newest row"] });
    expect(replica.store.lastHlc()).toBe(before);
  });

  test("in one transaction with the folding of its document, or not at all", () => {
    const entries = edits(3);
    clock.advance(2 * HOUR);
    retention().walk();
    expect(replica.store.hasLogEntry(must(entries[0], "entry"), 1)).toBe(false);
    replica.abandon(); // as a kill before the commit
    expect(entries.every((entry) => replica.store.hasLogEntry(entry, entry.seq))).toBe(true);
    expect(replica.ledger.trimmedThrough(must(entries[0], "entry"))).toBe(0);
    expect(replica.ledger.horizon.size).toBe(0);
    expect(walk(entries).left).toEqual([]);
  });

  test("page by page where there are many", () => {
    const entries = Array.from({ length: 160 }, (_, i) => edit(replica, `p${i % 12}`, i));
    edit(replica, "newest", 0);
    clock.advance(2 * HOUR);
    expect(walk(entries).left).toEqual([]);
    expect(retention().report().rows).toBe(1);
  });
});

describe("where rows are gone", () => {
  let other: Replica;
  let entries: LogEntry[];

  beforeEach(() => {
    other = replicaOf(EU);
    entries = edits(4);
    ingest(other, entries);
    clock.advance(2 * HOUR);
    walk(entries);
  });

  test("an entry that comes again is held, and counted once", () => {
    const root = rootOf(replica);
    for (const repair of [false, true]) {
      expect(ingest(replica, entries, repair)).toMatchObject({ held: 4, applied: 0 });
    }
    expect(rootOf(replica)).toBe(root);
  });

  test("an entry that builds on a trimmed change below the heads is applied", () => {
    const early = replicaOf(AP);
    ingest(early, entries.slice(0, 2)); // it writes beside what came later
    const branch = edit(early, "ada", 99);
    expect(ingest(replica, [branch])).toMatchObject({ applied: 1, waiting: 0 });
    ingest(other, [branch]);
    expect(rootOf(replica)).not.toBe(rootOf(other)); // it lacks the newest profile alone
    expect(replica.read("ada" as ProfileId).snapshot?.json).toBe(
      other.read("ada" as ProfileId).snapshot?.json,
    );
  });

  test("changes are rebuilt from their document, and whoever lacks them takes them", () => {
    const placeless = placelessOf(entries);
    expect(placeless.map(({ seq }) => seq)).toEqual([0, 0, 0, 0]);
    for (const [i, { hlc, hash, times }] of placeless.entries()) {
      expect(toHex(hash)).toBe(toHex(must(entries[i], "entry").hash));
      expect(hlc).toBeGreaterThanOrEqual(must(entries[i], "entry").hlc);
      expect(times?.updated).toBe(entries.at(-1)?.hlc);
    }
    const empty = replicaOf(AP);
    expect(ingest(empty, placeless.toReversed(), true)).toMatchObject({ waiting: 3 });
    expect(ingest(empty, placeless, true)).toMatchObject({ held: 4 });
    const full = replicaOf(AP);
    ingest(full, entries);
    expect(rootOf(empty)).toBe(rootOf(full));
    const row = (of: Replica) =>
      must(of.store.readDocument(of.placeOf(must(entries[0], "e").docId)), "row");
    expect([row(empty).createdHlc, row(empty).updatedHlc]).toEqual([
      row(full).createdHlc,
      row(full).updatedHlc,
    ]);
    expect(empty.read("ada" as ProfileId).snapshot?.json).toBe(
      full.read("ada" as ProfileId).snapshot?.json,
    );
    expect(empty.ledger.horizon.get(US)).toBe(entries.at(-1)?.hlc);
    expect(empty.ledger.frontier.contig(must(entries[0], "entry"))).toBe(0);
  });

  test("what came without a place gets one when its entry comes, and is counted once", () => {
    const empty = replicaOf(AP);
    ingest(empty, placelessOf(entries), true);
    const root = rootOf(empty);
    ingest(empty, entries);
    expect(rootOf(empty)).toBe(root);
    expect(empty.ledger.changes).toBe(4);
    expect(empty.ledger.frontier.contig(must(entries[0], "entry"))).toBe(4);
    expect(empty.store.hasLogEntry(must(entries[0], "entry"), 4)).toBe(true);
  });

  test("a change without a place is taken as a repair only, and only in its own shard", () => {
    const empty = replicaOf(AP);
    const [first] = placelessOf(entries) as [LogEntry];
    expect(ingest(empty, [first])).toMatchObject({ quarantined: 1, applied: 0 });
    const moved = { ...first, shard: (first.shard + 1) % cluster.shardCount };
    expect(ingest(empty, [moved], true)).toMatchObject({ quarantined: 1, applied: 0 });
    expect(empty.ledger.changes).toBe(0);
  });

  test("a restart knows how far, also when the frontier was damaged", () => {
    const { store } = replica;
    const lane = must(entries[0], "entry");
    for (const stored of [
      new LaneFrontier(4),
      new LaneFrontier(0, 9, [{ lo: 1, hi: 5 }]),
      new LaneFrontier(1),
    ]) {
      store.begin();
      store.writeFrontier(lane, stored);
      store.commit();
      const again = replicaOf(US, store as MemoryStore);
      expect(again.ledger.frontier.contig(lane)).toBe(4);
      expect(again.ledger.trimmedThrough(lane)).toBe(4);
      expect(again.ledger.horizon).toEqual(replica.ledger.horizon);
      again.documents.clear();
    }
    store.begin();
    store.scrub.clearFrontier();
    store.commit();
    expect(replicaOf(US, store as MemoryStore).ledger.frontier.contig(lane)).toBe(4);
  });

  test("a restart drops lanes of shards that there are none of, and finds whose they were", () => {
    const { store } = replica;
    const rows = store.readFrontier();
    store.begin();
    store.scrub.clearFrontier();
    for (const { shard, origin, contig } of rows) {
      store.writeFrontier({ shard: 2 ** 39 + shard, origin }, new LaneFrontier(contig));
    }
    store.commit();
    const { frontier } = replicaOf(US, store as MemoryStore).ledger;
    const lanes = [...frontier.lanes()].map(([lane, { contig, max, gaps }]) => ({
      ...lane,
      contig,
      max,
      gaps,
    }));
    expect(lanes).toEqual(rows);
  });

  test("adopted lanes are held without rows, and the next entry goes on behind them", () => {
    const empty = replicaOf(AP);
    ingest(empty, placelessOf(entries), true);
    const lane = must(entries[0], "entry");
    empty.adopt([{ shard: lane.shard, origin: lane.origin, contig: 4 }]);
    empty.flush();
    expect(empty.ledger.frontier.contig(lane)).toBe(4);
    expect(empty.ledger.missing(lane, 4, clock.nowMs())).toEqual([]);
    const again = replicaOf(AP, empty.store as MemoryStore);
    expect(again.ledger.trimmedThrough(lane)).toBe(4);
    const next = edit(replica, "ada", 7);
    expect(ingest(again, [next])).toMatchObject({ applied: 1 });
    expect(again.ledger.frontier.contig(lane)).toBe(5);
  });

  function placelessOf(of: readonly LogEntry[]): LogEntry[] {
    const docId = docIdOf("ada" as ProfileId);
    const elements = new Set(
      of.map(({ hash }) => BigInt.asUintN(64, low64(elementOf(cluster.keys, docId, hash)))),
    );
    return changesOf(replica, replica.placeOf(docId), elements);
  }
});

test("a log that is far too large still keeps what its regions do not cover", () => {
  const other = replicaOf(EU);
  const entries = edits(3, other);
  ingest(replica, entries);
  edit(replica, "newest", 1);
  replica.ledger.cover(new Map([[EU, hlcFromMs(0)]]));
  expect(walk(entries, { bytes: 1, ageMs: 0 })).toMatchObject({ left: [1, 2, 3] });
});
