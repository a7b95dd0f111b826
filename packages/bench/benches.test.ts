import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SeededRandom } from "@atoll/core";
import { antiEntropyBench } from "./anti-entropy.ts";
import type { Bench, BenchReport } from "./bench.ts";
import { atLeast, atMost } from "./bench.ts";
import { catchUpBench } from "./catch-up.ts";
import { crashBench } from "./crash.ts";
import { profiled } from "./cpu-profile.ts";
import { durabilityBench } from "./durability.ts";
import { classifyFrame } from "./frame-kinds.ts";
import type { RecordedFrame } from "./frame-recorder.ts";
import { roundTrips } from "./frame-recorder.ts";
import { historyBench } from "./history.ts";
import { ingestBench } from "./ingest.ts";
import { memoryBench } from "./memory.ts";
import { mixedBench } from "./mixed.ts";
import { overloadBench } from "./overload.ts";
import { percentile } from "./percentile.ts";
import { readBench } from "./read.ts";
import { readersBench } from "./readers.ts";
import { sessionsBench } from "./sessions.ts";
import { startupBench } from "./startup.ts";
import { storageBench } from "./storage.ts";
import { tableText } from "./table.ts";
import { visibilityBench } from "./visibility.ts";
import { writeBench } from "./write.ts";
import { zipf } from "./zipf.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-bench-test-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Nothing is installed: a test needs no network. */
const QUICK = {
  ...{ quick: true, large: false, profile: false, mayInstall: false },
  tell: () => undefined,
};

async function quick(bench: Bench, profile = false): Promise<BenchReport> {
  const own = mkdtempSync(join(directory, `${bench.name}-`));
  const report = await bench.run({ ...QUICK, profile, directory: own });
  for (const table of report.tables) expect(tableText(table)).toContain(table.title);
  return JSON.parse(JSON.stringify(report)) as BenchReport; // as a program reads it
}

test("anti-entropy repairs exactly what differs, at a cost that it tells apart", async () => {
  const { figures } = await quick(antiEntropyBench);
  const results = figures["results"] as {
    d: number;
    bytes: number;
    roundTrips: number;
    payloadBytes: number;
    changeBytes: number;
    equalAfter: boolean;
    entriesSent: number;
    linkBytes: number;
    bytesByKind: Record<string, number>;
  }[];
  expect(results.map(({ d }) => d)).toEqual([0, 1, 20]);
  for (const result of results) {
    expect(result.equalAfter).toBe(true);
    expect(result.entriesSent).toBe(result.d);
    expect(result.bytes).toBeGreaterThan(0);
    expect(result.roundTrips).toBeGreaterThanOrEqual(1);
    const said = Object.values(result.bytesByKind).reduce((sum, bytes) => sum + bytes, 0);
    expect(result.bytes + result.payloadBytes + result.linkBytes).toBe(said);
  }
  const [none, one, more] = results;
  expect(none?.payloadBytes).toBe(0);
  expect(one?.payloadBytes).toBeGreaterThan(50);
  expect(one?.bytes).toBeGreaterThan(none?.bytes ?? Infinity);
  expect(more?.changeBytes).toBeGreaterThan(10 * (one?.changeBytes ?? Infinity));
  expect(more?.payloadBytes).toBeGreaterThan(one?.payloadBytes ?? Infinity);
  const beside = figures["beside"] as {
    informationLimitBytes: number;
    automergeSyncBytes: number;
  }[];
  expect(beside.map(({ informationLimitBytes }) => informationLimitBytes)).toEqual([0, 2, 15]);
  expect(beside[0]?.automergeSyncBytes).toBeGreaterThan(500 * 50);
});

test("catch-up counts every entry once and gives every stage its time", async () => {
  const { figures, parameters } = await quick(catchUpBench, true);
  const results = figures["results"] as {
    entries: number;
    payloadBytesPerEntry: number;
    entryOverheadBytesPerEntry: number;
    metadataBytesPerEntry: number;
    wireToPayload: number;
    ingest: { entries: number; groups: number; entriesPerCpuSecond: number };
    live: { entriesPerCpuSecond: number };
    profile: { totalMs: number; stages: { stage: string; share: number }[]; hottest: unknown[] };
  }[];
  expect(results).toHaveLength(2);
  for (const result of results) {
    expect(result.entries).toBe(parameters["entries"]);
    expect(result.ingest.entries).toBe(result.entries);
    expect(result.ingest.groups).toBeGreaterThanOrEqual(1);
    const { payloadBytesPerEntry, entryOverheadBytesPerEntry, metadataBytesPerEntry } = result;
    const wire = payloadBytesPerEntry + entryOverheadBytesPerEntry + metadataBytesPerEntry;
    expect(result.wireToPayload).toBeCloseTo(wire / payloadBytesPerEntry, 2);
    expect(result.ingest.entriesPerCpuSecond).toBeGreaterThan(0);
    expect(result.live.entriesPerCpuSecond).toBeGreaterThan(0);
    const { stages, hottest } = result.profile;
    expect(stages.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 1);
    expect(Math.min(...stages.map(({ share }) => share))).toBeGreaterThanOrEqual(0);
    const seen = stages.filter(({ share }) => share > 0).map(({ stage }) => stage);
    expect(seen).toEqual(expect.arrayContaining(["judge", "commit", "store"]));
    expect(hottest).toHaveLength(10);
  }
});

