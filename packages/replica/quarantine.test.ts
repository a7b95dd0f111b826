// What is set aside: once per entry, without holding anything else back, and until a person or a better
// copy decides otherwise.
import { beforeEach, describe, expect, test } from "vitest";
import type { LogEntry, ProfileId } from "@atoll/core";
import {
  DEFAULT_TENANT,
  ManualClock,
  MemoryLog,
  SeededRandom,
  VECTOR_ZERO,
  docIdOf,
  must,
  nameOfReceived,
  sealChange,
  toHex,
} from "@atoll/core";
import type { ProfileEdit } from "@atoll/profile";
import { MemoryStore } from "@atoll/store";
import { testCluster, testCodec } from "./fleet.fixture.ts";
import { GroupCommit } from "./group-commit.ts";
import { contentOf } from "./quarantine-bytes.ts";
import { QuarantineDesk } from "./quarantine-desk.ts";
import { Replica } from "./replica.ts";

const cluster = testCluster();
const from = { region: "us-east-1", repair: false };
const clock = new ManualClock();
const ADA = "ada" as ProfileId;
let writer: Replica;
let reader: Replica;
let desk: QuarantineDesk;

beforeEach(() => {
  [writer, reader] = cluster.regions.slice(0, 2).map(
    (region) =>
      new Replica({
        cluster,
        region,
        store: new MemoryStore(),
        clock,
        random: new SeededRandom(region.name),
        log: new MemoryLog(),
        codec: testCodec,
      }),
  ) as [Replica, Replica];
  const group = new GroupCommit({
    replica: reader,
    clock,
    committed: () => () => undefined,
    failed: (error) => {
      throw error;
    },
  });
  desk = new QuarantineDesk({ replica: reader, group });
});

function written(id: string, patch: Record<string, string>): LogEntry {
  const edit: ProfileEdit = { kind: "merge-patch", patch };
  writer.write(id as ProfileId, edit, { precondition: {}, dep: VECTOR_ZERO, upsert: true });
  return must(writer.flush()[0], "entry");
}

/** Two changes that both claim to be the writer's next: sound by their bytes, and one too many. */
function twins(first: LogEntry): [LogEntry, LogEntry] {
  const place = writer.placeOf(first.docId);
  const body = must(writer.store.readBody(place), "body");
  const edits = ["left", "right"].map((role, i) => {
    const profile = testCodec.open(body, writer.identity.actor);
    const identity = { tenant: DEFAULT_TENANT, id: ADA };
    const context = { timeSeconds: 1, deletedAtMs: 1, identity };
    const result = profile.edit({ kind: "merge-patch", patch: { role } }, context);
    profile.free();
    if (!result.changed) throw new Error("an edit changes something");
    const { hash, change, containers } = result;
    return { ...first, seq: first.seq + 1 + i, hash, change, containers };
  });
  return edits as [LogEntry, LogEntry];
}

/** The same change, but that the value it overwrites was written by an operation that nobody made. */
function takingOutNothing(chunk: Uint8Array): Uint8Array {
  const change = new Uint8Array(chunk);
  change[change.length - 1] = (change.at(-1) ?? 0) + 9; // the last column: numbers of predecessors
  sealChange(change);
  return change;
}

function frontier(entry: LogEntry) {
  return reader.ledger.frontier.lane(entry);
}

async function settled<T>(promise: Promise<T>): Promise<T> {
  for (let i = 0; i < 5; i++) {
    clock.advance(1);
    await Promise.resolve();
  }
  return promise;
}

function damaged(entry: LogEntry): LogEntry {
  const change = new Uint8Array(entry.change);
  change[20] = (change[20] ?? 0) ^ 1;
  return { ...entry, change };
}

