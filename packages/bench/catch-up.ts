/**
 * What it costs a region that was away to catch up with what it has missed.
 *
 *     wire     two regions on a clock that moves only when told: bytes, which repeat exactly
 *     ingest   the frames of that run, taken in again by a fresh database: processor time of this alone
 *     live     the same outage on the real clock, everything a region does included: what is left of it
 *
 * Once with the real history of real profiles, once with small edits of small profiles, because the price of
 * an entry has a part that does not depend on its size.
 */
import { join } from "node:path";
import { deflateRawSync, zstdCompressSync } from "node:zlib";
import type { Cluster, Region } from "@atoll/core";
import { ManualClock, SeededRandom, assert, delay, limits, must, systemClock } from "@atoll/core";
import { MemoryStore, openSqliteStore } from "@atoll/store";
import type { JsonObject } from "@atoll/profile";
import type { Bench, BenchOptions, BenchReport } from "./bench.ts";
import { atLeast, atMost } from "./bench.ts";
import { CpuMeter } from "./cpu-meter.ts";
import type { RecordedEdit } from "./edit-history.ts";
import { realEdits } from "./edit-history.ts";
import { FrameRecorder } from "./frame-recorder.ts";
import type { IngestResult } from "./ingest-run.ts";
import { ingestFrames, stagesOf } from "./ingest-run.ts";
import { meteredClock, meteredTransport } from "./metered-world.ts";
import { writeAlone } from "./missed-writes.ts";
import type { RegionPairOptions } from "./region-pair.ts";
import { PAIR, RegionPair, benchCluster, manualTime } from "./region-pair.ts";
import { smallEdits } from "./small-edits.ts";
import type { Table } from "./table.ts";
import { rounded } from "./table.ts";

const ENTRIES = 50_000;
const ENTRIES_QUICK = 150;
const SMALL_PROFILES = 10_000;
const SMALL_PROFILES_QUICK = 30;

const ENTRIES_PER_CPU_SECOND_MIN = 15_000;
const METADATA_BYTES_PER_ENTRY_MAX = 1;
const CATCH_UP_MS_MAX = 300_000;
const HOT_FUNCTIONS = 10;

interface Outage {
  readonly name: string;
  readonly edits: () => Iterator<RecordedEdit>;
  readonly entries: number;
}

interface World {
  readonly cluster: Cluster;
  readonly ahead: Region;
  readonly behind: Region;
  readonly options: BenchOptions;
}

interface Outcome {
  readonly name: string;
  readonly figures: ReturnType<typeof wireFigures> & {
    readonly ingest: ReturnType<typeof ingestFigures>;
    readonly live: LiveFigures;
    readonly profile: ReturnType<typeof profileFigures> | null;
  };
}

export const catchUpBench: Bench = {
  name: "catch-up",
  summary: "bytes and processor time to catch up with 50 000 missed entries",

  async run(options): Promise<BenchReport> {
    const cluster = benchCluster(PAIR);
    const ahead = must(cluster.regions[0], "a region");
    const behind = must(cluster.regions[1], "another");
    const world: World = { cluster, ahead, behind, options };
    const entries = options.quick ? ENTRIES_QUICK : ENTRIES;
    const profiles = options.quick ? SMALL_PROFILES_QUICK : SMALL_PROFILES;
    const outages: Outage[] = [
      { name: "real edits", edits: realEdits, entries },
      {
        name: "small edits",
        edits: () => smallEdits(profiles, new SeededRandom("small edits")),
        entries,
      },
    ];
    const outcomes: Outcome[] = [];
    for (const outage of outages) outcomes.push(await measure(outage, world));
    return {
      parameters: { entries, smallProfiles: profiles, groupEntriesMax: limits.GROUP_ENTRIES_MAX },
      figures: { results: outcomes.map(({ name, figures }) => ({ name, ...figures })) },
      budgets: outcomes.flatMap(({ name, figures }) => [
        atLeast(
          `${name}: entries per CPU second`,
          figures.ingest.entriesPerCpuSecond,
          ENTRIES_PER_CPU_SECOND_MIN,
        ),
        atMost(
          `${name}: metadata B per entry`,
          figures.metadataBytesPerEntry,
          METADATA_BYTES_PER_ENTRY_MAX,
        ),
      ]),
      tables: tablesOf(outcomes),
    };
  },
};

