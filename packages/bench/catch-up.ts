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
import type { Cluster, Region } from "@atoll/core";
import { ManualClock, SeededRandom, assert, delay, limits, must, systemClock } from "@atoll/core";
import { MemoryStore, openSqliteStore } from "@atoll/store";
import type { Bench, BenchOptions, BenchReport } from "./bench.ts";
import { atLeast, atMost } from "./bench.ts";
import type { LiveFigures, Outcome } from "./catch-up-figures.ts";
import { ingestFigures, profileFigures, wireFigures } from "./catch-up-figures.ts";
import { catchUpTables } from "./catch-up-tables.ts";
import { CpuMeter } from "./cpu-meter.ts";
import type { RecordedEdit } from "./edit-history.ts";
import { realEdits } from "./edit-history.ts";
import { FrameRecorder } from "./frame-recorder.ts";
import type { IngestResult } from "./ingest-run.ts";
import { ingestFrames } from "./ingest-run.ts";
import { meteredClock, meteredTransport } from "./metered-world.ts";
import { writeAlone } from "./missed-writes.ts";
import type { RegionPairOptions } from "./region-pair.ts";
import { PAIR, RegionPair, benchCluster, manualTime } from "./region-pair.ts";
import { smallEdits } from "./small-edits.ts";
import { rounded } from "./table.ts";

const ENTRIES = 50_000;
const ENTRIES_QUICK = 600; // enough for a sample of every stage
const SMALL_PROFILES = 10_000;
/** Of each profile, on average: with its making, what 50 000 entries of 10 000 profiles are. */
const SMALL_PATCHES = 4;
const SMALL_PROFILES_QUICK = 30;

const ENTRIES_PER_CPU_SECOND_MIN = 15_000;
const METADATA_BYTES_PER_ENTRY_MAX = 4;
const CATCH_UP_MS_MAX = 300_000;

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
        edits: () => smallEdits(profiles, SMALL_PATCHES, new SeededRandom("small edits")),
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
      tables: catchUpTables(outcomes),
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
  const figures = {
    ...wireFigures(wire.recorder, frames),
    ...{ ingest: ingestFigures(alone), live },
    profile: hot === undefined ? null : profileFigures(hot),
  };
  options.tell(`${name}: ${figures.ingest.entriesPerCpuSecond} entries per CPU second`);
  return { name, figures };
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
  const path = join(options.directory, `${run.file}.sqlite`);
  const isDurableAtCommit = run.clock !== systemClock; // time is ours alone
  const stores = {
    [ahead]: run.store,
    [behind]: openSqliteStore({ path, isDurableAtCommit }),
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