describe("a bad entry", () => {
  test("that comes again and again is one record", () => {
    const entry = written("ada", { role: "poet" });
    for (let i = 0; i < 5; i++) {
      expect(reader.ingest([damaged(entry)], from).quarantined).toBe(1);
      reader.flush();
    }
    expect(reader.store.countQuarantine()).toBe(1);
    const record = must(reader.store.listQuarantine(1)[0], "record");
    const content = must(contentOf(record), "content");
    const kept = must(content.kind === "entry" ? content.entry : undefined, "entry");
    const { docId, hash, change, ...rest } = damaged(entry);
    expect(kept).toMatchObject(rest);
    for (const [is, was] of [
      [kept.docId, docId],
      [kept.hash, hash],
      [kept.change, change],
    ] as const) {
      expect(toHex(is)).toBe(toHex(was));
    }
  });

  test("is one record after a restart too", () => {
    const entry = damaged(written("ada", { role: "poet" }));
    reader.ingest([entry], from);
    reader.flush();
    reader.quarantine.reload();
    reader.ingest([entry], from);
    reader.flush();
    expect(reader.store.countQuarantine()).toBe(1);
  });

  test("whose group fails is forgotten with it", () => {
    const entry = damaged(written("ada", { role: "poet" }));
    reader.ingest([entry], from);
    reader.abandon();
    reader.ingest([entry], from);
    reader.flush();
    expect(reader.store.countQuarantine()).toBe(1);
  });

  test("leaves no record once a good copy of it has come", () => {
    const entry = written("ada", { role: "poet" });
    reader.ingest([damaged(entry)], from);
    reader.flush();
    expect(reader.ingest([entry], from).applied).toBe(1);
    reader.flush();
    expect(reader.store.countQuarantine()).toBe(0);
    expect(reader.read(ADA).snapshot?.json).toContain("poet");
  });

  test("leaves none either when it came under the name of its damaged bytes, as it does on the wire", () => {
    const first = written("ada", { role: "poet" });
    const entry = written("ada", { role: "painter" });
    const bytes = damaged(entry).change;
    const received = { ...entry, change: bytes, hash: nameOfReceived(bytes) };
    expect(reader.ingest([received], from).quarantined).toBe(1);
    reader.flush();
    expect(reader.ingest([entry], from).waiting).toBe(1);
    reader.flush();
    expect(reader.store.countQuarantine()).toBe(1);
    expect(reader.ingest([first], from).applied).toBe(2);
    reader.flush();
    expect(reader.store.countQuarantine()).toBe(0);
    expect(reader.read(ADA).snapshot?.json).toContain("painter");
  });
});