async function measure({ name, edits, entries }: Outage, world: World): Promise<Outcome> {
  const { cluster, ahead, behind, options } = world;
  const clock = new ManualClock();
  const store = new MemoryStore();
  options.tell(`${name}: writing ${entries} entries while the peer is away`);
  writeAlone(edits(), { entries, store, cluster, region: ahead, clock });

  options.tell(`${name}: catching up`);
  const wire = await catchUp(world, {
    store,
    clock,
    passTime: manualTime(clock),
    file: `${name} wire`,
  });
  const frames = wire.recorder.of("entries").map(({ frame }) => must(frame, "a kept batch"));
  const ingest = (profile: boolean): IngestResult => {
    const path = join(options.directory, `${name} ingest ${profile ? "profiled" : "plain"}.sqlite`);
    const result = ingestFrames({ frames, cluster, from: ahead, to: behind, path, profile });
    assert(result.root === wire.root, "what was taken in again is the same");
    return result;
  };
  options.tell(`${name}: taking in ${frames.length} batches again, alone`);
  const alone = ingest(false);
  const hot = options.profile ? ingest(true) : undefined;
  options.tell(`${name}: catching up in real time`);
  const live = await catchUpLive(world, store, `${name} live`);
  return {
    name,
    figures: {
      ...wireFigures(wire.recorder, frames),
      ingest: ingestFigures(alone),
      live: live,
      profile: hot === undefined ? null : profileFigures(hot),
    },
  };
}

/** Ends when the second region holds all; what is said later is no part of it. */
async function catchUp(
  { cluster, options }: World,
  run: Pick<RegionPairOptions, "clock" | "passTime" | "around"> & {
    readonly store: MemoryStore;
    readonly file: string;
  },
): Promise<{ readonly recorder: FrameRecorder; readonly root: string }> {
  const recorder = new FrameRecorder({ keepsBatches: true });
  const [ahead, behind] = PAIR;
  const stores = {
    [ahead]: run.store,
    [behind]: openSqliteStore({ path: join(options.directory, `${run.file}.sqlite`) }),
  } as const;
  const pair = new RegionPair({ ...run, cluster, stores, recorder });
  pair.start();
  const tookMs = await pair.until(() => pair.hasCaughtUp, CATCH_UP_MS_MAX);
  assert(tookMs !== undefined && pair.hasEqualRoots, "the region has caught up");
  const { root } = pair.drivers[behind].status();
  const heard = recorder.frames.splice(0);
  await pair.close();
  recorder.frames.splice(0, Infinity, ...heard);
  stores[behind].close();
  return { recorder, root };
}

interface LiveFigures extends JsonObject {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly entriesPerCpuSecond: number;
  readonly peerCpuSeconds: number;
}

async function catchUpLive(world: World, store: MemoryStore, file: string): Promise<LiveFigures> {
  const meters = {
    [PAIR[0]]: new CpuMeter(systemClock),
    [PAIR[1]]: new CpuMeter(systemClock),
  } as const;
  const startMs = systemClock.monotonicMs();
  const { recorder } = await catchUp(world, {
    ...{ store, file, clock: systemClock, passTime: delay },
    around: (name, { clock, transport }) => ({
      clock: meteredClock(clock, meters[name]),
      transport: meteredTransport(transport, meters[name]),
    }),
  });
  const seconds = (systemClock.monotonicMs() - startMs) / 1e3;
  const entries = recorder.frames.reduce((sum, { entryCount }) => sum + entryCount, 0);
  const { cpuSeconds } = meters[PAIR[1]];
  return {
    seconds: rounded(seconds, 2),
    cpuSeconds: rounded(cpuSeconds, 2),
    entriesPerCpuSecond: Math.round(entries / cpuSeconds),
    peerCpuSeconds: rounded(meters[PAIR[0]].cpuSeconds, 2),
  };
}

