// Replication between real processes over links that fail: what a simulator promises, on real sockets and
// a real clock.
import { afterAll, beforeAll, expect, test } from "vitest";
import { delay, limits, must, systemClock } from "@atoll/core";
import { FaultScenarios, findFaults } from "./fault-scenario.fixture.ts";
import type { FaultyCluster, RegionName } from "./faulty-links.fixture.ts";
import { AP, EU, US, eventually } from "./faulty-links.fixture.ts";
import { LOCAL_REGIONS } from "./local-plan.ts";
import type { MarkedWrites } from "./marked-writes.fixture.ts";

/** A write is read in a region that is cut off from its own this soon. */
const VISIBLE_MS_MAX = 2_000;
/** Silence, found at the next tick, and a second for a machine that is busy. */
const LINK_LOST_MS_MAX = limits.LINK_SILENCE_MS_MAX + 1_000;
const CONVERGED_MS_MAX = 10_000;
const BLACK_HOLE_MS = 30_000;
/** Of one writer, while its region is in the hole: it writes about every 110 ms. */
const WRITES_IN_HOLE_MIN = BLACK_HOLE_MS / 300;

let scenarios: FaultScenarios;
let cluster: FaultyCluster;

beforeAll(async () => {
  scenarios = await FaultScenarios.open();
  cluster = scenarios.cluster;
});
afterAll(() => scenarios.close());

/** Ends the load: every write was answered, and every one is everywhere. */
async function expectAllEverywhere(writes: MarkedWrites): Promise<void> {
  await writes.stop();
  const marks = writes.acknowledged;
  expect(await findFaults(cluster, { convergedMsMax: CONVERGED_MS_MAX, marks })).toEqual([]);
  expect(writes.failures).toEqual([]);
  for (const name of LOCAL_REGIONS) expect(writes.countOf(name)).toBeGreaterThan(0);
}

let probes = 0;
async function put(region: RegionName): Promise<{ id: string; json: string; token: string }> {
  const id = `probe${probes++}`;
  const json = JSON.stringify({ displayName: id });
  const answer = await fetch(`${cluster.region(region).rest}/v1/profiles/${id}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: json,
  });
  expect(answer.status).toBe(201);
  return { id, json, token: must(answer.headers.get("session-token") ?? undefined, "a token") };
}

async function expectSoonVisible(from: RegionName, to: RegionName): Promise<void> {
  const { id, json } = await put(from);
  await eventually(`${id}, written in ${from}, is read in ${to}`, VISIBLE_MS_MAX, async () => {
    return (await cluster.read(to, id)) === json;
  });
}

/** A session that wrote in one region goes on in another, which must have caught up itself. */
async function expectSessionFollows(from: RegionName, to: RegionName): Promise<void> {
  const { id, json, token } = await put(from);
  const prefer = `handling=strict, wait=${VISIBLE_MS_MAX / 1000}`;
  const answer = await fetch(`${cluster.region(to).rest}/v1/profiles/${id}`, {
    headers: { "session-token": token, prefer },
  });
  expect(await answer.text()).toBe(json);
  expect(answer.headers.get("served-by-region")).toBe(to);
}

/** Until neither calls the link live. */
async function expectLinkLost(one: RegionName, other: RegionName): Promise<void> {
  await eventually(`${one} and ${other} give the link up`, LINK_LOST_MS_MAX, async () => {
    const states = [await cluster.linkState(one, other), await cluster.linkState(other, one)];
    return !states.includes("live");
  });
}

test("of two regions that are cut off from each other, each sees the other's writes through the third", () =>
  scenarios.run({ label: "cut" }, async (writes) => {
    cluster.setPair(US, AP, "swallow");
    const cutMs = systemClock.monotonicMs();
    const lost = expectLinkLost(US, AP);
    // From before anybody has noticed until after both have.
    do {
      await expectSoonVisible(US, AP);
      await expectSoonVisible(AP, US);
      await expectSessionFollows(US, AP);
      await expectSessionFollows(AP, US);
    } while (systemClock.monotonicMs() < cutMs + LINK_LOST_MS_MAX);
    await lost;
    cluster.setPair(US, AP, "pass");
    await expectAllEverywhere(writes);
  }));

test.each([
  [US, AP],
  [AP, US],
])("a link on which nothing passes from %s to %s is given up by both, and mends", (from, to) =>
  scenarios.run({ label: `deaf.${from}` }, async (writes) => {
    cluster.setDirection(from, to, "swallow");
    const lost = expectLinkLost(from, to);
    await Promise.all([lost, expectSoonVisible(from, to), expectSoonVisible(to, from)]);
    await Promise.all([expectSoonVisible(from, to), expectSoonVisible(to, from)]);
    await Promise.all([expectSessionFollows(from, to), expectSessionFollows(to, from)]);
    cluster.setDirection(from, to, "pass");
    await expectAllEverywhere(writes);
  }),
);

test("a region in a black hole for half a minute and the others serve writes, and then have them all", () =>
  scenarios.run({ label: "hole" }, async (writes) => {
    cluster.setPair(AP, US, "swallow");
    cluster.setPair(AP, EU, "swallow");
    const fallen = [expectLinkLost(AP, US), expectLinkLost(AP, EU)];
    await Promise.all([delay(BLACK_HOLE_MS), ...fallen]); // the half minute is the scenario
    for (const name of LOCAL_REGIONS) {
      expect(writes.countOf(name)).toBeGreaterThan(WRITES_IN_HOLE_MIN);
    }
    const unseen = await Promise.all([put(AP), put(US)]);
    expect(await cluster.read(US, unseen[0].id)).toBeUndefined(); // it is a hole
    expect(await cluster.read(AP, unseen[1].id)).toBeUndefined();
    cluster.healAll();
    await expectAllEverywhere(writes);
  }));
