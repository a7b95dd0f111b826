// One bit flipped in any column of any row is found, or means nothing; and what was found is mended, with
// the help of a peer, until all regions are byte-identical and a second pass finds nothing.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ProfileId } from "@atoll/core";
import {
  AtollError,
  ManualClock,
  SeededRandom,
  VECTOR_ZERO,
  docIdOf,
  limits,
  missingRegions,
  must,
  toHex,
} from "@atoll/core";
import type { Store } from "@atoll/store";
import { MemoryStore, openSqliteStore } from "@atoll/store";
import type { DamagePlace } from "@atoll/store/damage";
import { damagePlaces, flipOneBit } from "@atoll/store/damage";
import { Fleet, testCodec } from "./fleet.fixture.ts";
import { Replica } from "./replica.ts";
import type { VerifyReport } from "./scrub.ts";
import { ScrubJob } from "./scrub-job.ts";
import { scrubLog } from "./scrub-log.ts";
import { scrubStanding } from "./scrub-standing.ts";
import { Scrub } from "./scrub.ts";

const HERE = "eu-west-1";
/** Each draws one bit of one row of every column. More are run by whoever changes the scrub, and the simulator. */
const SEEDS = ["one"];
const PROFILES = ["ada", "bob", "cyn", "long"];

let directory: string;
let path: string;
let fleet: Fleet;
let store: Store;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "atoll-scrub-"));
  path = join(directory, "atoll.db");
  fleet = new Fleet("scrub", { delayMs: { min: 1, max: 5 }, retention: { ageMs: 0 } });
  await fleet.driver(HERE).close();
  store = openSqliteStore({ path, isDurableAtCommit: true });
  vi.spyOn(store.scrub, "checkFile").mockResolvedValue([]);
  fleet.stores.set(HERE, store);
  fleet.start(HERE);
  await fleet.run(1000);
});

afterEach(async () => {
  await fleet.close();
  store.close();
  rmSync(directory, { recursive: true });
});

async function populate(): Promise<void> {
  for (const [i, name] of fleet.names.entries()) {
    for (const id of PROFILES) {
      const extra = { [`from${i}`]: { deep: { n: i } } };
      await fleet.write(name, id, { kind: "merge-patch", patch: { displayName: id, extra } });
    }
  }
  for (let i = 0; i < 40; i++) {
    await fleet.write(HERE, "long", { kind: "merge-patch", patch: { role: `role ${i}` } });
  }
  await fleet.write("us-east-1", "ada", { kind: "merge-patch", patch: { role: "poet" } });
  await fleet.until("converged", () => fleet.converged());
  for (const id of PROFILES) await fleet.json(HERE, id);
  fleet.driver(HERE).replica.documents.clear(); // the tail of one that is open may be longer
  await fleet.run(200); // folds the long tail
}

/** Takes from every log what every region has. */
async function trim(): Promise<void> {
  await fleet.run(3_000);
  for (const name of fleet.names) {
    const { replica, retention } = fleet.driver(name);
    retention.walk();
    replica.flush();
    expect(replica.store.logSize().rows).toBeLessThan(replica.ledger.changes);
  }
}

/** An entry that waits, one that is bad, and a document, so that those tables have rows too. */
function setSomethingAside(): void {
  const { replica } = fleet.driver(HERE);
  const stranger = new Replica({
    cluster: fleet.cluster,
    region: must(fleet.cluster.regions[0], "region"),
    store: new MemoryStore(),
    clock: fleet.clock,
    random: new SeededRandom("a stranger"),
    log: fleet.log,
    codec: testCodec,
  });
  const options = { precondition: {}, dep: VECTOR_ZERO, upsert: true };
  for (const role of ["first", "second"]) {
    stranger.write("zed" as ProfileId, { kind: "merge-patch", patch: { role } }, options);
  }
  const [first, second] = stranger.flush();
  const late = must(second, "second");
  replica.ingest([late], { region: "us-east-1", repair: false });
  replica.group.open();
  replica.quarantine.addEntry(must(first, "first"), "us-east-1", "does not look good");
  replica.quarantine.addDocument(late.docId, "does not open", Uint8Array.of(1, 2, 3));
  replica.flush();
  expect(replica.store.countPending()).toBe(1);
  expect(replica.store.countQuarantine()).toBe(2);
}