test("visibility sees every write of every region, and none before its link allows", async () => {
  const { figures } = await quick(visibilityBench);
  const pairs = figures["pairs"] as {
    delayMs: number;
    writes: number;
    minMs: number;
    p50Ms: number;
    p99Ms: number;
    maxMs: number;
  }[];
  expect(pairs).toHaveLength(6);
  for (const { delayMs, writes, minMs, p50Ms, p99Ms, maxMs } of pairs) {
    expect(writes).toBe(20);
    expect(minMs).toBeGreaterThan(delayMs - 2); // timers may fire a moment early
    expect(minMs).toBeLessThanOrEqual(p50Ms);
    expect(p50Ms).toBeLessThanOrEqual(p99Ms);
    expect(p99Ms).toBeLessThanOrEqual(maxMs);
  }
});

test("read and write count every request that is answered, of both servers", async () => {
  for (const bench of [readBench, writeBench]) {
    const { figures, parameters } = await quick(bench);
    const of = (name: string) =>
      figures[name] as { requests: number; cpuMicros: number; ratio: number };
    for (const name of ["bare", "hot", "cold"]) {
      expect(of(name).requests).toBeGreaterThan(0);
      expect(of(name).cpuMicros).toBeGreaterThan(0);
    }
    expect(of("bare").ratio).toBe(1);
    expect(of("cold").requests).toBeLessThan(parameters["profiles"] as number); // some warm it up
  }
});

test("ingest brings profiles in both ways, and finds those that it asks for", async () => {
  const { figures, parameters } = await quick(ingestBench);
  const page = parameters["page"] as number;
  const { put, batch } = figures as Record<"put" | "batch", Record<string, number>>;
  expect([put["profilesPerRequest"], batch["profilesPerRequest"]]).toEqual([1, page]);
  expect((batch["profiles"] ?? 0) % page).toBe(0);
  for (const way of [put, batch]) {
    expect(way["profiles"]).toBeGreaterThan(0);
    expect(way["bareMicros"]).toBeGreaterThan(0);
    expect(way["cpuMicros"]).toBeGreaterThan(way["bareMicros"] ?? Infinity);
  }
});

test("durability measures as many writes with an fsync as without", async () => {
  const { figures, parameters, budgets } = await quick(durabilityBench);
  const { turns, groupsPerTurn, group } = parameters as Record<string, number>;
  for (const name of ["full", "normal"]) {
    const { patches, cpuMicros } = figures[name] as Record<string, number>;
    expect(patches).toBe((turns ?? 0) * (groupsPerTurn ?? 0) * (group ?? 0));
    expect(cpuMicros).toBeGreaterThan(0);
  }
  expect(budgets).toHaveLength(2);
});

test("readers answer what one process answered, each for itself", async () => {
  const { figures } = await quick(readersBench);
  for (const name of ["one", "two"]) {
    const { perSecond } = figures[name] as { perSecond: number };
    expect(perSecond).toBeGreaterThan(0);
  }
  expect(figures["scale"]).toBeGreaterThan(0);
});

test("crash kills, cuts and flips, and counts nothing lost", async () => {
  const own = mkdtempSync(join(directory, "crash-"));
  const { budgets, figures } = await crashBench.run({
    ...QUICK,
    directory: own,
    kills: 1,
    images: 10,
    seed: "test",
  });
  expect(budgets.filter(({ met }) => !met)).toEqual([]);
  const { killed, images } = figures as {
    killed: { kills: number; acknowledged: number };
    images: { legal: { images: number }; illegal: { detected: number } };
  };
  expect(killed.kills).toBe(1);
  expect(images.legal.images).toBe(8);
  expect(images.illegal.detected).toBe(1);
});

test("history grows a past and reads the present", async () => {
  const { figures } = await quick(historyBench);
  const results = figures["results"] as { edits: number; patchMicros: number; reloadMs: number }[];
  expect(results.map(({ edits }) => edits)).toEqual([10, 40]);
  for (const { patchMicros, reloadMs } of results) {
    expect(patchMicros).toBeGreaterThan(0);
    expect(reloadMs).toBeGreaterThan(0);
  }
});

