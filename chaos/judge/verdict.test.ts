// A verdict is only worth something if each criterion can fail: every one is shown facts that break it.
import { expect, test } from "vitest";
import type { FinalState } from "@atoll/simulation/checkers";
import type { Call } from "@atoll/simulation/workload";
import type { Footprint } from "../fleet/footprint.ts";
import type { Sample } from "../run/observer.ts";
import { availabilityOf, isAvailable } from "./availability.ts";
import type { Signal } from "./signal.ts";
import { heard } from "./signal.ts";
import type { Facts } from "./verdict.ts";
import { judgeRun } from "./verdict.ts";

const HEAD = "a".repeat(64);

function call(more: Partial<Call> = {}): Call {
  return {
    index: 0,
    session: 1,
    region: 0,
    id: "m0",
    edit: { kind: "merge-patch", patch: { marks: { w1: true } } },
    mark: "w1",
    token: "a token",
    invokedMs: 10,
    completedMs: 20,
    outcome: {
      kind: "found",
      json: '{"marks":{"w1":true}}',
      etag: "tag",
      heads: [HEAD],
      token: "a token",
      isStale: false,
    },
    ...more,
  };
}

function final(region: string, more: Partial<FinalState> = {}): FinalState {
  const json = '{"marks":{"w1":true}}';
  const profile = { docId: "m0", id: "m0", heads: HEAD, json, hidden: undefined };
  return {
    region,
    documents: [{ ...profile, isQuarantined: false }],
    changes: new Set([HEAD]),
    root: "root",
    rootOfChanges: undefined,
    rootOfDocuments: undefined,
    rootOfBuckets: undefined,
    unloadable: [],
    pending: 0,
    ahead: [0],
    ...more,
  };
}

function sample(more: Partial<Sample> = {}): Sample {
  const about = { atMs: 0, region: "us", isUp: true, isReady: true, said: undefined };
  return { ...about, residentBytes: 100e6, ...more };
}

function footprint(more: Partial<Footprint> = {}): Footprint {
  return { region: "us", residentBytes: 200e6, youngBytes: 30e6, walBytes: 8e6, ...more };
}

const allWell = { found: 0, repaired: 0, listed: [] };
const GOOD: Facts = {
  calls: [call()],
  finals: [final("us"), final("eu")],
  losses: [],
  availability: availabilityOf(["us"], [call()], () => false),
  coveredMs: 100,
  equalMs: 200,
  convergeMsMax: 1_000,
  verified: [{ region: "us", report: { state: "done", faults: allWell } }],
  before: [footprint()],
  after: [footprint()],
  signal: undefined,
  archived: { what: "history", ok: true, detail: "2 lines" },
};

function failing(change: Partial<Facts>): string[] {
  return judgeRun({ ...GOOD, ...change })
    .filter(({ ok }) => !ok)
    .map(({ id }) => id);
}

test("facts in which nothing is wrong pass every criterion", () => {
  expect(judgeRun(GOOD).map(({ id }) => id)).toEqual([
    "C1",
    "C2",
    "C3",
    "C4",
    "C5",
    "C6",
    "C7",
    "C8",
  ]);
  expect(failing({})).toEqual([]);
});

test("C1 fails when a region lacks an acknowledged write", () => {
  const changes = new Set<string>();
  expect(failing({ finals: [final("us"), final("eu", { changes })] })).toContain("C1");
});

test("C1 fails when nothing was acknowledged: a run without writes proves nothing", () => {
  expect(failing({ calls: [] })).toContain("C1");
});

test("C2 fails when a session does not see what it wrote", () => {
  const outcome = { kind: "absent", token: "a token", isStale: false } as const;
  const read: Call = {
    ...unmarked(call()),
    index: 1,
    edit: undefined,
    invokedMs: 30,
    completedMs: 40,
    outcome,
  };
  expect(failing({ calls: [call(), read] })).toEqual(["C2"]);
});

test.each([
  ["too late", { coveredMs: 1_001 }],
  ["never covered", { coveredMs: undefined }],
  ["never equal", { equalMs: undefined }],
  ["other bytes", { finals: [final("us"), final("eu", { root: "another" })] }],
])("C4 fails: %s", (_what, change) => {
  expect(failing(change)).toEqual(["C4"]);
});

test.each([
  ["a fault", { state: "done", faults: { ...allWell, found: 1 } }],
  ["no end", undefined],
])("C5 fails on a verification with %s", (_what, report) => {
  expect(failing({ verified: [{ region: "us", report }] })).toEqual(["C5"]);
});

test.each([
  ["memory does not come back", [footprint({ residentBytes: 330e6 })]],
  ["the log does not come back", [footprint({ walBytes: 20e6 })]],
  ["a region does not say what V8 holds", [footprint({ youngBytes: undefined })]],
  ["a region is down", [footprint({ residentBytes: undefined })]],
  ["nobody looked", []],
])("C6 fails when %s", (_what, after) => {
  expect(failing({ after })).toEqual(["C6"]);
});

test("C6: a young generation that has grown is V8's business", () => {
  expect(failing({ after: [footprint({ residentBytes: 330e6, youngBytes: 130e6 })] })).toEqual([]);
});

test("C8 fails when the history cannot be read back", () => {
  expect(failing({ archived: { what: "history", ok: false, detail: "" } })).toEqual(["C8"]);
});

const signal: Signal = {
  what: "not ready",
  firesMsMax: 1_000,
  clearsMsMax: 1_000,
  isOn: ({ isReady }) => !isReady,
};
const FAULT = { faultMs: 1_000, healMs: 5_000 };

test.each([
  ["in time", [1_500, 4_000], 5_500, []],
  ["too late", [2_500, 4_000], 5_500, ["C7"]],
  ["not at all", [], 5_500, ["C7"]],
  ["without an end", [1_500, 6_000], undefined, ["C7"]],
])("C7: a signal that comes %s", (_what, on, clearMs, expected) => {
  const samples = [
    sample({ atMs: 500 }),
    ...on.map((atMs) => sample({ atMs, isReady: false })),
    ...(clearMs === undefined ? [] : [sample({ atMs: clearMs })]),
  ];
  expect(failing({ signal: { asked: signal, heard: heard(signal, samples, FAULT) } })).toEqual(
    expected,
  );
});

const refused = (code: string): Call => call({ outcome: { kind: "refused", code } });
const thousand = Array.from({ length: 1_000 }, () => call());

test("C3 counts what a region failed to do, not what a client asked in vain", () => {
  const of = (calls: Call[]): boolean =>
    availabilityOf(["us"], calls, () => false).every(isAvailable);
  expect(of([...thousand, refused("session-not-available"), refused("precondition-failed")])).toBe(
    true,
  );
  expect(of([...thousand, refused("overloaded")])).toBe(true); // one of a thousand
  expect(of([...thousand, refused("overloaded"), refused("storage-failed")])).toBe(false);
  expect(of([...thousand, call({ edit: undefined, outcome: { kind: "unknown" } })])).toBe(false);
});

test("C3 excuses a region while the scenario has taken it away, and only then", () => {
  const down = [
    ...thousand,
    refused("unreachable"),
    refused("unreachable"),
    refused("unreachable"),
  ];
  const excuse = (from: number, to: number) =>
    availabilityOf(["us"], down, (_region, fromMs, toMs) => fromMs >= from && toMs <= to);
  expect(excuse(0, 100).every(isAvailable)).toBe(true);
  expect(excuse(50, 100).every(isAvailable)).toBe(false);
});

function unmarked({ mark: _mark, ...rest }: Call): Call {
  return rest;
}