test("what comes from a clock that is a day ahead, behind the place that a pass has reached, is no fault", async () => {
  await populate();
  const { replica } = fleet.driver(HERE);
  const early = new Replica({
    cluster: fleet.cluster,
    region: must(fleet.cluster.regions[0], "region"),
    store: new MemoryStore(),
    clock: new ManualClock(fleet.clock.nowMs() + 86_400_000),
    random: new SeededRandom("a day ahead"),
    log: fleet.log,
    codec: testCodec,
  });
  const options = { precondition: {}, dep: VECTOR_ZERO, upsert: true };
  early.write("zed" as ProfileId, { kind: "merge-patch", patch: { role: "early" } }, options);
  const job = new ScrubJob(replica, fleet.log);
  for (let shard = 0; shard < fleet.cluster.shardCount; shard++) {
    const steps = scrubLog(job, shard);
    while (steps.next().done !== true);
  }
  replica.ingest(early.flush(), { region: "us-east-1", repair: false });
  scrubStanding(job, fleet.clock.nowMs());
  replica.flush();
  expect(job.faults).toEqual([]);
});

async function verify(name = HERE): Promise<VerifyReport> {
  const { scrub } = fleet.driver(name);
  expect(scrub.verify()).toBe(true);
  await fleet.until("verified", () => scrub.report().state !== "running", 600_000);
  return scrub.report();
}

/** Everything that can be read of the store, decoded; not the columns that only advise. */
function meaning(): string {
  const scan = <T>(read: () => T): T | string => {
    try {
      return read();
    } catch {
      return "does not decode";
    }
  };
  const lanes = [];
  for (let lane = store.scrub.nextLane(undefined); lane !== undefined;) {
    lanes.push(store.scrub.scanLog(lane, undefined, 1000).map(({ applied: _, ...row }) => row));
    lane = store.scrub.nextLane(lane);
  }
  const all = [
    lanes,
    // The sizes of a tail only advise when to fold it, which sets them right: upkeep may be first.
    store.scrub
      .scanDocuments(undefined, 1000)
      .map(({ key, row, body }) => [key, row, body?.base, body?.tail]),
    store.scrub.scanPending(undefined, 100).map(({ pending }) => pending),
    store.scrub
      .scanQuarantine(undefined, 100)
      .map(({ record }) => record && { ...record, id: 0 })
      .sort((a, b) => (a?.bytes.length ?? 0) - (b?.bytes.length ?? 0)),
    scan(() => store.readFrontier()),
    scan(() => store.readBuckets()),
    scan(() => store.readIdentity()),
    // Coverage may lag behind what is held; ahead of it, it would be a lie.
    scan(() => missingRegions(fleet.driver(HERE).replica.ledger.covered, store.readCoverage())),
  ];
  return JSON.stringify(all, (_key, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
    return value instanceof Uint8Array ? toHex(value) : value;
  });
}

describe("a sound region", () => {
  test("has no faults, and a pass changes nothing", async () => {
    await populate();
    setSomethingAside();
    const before = meaning();
    const report = await verify();
    expect(report.faults.listed).toEqual([]);
    expect(report.state).toBe("done");
    expect(report.progress.documentsDone).toBe(PROFILES.length);
    expect(report.progress.entriesDone).toBe(fleet.driver(HERE).replica.ledger.changes);
    expect(meaning()).toBe(before);
    for (const name of fleet.names) expect((await verify(name)).faults.found).toBe(0);
  });

  test("verifies while writes go on", async () => {
    await populate();
    const { scrub } = fleet.driver(HERE);
    scrub.verify();
    expect(scrub.verify()).toBe(false);
    for (let i = 0; scrub.report().state === "running"; i++) {
      const at = must(fleet.names[i % 3], "region");
      await fleet.write(at, "ada", { kind: "merge-patch", patch: { role: `r${i}` } });
      await fleet.run(5);
    }
    expect(scrub.report().faults.listed).toEqual([]);
  });
});

describe("one flipped bit", () => {
  test.each(SEEDS)("is found or means nothing, in every column (%s)", async (seed) => {
    await populate();
    setSomethingAside();
    const random = new SeededRandom(seed);
    const places: DamagePlace[] = damagePlaces(path);
    expect(new Set(places.map(({ table }) => table)).size).toBe(10);
    for (const [i, place] of places.entries()) {
      const before = meaning();
      const damage = flipOneBit(path, place, random);
      if (damage === undefined) continue;
      const what = JSON.stringify(damage);
      const isHarmless = meaning() === before;
      const { faults } = await verify();
      if (!isHarmless) expect(faults.found, what).toBeGreaterThan(0);
      expect(
        faults.listed.filter(({ repair }) => repair === "none"),
        what,
      ).toEqual([]);
      await expectMended(what);
      if (places[i + 1]?.table === place.table) continue;
      expect((await verify()).faults.listed, `second verify after ${what}`).toEqual([]);
    }
  });
});

