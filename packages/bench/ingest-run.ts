/**
 * Taking in what a peer has sent: the path from a received frame to the disk, and nothing around it.
 *
 *     decode ─▶ judge ─▶ commit ─▶ store ─▶ (every group) COMMIT and fsync
 *
 * Groups are as large as a region under load makes them: a batch that fills the group ends it. Views stay
 * as they are; they are rendered when somebody reads.
 */
import type { Cluster, Region } from "@atoll/core";
import {
  ManualClock,
  SeededRandom,
  assert,
  limits,
  silentLog,
  systemClock,
  toHex,
} from "@atoll/core";
import { Replica } from "@atoll/replica";
import { openSqliteStore } from "@atoll/store";
import { decodeFrame } from "@atoll/sync";
import { CpuMeter } from "./cpu-meter.ts";
import type { CpuProfile } from "./cpu-profile.ts";
import { profiled } from "./cpu-profile.ts";
import { benchCodec } from "./region-pair.ts";

export interface IngestResult {
  readonly entries: number;
  readonly groups: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly root: string;
  readonly profile: CpuProfile | undefined;
}

export interface IngestOptions {
  readonly frames: readonly Uint8Array[];
  readonly from: Region;
  readonly to: Region;
  readonly cluster: Cluster;
  /** A file that does not exist yet. */
  readonly path: string;
  readonly profile: boolean;
}

export function ingestFrames(options: IngestOptions): IngestResult {
  const { frames, from, to, cluster, path } = options;
  const store = openSqliteStore({ path });
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  const random = new SeededRandom("ingest");
  const replica = new Replica({
    ...{ cluster, region: to, store, clock, random },
    ...{ log: silentLog, codec: benchCodec },
  });
  const meter = new CpuMeter(systemClock);
  let groups = 0;
  const flush = (): void => {
    if (replica.group.isOpen) groups++;
    replica.flush();
  };
  const work = (): void => {
    for (const frame of frames) {
      const decoded = decodeFrame(frame);
      assert(decoded.kind === "message" && decoded.message.kind === "batch", "a recorded batch");
      replica.ingest(decoded.message.entries, { region: from.name, repair: false });
      if (replica.group.size >= limits.GROUP_ENTRIES_MAX) flush();
    }
    flush();
  };
  const profile = meter.measure(() =>
    options.profile ? profiled(work).profile : (work(), undefined),
  );
  const { applied: entries } = replica.ingested;
  const root = toHex(replica.ledger.root);
  replica.close();
  store.close();
  const { cpuSeconds, wallSeconds } = meter;
  return { entries, groups, cpuSeconds, wallSeconds, root, profile };
}

/** Milliseconds in each stage of the path; what fits none is told as such. */
export function stagesOf({ totalMs, within }: CpuProfile): Record<string, number> {
  const isStore = (_name: string, file: string): boolean =>
    file.startsWith("packages/store/") || file.startsWith("node_modules/better-sqlite3/");
  const isDiskCommit = (name: string, file: string): boolean =>
    name === "commit" && file === "packages/store/sqlite-store.ts";
  const stages = {
    decode: within((name, file) => name === "decodeFrame" && file === "packages/sync/codec.ts"),
    judge: within(
      (name, file) => name === "judge" && file === "packages/replica/intake.ts",
      isStore,
    ),
    commit: within(
      (name, file) => name === "apply" && file === "packages/replica/commit.ts",
      isStore,
    ),
    store: within(isStore, isDiskCommit),
    "commit to disk": within(isDiskCommit),
    "garbage collection": within((name) => name === "(garbage collector)"),
  };
  const known = Object.values(stages).reduce((sum, ms) => sum + ms, 0);
  return { ...stages, other: totalMs - known };
}