describe("a change that the document does not take", () => {
  test("is found among the others, which are applied", async () => {
    const first = written("ada", { displayName: "Ada" });
    const [left, right] = twins(first);
    const other = { ...written("bob", { displayName: "Bob" }) };
    expect(reader.ingest([first, left, right, other], from).applied).toBe(4);
    reader.flush();
    expect(reader.read(ADA).snapshot?.json).toBe('{"displayName":"Ada","role":"left"}');
    reader.flush();
    expect(reader.read("bob" as ProfileId).snapshot?.json).toBe('{"displayName":"Bob"}');
    const { entries, total } = desk.list(10);
    expect(total).toBe(1);
    expect(entries[0]).toMatchObject({
      hash: toHex(right.hash),
      seq: right.seq,
      profileId: "ada",
      region: "us-east-1",
      fromRegion: null,
    });
    expect(frontier(right).has(right.seq)).toBe(false);
    expect(frontier(left).has(left.seq)).toBe(true);
    expect(reader.store.hasLogEntry(right, right.seq)).toBe(false);
    expect(reader.ledger.changes).toBe(3);
    const row = must(reader.store.readDocument(reader.placeOf(first.docId)), "row");
    expect(row).toMatchObject({ quarantined: false, dirty: false, changeCount: 2 });
    // Asked for again, it is recognised without hurting the document once more.
    for (let i = 0; i < 3; i++) {
      expect(reader.ingest([right], from)).toMatchObject({ quarantined: 1, applied: 0 });
      reader.flush();
    }
    expect(desk.list(10).total).toBe(1);
    const id = must(entries[0], "record").id;
    expect(await settled(desk.retry(id))).toMatchObject({ id, outcome: "quarantined" });
    expect(reader.read(ADA).snapshot?.json).toBe('{"displayName":"Ada","role":"left"}');
  });

  test("is found before it is shown, when its document could not be saved with it", () => {
    const [first, second] = ["Ada", "Ada L."].map((displayName) => written("ada", { displayName }));
    const honest = must(second, "entry");
    const other = written("bob", { displayName: "Bob" });
    const change = takingOutNothing(honest.change);
    const poison = { ...honest, change, hash: nameOfReceived(change) };
    expect(reader.ingest([must(first, "entry"), poison, other], from).applied).toBe(3);
    reader.flush();
    expect(reader.read(ADA).snapshot?.json).toBe('{"displayName":"Ada"}');
    reader.flush();
    expect(reader.read("bob" as ProfileId).snapshot?.json).toBe('{"displayName":"Bob"}');
    expect(reader.store.listQuarantine(9)).toMatchObject([{ seq: honest.seq }]);
    expect(reader.store.readDocument(reader.placeOf(honest.docId))?.quarantined).toBe(false);
    // Its place is free: the honest one is taken whenever it comes, and nothing is left of the other.
    expect(reader.ingest([poison], from)).toMatchObject({ quarantined: 1, applied: 0 });
    expect(reader.ingest([honest], from).applied).toBe(1);
    reader.flush();
    expect(reader.read(ADA).snapshot?.json).toBe('{"displayName":"Ada L."}');
    reader.flush();
    expect(reader.store.countQuarantine()).toBe(0);
    expect(reader.ledger.root).toEqual(writer.ledger.root);
  });

  test("takes those with it that build on it, and they wait", () => {
    const first = written("ada", { displayName: "Ada" });
    const [left, right] = twins(first);
    const body = must(writer.store.readBody(writer.placeOf(first.docId)), "body");
    const tail = Buffer.concat([body.tail, right.change]);
    const profile = testCodec.open({ ...body, tail }, new Uint8Array(writer.identity.actor));
    const context = {
      timeSeconds: 1,
      deletedAtMs: 1,
      identity: { tenant: DEFAULT_TENANT, id: ADA },
    };
    const result = profile.edit({ kind: "merge-patch", patch: { party: "whig" } }, context);
    profile.free();
    if (!result.changed) throw new Error("an edit changes something");
    const { hash, change, containers } = result;
    const child = { ...right, seq: right.seq + 1, hash, change, containers };
    reader.ingest([first, left, right, child], from);
    reader.flush();
    expect(reader.read(ADA).snapshot?.json).toBe('{"displayName":"Ada","role":"left"}');
    reader.flush();
    expect(reader.store.countPending()).toBe(1);
    expect(frontier(child).max).toBe(left.seq);
  });
});