describe("where the log is trimmed", () => {
  test("a sound region has no faults", async () => {
    await populate();
    await trim();
    const before = meaning();
    expect(store.readTrimmed().length).toBeGreaterThan(0);
    expect((await verify()).faults.listed).toEqual([]);
    expect(meaning()).toBe(before);
  });

  test("one flipped bit is found and mended, or means nothing", async () => {
    await populate();
    await trim();
    for (let i = 0; i < 3; i++) {
      await fleet.write(HERE, "ada", { kind: "merge-patch", patch: { role: `poet ${i}` } });
    }
    await fleet.until("converged", () => fleet.converged());
    const random = new SeededRandom("trimmed");
    const tables = ["document", "base", "frontier", "trimmed", "horizon"];
    const places = damagePlaces(path).filter(({ table }) => tables.includes(table));
    expect(new Set(places.map(({ table }) => table)).size).toBe(tables.length);
    for (const place of places) {
      const before = meaning();
      const damage = flipOneBit(path, place, random);
      if (damage === undefined) continue;
      const what = JSON.stringify(damage);
      const isHarmless = meaning() === before;
      const { faults } = await verify();
      // Of what only its entries told, the row is the last witness: see "Gaps".
      const isUnwitnessed = /_hlc$|^dep$/.test(place.column) && place.table === "document";
      if (!isHarmless && !isUnwitnessed) expect(faults.found, what).toBeGreaterThan(0);
      await expectMended(what);
    }
    expect((await verify()).faults.listed).toEqual([]);
  });

  test("what is remembered of trimming is derived again when it was damaged at the start", async () => {
    await populate();
    await trim();
    const trimmed = JSON.stringify(store.readTrimmed());
    const { horizon } = fleet.driver(HERE).replica.ledger;
    await fleet.driver(HERE).close();
    const random = new SeededRandom("trimmed");
    for (const column of ["shard", "origin", "through", "seal"]) {
      flipOneBit(path, { table: "trimmed", column }, random);
    }
    flipOneBit(path, { table: "horizon", column: "hlc" }, random);
    expect(store.readTrimmed()).toContain(undefined);
    expect(store.readHorizon()).toBeUndefined();
    fleet.start(HERE);
    const { faults } = await verify();
    expect(faults.listed.filter(({ table }) => table !== "trimmed")).toEqual([]);
    await expectMended("a start");
    expect(JSON.stringify(store.readTrimmed())).toBe(trimmed);
    expect(missingRegions(must(store.readHorizon(), "horizon"), horizon)).toEqual([]);
  });

  test("a folded past that no log has any more comes back from the peers' documents", async () => {
    await populate();
    await trim();
    const before = await fleet.json(HERE, "long");
    const random = new SeededRandom("base");
    for (let i = 0; i < 30; i++) flipOneBit(path, { table: "base", column: "base" }, random);
    expect((await verify()).faults.found).toBeGreaterThan(0);
    await expectMended("all bases");
    expect(await fleet.json(HERE, "long")).toBe(before);
    expect((await verify()).faults.listed).toEqual([]);
  });
});