test("storage weighs documents and log apart, and sees that tails are folded once nobody writes", async () => {
  const { figures, budgets } = await quick(storageBench);
  const results = figures["results"] as (Record<string, number> & { profiles: string })[];
  const of = (name: string) => results.filter(({ profiles }) => profiles === name);
  for (const name of ["usual", "small"]) {
    expect(of(name).map(({ edits }) => edits)).toEqual([0, 0, 3, 3, 50, 50]);
    const [made, busy, atRest] = [0, -2, -1].map((index) => of(name).at(index));
    expect(made?.["json"]).toBeLessThan(name === "usual" ? 800 : 100);
    expect(busy?.["log"]).toBeGreaterThan((made?.["log"] ?? 0) + 50 * 100); // an entry has more bytes
    expect(atRest?.["log"]).toBe(busy?.["log"]);
    expect(busy?.["body"]).toBeGreaterThan(50 * 50);
    expect(atRest?.["body"]).toBeLessThan((busy?.["body"] ?? 0) / 2);
  }
  expect(of("spread").map(({ edits }) => edits)).toEqual([0, 0, 3, 3, 50, 50]);
  expect(of("spread").at(-2)?.["body"]).toBeLessThan(of("usual").at(-2)?.["body"] ?? 0);
  expect(of("real").map(({ documentsToJson }) => documentsToJson)).toHaveLength(2);
  expect(budgets).toHaveLength(4);
});

test("startup and memory start regions that were stopped, and one that was killed", async () => {
  const { figures: seconds } = await quick(startupBench);
  expect(seconds["cleanSeconds"]).toBeGreaterThan(0);
  expect(seconds["killedSeconds"]).toBeGreaterThan(0);
  const { figures } = await quick(memoryBench);
  const results = figures["results"] as { profiles: number; readMegabytes: number }[];
  expect(results.map(({ profiles }) => profiles)).toEqual([200]);
  for (const { readMegabytes } of results) expect(readMegabytes).toBeGreaterThan(10);
});

test("mixed answers every mix, and its writes are seen elsewhere", async () => {
  const { figures } = await quick(mixedBench);
  for (const name of ["A", "B", "C", "D", "F"]) {
    expect((figures[name] as { requests: number }).requests).toBeGreaterThan(0);
    const { p50Ms } = (figures["visibility"] as Record<string, { p50Ms: number }>)[name] ?? {};
    expect(p50Ms).toBeGreaterThan(0);
  }
});

test("popular things are asked for most, the others too", () => {
  const draw = zipf(100, new SeededRandom("popular"));
  const asked = new Array<number>(100).fill(0);
  for (let i = 0; i < 20_000; i++) asked[draw()]!++;
  expect(Math.min(...asked)).toBeGreaterThan(0);
  expect((asked[0] ?? 0) / (asked[9] ?? 1)).toBeCloseTo(10 ** 0.99, -1);
});

test("a percentile is a value that was measured", () => {
  const samples = [5, 1, 4, 2, 3];
  expect([0, 0.2, 0.5, 0.99, 1].map((share) => percentile(samples, share))).toEqual([
    1, 1, 3, 5, 5,
  ]);
});

test("a run of frames of one side is half a round trip", () => {
  const from = (...speakers: string[]) => speakers.map((name) => ({ from: name }) as RecordedFrame);
  expect(roundTrips([])).toBe(0);
  expect(roundTrips(from("a", "b"))).toBe(1);
  expect(roundTrips(from("a", "a", "b", "b", "a"))).toBe(1.5);
});

test("a frame that nobody knows counts against us", () => {
  expect(classifyFrame(Uint8Array.of(1, 250))).toMatchObject({ class: "comparison", entries: [] });
});

test("a budget is met at its limit", () => {
  expect([atMost("", 5, 5).met, atMost("", 6, 5).met]).toEqual([true, false]);
  expect([atLeast("", 5, 5).met, atLeast("", 4, 5).met]).toEqual([true, false]);
});

test("a profile finds the function that was busy", () => {
  const { result, profile } = profiled(() => busyLoop(5_000_000));
  expect(result).toBeGreaterThan(0);
  expect(profile.bySelf[0]?.where).toContain("busyLoop packages/bench/benches.test.ts");
  const isBusy = (name: string): boolean => name === "busyLoop";
  expect(profile.within(isBusy)).toBeGreaterThan(profile.totalMs / 2);
  expect(profile.within(isBusy, isBusy)).toBe(0);
});

function busyLoop(rounds: number): number {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum = (sum * 31 + i) % 1_000_003;
  return sum;
}

test("sessions walks through cuts, is forwarded, and finds nothing with a token", async () => {
  const { figures } = await quick(sessionsBench);
  expect(figures["withToken"]).toMatchObject({ steps: 120, violations: 0 });
  const { forwarded, reads, writes } = figures["withToken"] as Record<string, number>;
  expect(forwarded).toBeGreaterThan(0);
  expect((reads ?? 0) + (writes ?? 0)).toBeGreaterThan(90);
}, 120_000);

test("overload measures healthy readers without a crowd and with it", async () => {
  const { figures, budgets } = await quick(overloadBench);
  const times = figures as Record<"alone" | "crowded", { reads: number; p99: number }>;
  for (const { reads, p99 } of [times.alone, times.crowded]) {
    expect(reads).toBeGreaterThan(0); // how many says how busy the machine is
    expect(p99).toBeGreaterThan(0);
  }
  expect(budgets).toHaveLength(2);
});
