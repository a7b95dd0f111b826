// An operator puts an old copy of one region's database back while all regions write: nothing that was
// promised is lost, and no place in a log is given twice. Real processes and real files, because what a copy
// holds, and what a process does with it in its first second, is the whole question.
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FaultScenarios, findFaults } from "./fault-scenario.fixture.ts";
import type { FaultyCluster } from "./faulty-links.fixture.ts";
import { AP, eventually } from "./faulty-links.fixture.ts";
import { LOCAL_REGIONS } from "./local-plan.ts";
import { findReusedPlaces } from "./log-places.fixture.ts";
import type { Mark, MarkedWrites } from "./marked-writes.fixture.ts";

const PATIENCE_MS = 30_000;
/** Marks that Asia sets between two events, in all of its profiles. */
const MARKS_BETWEEN = 16;

let scenarios: FaultScenarios;
let cluster: FaultyCluster;
/** Files of lives that were cut short: what they gave away nobody may give again. */
const killed: string[] = [];

beforeAll(async () => {
  scenarios = await FaultScenarios.open();
  cluster = scenarios.cluster;
});
afterAll(() => scenarios.close());

/** A file that is lost takes along what was nowhere else; all other marks must come back. */
function isPromised({ region, durableIn }: Mark): boolean {
  return region !== AP || durableIn.length > 1;
}

function promisedIn(writes: MarkedWrites): number {
  return writes.acknowledged.filter((mark) => mark.region === AP && isPromised(mark)).length;
}

async function goOn(writes: MarkedWrites): Promise<void> {
  const count = promisedIn(writes) + MARKS_BETWEEN;
  await eventually("Asia writes", PATIENCE_MS, () => promisedIn(writes) >= count);
}

/** The file and its write-ahead log, which is part of it after a crash; nothing of what lay there before. */
function copyDatabase(from: string, to: string): string {
  mkdirSync(dirname(to), { recursive: true });
  for (const suffix of ["", "-wal", "-shm"]) rmSync(to + suffix, { force: true });
  for (const suffix of ["", "-wal"]) {
    if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
  }
  return to;
}

/** Kills Asia under load, puts the copy in its place and starts that; all the time clients write. */
async function putBack(copy: string, writes: MarkedWrites, label: string): Promise<void> {
  await goOn(writes);
  const origin = await cluster.originOf(AP);
  const incarnation = (await cluster.status(AP))?.incarnation;
  await cluster.kill(AP);
  const database = cluster.databaseOf(AP);
  killed.push(copyDatabase(database, join(scenarios.directory, `killed ${label}`, "atoll.db")));
  copyDatabase(copy, database);
  await cluster.restart(AP);
  await goOn(writes);
  const after = await cluster.status(AP);
  expect(after?.origin).not.toBe(origin);
  expect(after?.incarnation).toBeGreaterThanOrEqual(incarnation ?? Infinity);
}

async function expectAllPromisedEverywhere(writes: MarkedWrites): Promise<void> {
  await writes.stop();
  const marks = writes.acknowledged.filter(isPromised);
  expect(await findFaults(cluster, { convergedMsMax: PATIENCE_MS, marks })).toEqual([]);
}

/**
 * Four profiles: after every copy each is edited, so that the first edit under the copy's name would already
 * take a place that was given before. And little patience, so that there are edits before a peer is linked.
 */
const load = { profiles: 4, prefer: { [AP]: "durability=2, wait=0.5" } };

test("a copy of an orderly stop, put back under load, costs a new name and nothing else", () =>
  scenarios.run({ label: "orderly", ...load }, async (writes) => {
    await goOn(writes);
    const origin = await cluster.originOf(AP);
    await writes.pause(AP);
    await cluster.stopInOrder(AP);
    const copy = copyDatabase(
      cluster.databaseOf(AP),
      join(scenarios.directory, "orderly copy", "atoll.db"),
    );
    await cluster.restart(AP);
    await eventually("Asia is linked", PATIENCE_MS, async () => {
      const peers = (await cluster.status(AP))?.peers ?? [];
      return peers.every(({ state, behind }) => state === "live" && behind === 0);
    });
    writes.resume(AP);
    await goOn(writes);
    // It writes on under the name that the copy bears: places are there to be given twice.
    expect(await cluster.originOf(AP)).toBe(origin);
    await putBack(copy, writes, "after an orderly copy");
    await expectAllPromisedEverywhere(writes);
  }));

test("a copy of a crash, put back under load, costs a new name and nothing else", () =>
  scenarios.run({ label: "crash", ...load }, async (writes) => {
    await goOn(writes);
    await cluster.kill(AP);
    const copy = copyDatabase(
      cluster.databaseOf(AP),
      join(scenarios.directory, "crash copy", "atoll.db"),
    );
    await cluster.restart(AP);
    await putBack(copy, writes, "after a crash copy");
    await expectAllPromisedEverywhere(writes);
  }));

test("and no place in a log was given twice, not even by lives that were cut short", async () => {
  await cluster.stop();
  const { places, reused } = findReusedPlaces([
    ...LOCAL_REGIONS.map((name) => cluster.databaseOf(name)),
    ...killed,
  ]);
  expect(reused).toEqual([]);
  expect(places).toBeGreaterThan(100);
});