describe("worse than one bit", () => {
  test("a document whose body and log are both damaged comes back from the peers", async () => {
    await populate();
    const random = new SeededRandom("both");
    for (const column of ["tail", "view", "id"]) {
      for (let i = 0; i < 3; i++) flipOneBit(path, { table: "body", column }, random);
    }
    for (let i = 0; i < 9; i++) flipOneBit(path, { table: "log", column: "change" }, random);
    flipOneBit(path, { table: "base", column: "base" }, random);
    const { faults } = await verify();
    expect(faults.listed.map(({ table }) => table)).toContain("log");
    await expectMended("all that");
    expect((await verify()).faults.listed).toEqual([]);
    // And everybody can write again, under numbers and actors that were never used.
    for (const [i, name] of fleet.names.entries()) {
      for (const id of PROFILES) {
        const patch = { [`after${i}`]: name };
        await fleet.write(name, id, { kind: "merge-patch", patch });
      }
    }
    await fleet.until("converged", () => fleet.converged(), 120_000);
    await expectMended("writing on");
    for (const name of fleet.names) expect(fleet.driver(name).status().counts.quarantined).toBe(0);
  });

  test("damage that was there when the region started is found as well", async () => {
    await populate();
    await fleet.driver(HERE).close();
    const random = new SeededRandom("restart");
    for (const column of ["contig", "max", "origin", "shard"]) {
      flipOneBit(path, { table: "frontier", column }, random);
    }
    for (const column of ["sum", "changes"]) flipOneBit(path, { table: "bucket", column }, random);
    flipOneBit(path, { table: "document", column: "change_count" }, random);
    const others = fleet.names.filter((name) => name !== HERE);
    for (const name of others) fleet.network.cut(HERE, name); // or the peers would mend it first
    fleet.start(HERE);
    const tables = new Set((await verify()).faults.listed.map(({ table }) => table));
    expect([...tables]).toEqual(expect.arrayContaining(["bucket", "document", "frontier"]));
    for (const name of others) fleet.network.heal(HERE, name);
    await expectMended("a restart");
    expect((await verify()).faults.listed).toEqual([]);
  });

  test("a write that meets a damaged row first names what the document has", async () => {
    await populate();
    const damage = must(
      flipOneBit(path, { table: "document", column: "heads" }, new SeededRandom("heads")),
      "a flipped bit",
    );
    for (const id of PROFILES) {
      const answer = await fleet.write(HERE, id, { kind: "merge-patch", patch: { role: "now" } });
      expect(answer, damage.row).toMatchObject({
        kind: "written",
        profile: { heads: [expect.any(String)] },
      });
    }
    await fleet.until("converged", () => fleet.converged());
    expect((await verify()).faults.listed).toEqual([]);
  });

  test("a write to a document whose row is gone brings it back before it adds to it", async () => {
    await populate();
    await fleet.write(HERE, "bob", { kind: "merge-patch", patch: { role: "open here" } });
    await fleet.until("converged", () => fleet.converged());
    const { replica } = fleet.driver(HERE);
    const place = replica.placeOf(docIdOf("bob" as ProfileId));
    const { actor } = replica.identity;
    replica.group.open();
    replica.store.scrub.removeDocumentRow({ position: BigInt(place.position), docId: place.docId });
    replica.flush();
    await fleet.write(HERE, "bob", { kind: "merge-patch", patch: { role: "written since" } });
    expect(toHex(replica.identity.actor)).not.toBe(toHex(actor)); // it may have made what was lost
    await fleet.until("converged", () => fleet.converged());
    const json = must(await fleet.json("us-east-1", "bob"), "bob");
    expect(JSON.parse(json)).toMatchObject({ displayName: "bob", role: "written since" });
    for (const name of fleet.names) expect(fleet.driver(name).status().counts.quarantined).toBe(0);
  });

  test("documents whose bodies went astray while the region was down are read whole and written on", async () => {
    await populate();
    const before = new Map<string, string | undefined>();
    for (const id of PROFILES) before.set(id, await fleet.json(HERE, id));
    await fleet.driver(HERE).close();
    const random = new SeededRandom("astray");
    for (let i = 0; i < 5; i++) flipOneBit(path, { table: "body", column: "id" }, random);
    const lost = store.scrub.scanDocuments(undefined, 100).filter(({ body }) => body === undefined);
    expect(lost.length).toBeGreaterThan(1);
    fleet.start(HERE);
    const { replica } = fleet.driver(HERE);
    for (const id of PROFILES) {
      expect(await fleet.json(HERE, id), id).toBe(before.get(id));
      const place = replica.placeOf(docIdOf(id as ProfileId));
      expect(store.readDocument(place)?.view, id).toBe(before.get(id));
    }
    await expectWritable();
    expect((await verify()).faults.listed).toEqual([]); // who met them has mended them
  });

  test("a document whose folded past went astray is not begun anew", async () => {
    await populate();
    await trim();
    await fleet.driver(HERE).close();
    flipOneBit(path, { table: "base", column: "id" }, new SeededRandom("base"));
    const { row } = must(
      store.scrub.scanDocuments(undefined, 100).find(({ body }) => body?.base === undefined),
      "a document without its base",
    );
    fleet.start(HERE);
    const id = must(row?.profileId, "its profile");
    const writing = fleet.write(HERE, id, { kind: "merge-patch", patch: { role: "poet" } });
    await expect(writing).rejects.toMatchObject({ code: "document-quarantined" });
    expect((await verify()).faults.found).toBeGreaterThan(0);
    await expectMended("a base");
    await expectWritable();
    expect((await verify()).faults.listed).toEqual([]);
  });

  test("a lost entry of our own costs us our name, before its number is given again", async () => {
    await populate();
    const others = fleet.names.filter((name) => name !== HERE);
    const { replica } = fleet.driver(HERE);
    const old = replica.origin;
    const place = replica.placeOf(docIdOf("long" as ProfileId));
    const last = must(store.readLogOfDocument(place).at(-1), "entry");
    expect(last.origin).toBe(old);
    for (const name of others) fleet.network.cut(HERE, name);
    replica.group.open();
    store.removeLogEntry(last, last.seq);
    replica.flush();
    expect((await verify()).faults.found).toBe(1);
    expect(replica.origin).not.toBe(old);
    await fleet.write(HERE, "long", { kind: "merge-patch", patch: { party: "after" } });
    expect(store.readLog(last, { lo: last.seq, hi: last.seq }, 1)).toEqual([]);
    for (const name of others) fleet.network.heal(HERE, name);
    await expectMended("a lost entry of our own");
    expect(await fleet.json("us-east-1", "long")).toContain('"party":"after","role":"role 39"');
    const [back] = store.readLog(last, { lo: last.seq, hi: last.seq }, 1);
    expect(toHex(must(back, "entry").hash)).toBe(toHex(last.hash));
  });

  test("what the engine says of its file is told", async () => {
    vi.spyOn(store.scrub, "checkFile").mockResolvedValue(["page 3 is never used"]);
    const { faults } = await verify();
    expect(faults.listed).toMatchObject([{ table: "file", repair: "none" }]);
    expect(fleet.driver(HERE).status().counts.scrubFaults).toBe(1);
    expect(fleet.log.lines.map(({ event }) => event)).toContain("scrub-fault");
  });

  test("on which the disk fails in the middle of a transaction ends the pass, and nothing else", async () => {
    await populate();
    const { replica, scrub } = fleet.driver(HERE);
    const rollback = store.rollback.bind(store);
    vi.spyOn(store.scrub, "scanDocuments").mockImplementationOnce(() => {
      replica.group.open();
      const lost = vi.spyOn(store, "isTransactionLost", "get").mockReturnValue(true);
      vi.spyOn(store, "rollback").mockImplementationOnce(() => {
        lost.mockRestore();
        rollback();
      });
      throw new AtollError("storage-failed", "database disk image is malformed");
    });
    expect((await verify()).state).toBe("failed");
    expect(store.inTransaction).toBe(false);
    expect(fleet.log.lines.some(({ event }) => event === "storage-fault")).toBe(true);
    expect(scrub.report().faults.found).toBe(0);
    await fleet.write(HERE, "ada", { kind: "merge-patch", patch: { role: "still here" } });
    expect((await verify()).state).toBe("done");
  });

  test("is found without being asked for, within the week", async () => {
    await populate();
    flipOneBit(path, { table: "log", column: "change" }, new SeededRandom("week"));
    const clock = new ManualClock(); // on which nothing but this scrub waits
    const { replica } = fleet.driver(HERE);
    const scrub = new Scrub({
      replica,
      clock,
      log: fleet.log,
      stage: (work) => work(),
      relink: () => undefined,
      renew: () => undefined,
    });
    scrub.start();
    clock.advance(limits.SCRUB_PAUSE_MS_MAX - 1);
    expect(scrub.faults).toBe(0);
    clock.advance(limits.SCRUB_PERIOD_MS);
    expect(scrub.faults).toBeGreaterThan(0);
    scrub.stop();
    replica.flush();
  });
});