function wireFigures(recorder: FrameRecorder, frames: readonly Uint8Array[]) {
  const batches = recorder.of("entries");
  const entries = batches.reduce((sum, { entryCount }) => sum + entryCount, 0);
  const payload = batches.reduce((sum, frame) => sum + frame.changeBytes, 0);
  const batchBytes = recorder.bytesOf("entries");
  const metadata = recorder.bytesOf("link", "log");
  const wire = metadata + batchBytes;
  const compressed = (compress: (frame: Uint8Array) => Uint8Array): number =>
    rounded((metadata + frames.reduce((sum, frame) => sum + compress(frame).length, 0)) / payload);
  return {
    entries,
    batches: batches.length,
    payloadBytesPerEntry: rounded(payload / entries, 1),
    metadataBytesPerEntry: rounded(metadata / entries),
    entryOverheadBytesPerEntry: rounded((batchBytes - payload) / entries, 1),
    wireToPayload: rounded(wire / payload),
    wireToPayloadIfDeflated: compressed((frame) => deflateRawSync(frame, { level: 1 })),
    wireToPayloadIfZstd: compressed((frame) => zstdCompressSync(frame)),
    bytesByKind: recorder.bytesByKind(),
  };
}

function ingestFigures({ entries, groups, cpuSeconds, wallSeconds }: IngestResult) {
  return {
    entries,
    groups,
    cpuSeconds: rounded(cpuSeconds),
    wallSeconds: rounded(wallSeconds),
    entriesPerCpuSecond: Math.round(entries / cpuSeconds),
    entriesPerSecond: Math.round(entries / wallSeconds),
  };
}

function profileFigures({ entries, profile }: IngestResult) {
  assert(profile !== undefined, "this run was profiled");
  const stages = Object.entries(stagesOf(profile)).map(([stage, ms]) => ({
    stage,
    microsPerEntry: rounded((ms * 1e3) / entries, 1),
    share: rounded(ms / profile.totalMs),
  }));
  const hottest = profile.bySelf.slice(0, HOT_FUNCTIONS).map(({ where, selfMs, share }) => ({
    where,
    microsPerEntry: rounded((selfMs * 1e3) / entries, 1),
    share: rounded(share),
  }));
  return { totalMs: Math.round(profile.totalMs), stages, hottest };
}

function tablesOf(outcomes: readonly Outcome[]): Table[] {
  const wire: Table = {
    title: "On the wire",
    columns: [
      "outage",
      "entries",
      "payload B/entry",
      "overhead B/entry",
      "metadata B/entry",
      "wire ÷ payload",
      "if deflated",
      "if zstd",
    ],
    rows: outcomes.map(({ name, figures }) => [
      ...[name, figures.entries, figures.payloadBytesPerEntry, figures.entryOverheadBytesPerEntry],
      ...[figures.metadataBytesPerEntry, figures.wireToPayload],
      ...[figures.wireToPayloadIfDeflated, figures.wireToPayloadIfZstd],
    ]),
  };
  const ingest: Table = {
    title: "Taken in, SQLite with synchronous=FULL",
    columns: [
      "outage",
      "entries/CPU s",
      "entries/s",
      "groups",
      "CPU s",
      "s",
      "live: entries/CPU s",
      "live: s",
    ],
    rows: outcomes.map(({ name, figures: { ingest: alone, live } }) => [
      ...[name, alone.entriesPerCpuSecond, alone.entriesPerSecond, alone.groups],
      ...[alone.cpuSeconds, alone.wallSeconds, live.entriesPerCpuSecond, live.seconds],
    ]),
  };
  const profiles = outcomes.flatMap(({ name, figures: { profile } }): Table[] =>
    profile === null
      ? []
      : [
          {
            title: `${name}: stages of the ingest`,
            columns: ["stage", "µs/entry", "share"],
            rows: profile.stages.map((row) => [row.stage, row.microsPerEntry, row.share]),
          },
          {
            title: `${name}: functions by their own time`,
            columns: ["function", "µs/entry", "share"],
            rows: profile.hottest.map((row) => [row.where, row.microsPerEntry, row.share]),
          },
        ],
  );
  return [wire, ingest, ...profiles];
}