describe("an operator", () => {
  test("sees a record with its bytes", () => {
    const entry = damaged(written("ada", { role: "poet" }));
    reader.ingest([entry], from);
    reader.flush();
    const { id } = must(desk.list(1).entries[0], "record");
    const shown = must(desk.show(id), "record");
    expect(shown).toMatchObject({ fromRegion: "us-east-1", shard: entry.shard, profileId: null });
    expect(Buffer.from(shown.bytes, "base64")).toEqual(Buffer.from(entry.change));
    expect(desk.show(id + 1)).toBeUndefined();
  });

  test("drops an entry: its place is VOID, and the lane goes on", async () => {
    const [one, two, three] = ["x", "y", "z"].map((role) => written("ada", { role })) as [
      LogEntry,
      LogEntry,
      LogEntry,
    ];
    const bad = damaged(one);
    reader.ingest([bad, two, three], from);
    reader.flush();
    expect(frontier(one).contig).toBe(0);
    const { id } = must(desk.list(1).entries[0], "record");
    expect(await settled(desk.drop(id))).toBe(true);
    expect(await settled(desk.drop(id))).toBe(false);
    expect(frontier(one).contig).toBe(1);
    expect(reader.store.hasLogEntry(one, 1)).toBe(true);
    expect(reader.store.readLog(one, { lo: 1, hi: 9 }, 1e9)).toEqual([]);
    expect(reader.ledger.changes).toBe(0);
    // Pushed again it is held; a comparison that finds it missing brings it back, and all that waited.
    expect(reader.ingest([one], from)).toMatchObject({ held: 1, applied: 0 });
    expect(reader.ingest([one], { ...from, repair: true }).applied).toBe(3);
    reader.flush();
    expect(reader.read(ADA).snapshot?.json).toBe('{"role":"z"}');
    expect(toHex(reader.ledger.root)).toBe(toHex(writer.ledger.root));
    expect(reader.store.readLog(one, { lo: 1, hi: 9 }, 1e9)).toHaveLength(3);
  });

  test("retries an entry whose parent has come, and one that is as bad as before", async () => {
    const first = written("ada", { role: "first" });
    const second = written("ada", { role: "second" });
    reader.group.open();
    reader.quarantine.addEntry(second, "us-east-1", "an earlier version did not like it");
    reader.quarantine.addEntry(damaged(first), "us-east-1", "old reason");
    reader.flush();
    const [bad, good] = desk.list(2).entries;
    const waits = await settled(desk.retry(must(good, "good").id));
    expect(waits).toMatchObject({ outcome: "waiting" });
    expect(reader.store.countPending()).toBe(1);
    const still = await settled(desk.retry(must(bad, "bad").id));
    expect(still).toMatchObject({ outcome: "quarantined", reason: "checksum mismatch" });
    expect(desk.list(9).entries).toMatchObject([{ reason: "checksum mismatch" }]);
    expect(reader.ingest([first], from).applied).toBe(2);
    reader.flush();
    expect(desk.list(9).total).toBe(0);
    expect(reader.read(ADA).snapshot?.json).toBe('{"role":"second"}');
    expect(await settled(desk.retry(99))).toBeUndefined();
  });

  test("cannot be made to move a frontier by nonsense", async () => {
    const entry = damaged(written("ada", { role: "poet" }));
    reader.ingest([{ ...entry, seq: 2 ** 50 }], from);
    reader.flush();
    const { id } = must(desk.list(1).entries[0], "record");
    expect(await settled(desk.drop(id))).toBe(true);
    expect(frontier(entry).max).toBe(0);
  });

  test("retries a document whose bytes are damaged: it is rebuilt from the log", async () => {
    const entries = ["x", "y"].map((role) => written("ada", { role }));
    reader.ingest(entries, from);
    reader.flush();
    expect(reader.read(ADA).snapshot?.json).toBe('{"role":"y"}');
    const place = reader.placeOf(docIdOf(ADA));
    const row = must(reader.store.readDocument(place), "row");
    reader.group.open();
    reader.store.writeBody(place, { base: undefined, tail: Uint8Array.of(1), tailChanges: 1 });
    reader.store.writeDocument({ ...row, quarantined: true });
    reader.quarantine.addDocument(place.docId, "does not load", Uint8Array.of(1));
    reader.flush();
    reader.forgetCaches();
    const patch = { role: "refused" };
    const options = { precondition: {}, dep: VECTOR_ZERO, upsert: true };
    const write = () => reader.write(ADA, { kind: "merge-patch", patch }, options);
    expect(write).toThrow("does not open");
    expect(reader.read(ADA).snapshot?.json).toBe('{"role":"y"}'); // the last good view
    const { id } = must(desk.list(1).entries[0], "record");
    expect(await settled(desk.retry(id))).toMatchObject({ outcome: "released" });
    expect(desk.list(1).total).toBe(0);
    expect(reader.store.readDocument(place)).toMatchObject({ quarantined: false, changeCount: 2 });
    expect(toHex(reader.ledger.root)).toBe(toHex(writer.ledger.root));
    expect(write().kind).toBe("written");
  });
});