/** Every document here takes a change as one actor's next, also where it has to be opened for it. */
async function expectWritable(): Promise<void> {
  for (const role of ["one", "two"]) {
    fleet.driver(HERE).replica.documents.clear();
    for (const id of PROFILES)
      await fleet.write(HERE, id, { kind: "merge-patch", patch: { role } });
  }
  await fleet.until("converged", () => fleet.converged());
  for (const name of fleet.names) {
    for (const id of PROFILES) {
      const json = must(await fleet.json(name, id), id);
      expect(JSON.parse(json)).toMatchObject({ displayName: id, role: "two", extra: {} });
    }
    expect(fleet.driver(name).status().counts.quarantined).toBe(0);
  }
}

/** All regions agree again, and nothing of what they hold is missing here. */
async function expectMended(what: string): Promise<void> {
  const root = (name: string) => toHex(fleet.driver(name).replica.ledger.root);
  const { replica } = fleet.driver(HERE);
  const isSettled = (): boolean =>
    fleet.names.every((name) => root(name) === root("us-east-1")) &&
    [...replica.ledger.frontier.lanes()].every(([, { gaps }]) => gaps.length === 0) &&
    fleet
      .driver(HERE)
      .status()
      .peers.every(({ state, behind }) => state === "live" && behind === 0);
  await fleet.until(`settled after ${what}`, isSettled, 200_000);
  for (const id of PROFILES) {
    const [first, ...others] = await Promise.all(fleet.names.map((name) => fleet.json(name, id)));
    expect(first, what).toContain("displayName");
    for (const other of others) expect(other, what).toBe(first);
  }
}
