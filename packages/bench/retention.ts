/**
 * What a profile costs on the disk once its log is trimmed, and how fast the log is.
 *
 * Profiles are made, then each is changed a hundred times in rounds, and after every round the log is
 * walked as a region with attentive peers would walk it. Counted are the pages that hold something, as they
 * are filled in a long run; the file is larger by what trimming left free, which is the most that the log
 * held between two walks. Beside it the same whose log was never trimmed.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Cluster, ProfileId, RegionCode, RegionName } from "@atoll/core";
import {
  ManualClock,
  SeededRandom,
  deriveClusterKeys,
  must,
  mustHlc,
  silentLog,
  systemClock,
} from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import { ProfileCodec, socialProfileSchema } from "@atoll/profile";
import { Replica, Retention } from "@atoll/replica";
import { openSqliteStore } from "@atoll/store";
import type { Bench, BenchOptions, BenchReport } from "./bench.ts";
import { atLeast, atMost } from "./bench.ts";
import { CpuMeter } from "./cpu-meter.ts";

const EDITS = 100;
const ROUNDS = 5;
const HOUR = 3_600_000;
const cluster: Cluster = {
  id: "bench",
  shardCount: 16,
  regions: [1, 2].map((code) => ({
    name: `region-${code}` as RegionName,
    code: code as RegionCode,
  })),
  keys: deriveClusterKeys("a secret for benches", "bench"),
};

export const retentionBench: Bench = {
  name: "retention",
  summary: "bytes on the disk of a profile with 100 edits, and rows trimmed a second",
  run: (options) => Promise.resolve(run(options)),
};

interface Result {
  readonly kind: string;
  readonly jsonBytes: number;
  readonly bytes: number;
  readonly ratio: number;
  readonly fileRatio: number;
  readonly untrimmedRatio: number;
  readonly rows: number;
  readonly rowsPerCpuSecond: number;
}

function run({ quick, directory, tell }: BenchOptions): BenchReport {
  const profiles = quick ? 10 : 500;
  const results: Result[] = Object.entries(KINDS).map(([kind, make]) => {
    tell(`${profiles} profiles, ${kind}`);
    const kept = live(join(directory, `${kind}-kept.db`), profiles, make, false);
    const trimmed = live(join(directory, `${kind}-trimmed.db`), profiles, make, true);
    return {
      kind,
      jsonBytes: Math.round(trimmed.jsonBytes / profiles),
      bytes: Math.round(trimmed.usedBytes / profiles),
      ratio: ratioOf(trimmed),
      fileRatio: Math.round((trimmed.fileBytes / trimmed.jsonBytes) * 100) / 100,
      untrimmedRatio: ratioOf(kept),
      rows: trimmed.rows,
      rowsPerCpuSecond: Math.round(trimmed.trimmedRows / trimmed.cpuSeconds),
    };
  });
  const usual = must(results[0], "usual profiles");
  return {
    parameters: { profiles, edits: EDITS },
    figures: { results: results.map((result) => ({ ...result })) },
    budgets: [
      atMost("bytes on the disk ÷ JSON", usual.ratio, 4),
      atLeast("rows trimmed per CPU second", usual.rowsPerCpuSecond, 1_000),
    ],
    tables: [
      {
        title: `A profile with ${EDITS} small edits`,
        columns: [
          "profiles",
          "JSON",
          "bytes",
          "÷ JSON",
          "file",
          "untrimmed",
          "rows left",
          "trimmed/s CPU",
        ],
        rows: results.map((r) => [
          r.kind,
          r.jsonBytes,
          r.bytes,
          r.ratio,
          r.fileRatio,
          r.untrimmedRatio,
          r.rows,
          r.rowsPerCpuSecond,
        ]),
      },
    ],
  };
}

function ratioOf(life: { readonly usedBytes: number; readonly jsonBytes: number }): number {
  return Math.round((life.usedBytes / life.jsonBytes) * 100) / 100;
}

function live(path: string, profiles: number, make: (i: number) => JsonObject, isTrimmed: boolean) {
  const clock = new ManualClock();
  const store = openSqliteStore({ path });
  const region = must(cluster.regions[0], "region");
  const random = new SeededRandom("retention");
  const codec = new ProfileCodec(socialProfileSchema);
  const replica = new Replica({ cluster, region, store, clock, random, log: silentLog, codec });
  const vector = new Map(cluster.regions.map(({ code }) => [code, mustHlc(2 ** 51)]));
  const attentive = { heardMs: Infinity, vector, contig: () => Infinity };
  const policy = new Retention({
    replica,
    clock,
    log: silentLog,
    options: { ageMs: HOUR, bytes: 1e12, deadPeerAfterMs: 1e12 },
    known: () => attentive,
    stage: (work) => work(),
  });
  const meter = new CpuMeter(systemClock);
  const before = { precondition: {}, dep: new Map(), upsert: true };
  const idOf = (i: number): ProfileId => `profile-${i}` as ProfileId;
  for (let i = 0; i < profiles; i++) {
    replica.write(idOf(i), { kind: "put", value: make(i) }, before);
    if (i % 100 === 0) replica.flush();
  }
  for (let n = 0, round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < (profiles * EDITS) / ROUNDS; i++, n++) {
      const patch = { headline: `Says ${n}`, location: { city: `Town ${n % 100}` } };
      const one = n % 2 === 0 ? { headline: patch.headline } : { location: patch.location };
      replica.write(idOf(random.below(profiles)), { kind: "merge-patch", patch: one }, before);
      if (i % 100 === 0) replica.flush();
    }
    replica.flush();
    replica.upkeep();
    replica.flush();
    clock.advance(2 * HOUR);
    if (!isTrimmed) continue;
    meter.measure(() => {
      policy.walk();
      replica.flush();
    });
  }
  let jsonBytes = 0;
  for (let i = 0; i < profiles; i++) {
    jsonBytes += Buffer.byteLength(must(replica.read(idOf(i)).snapshot, "profile").json);
  }
  const { rows, trimmedRows } = policy.report();
  replica.close();
  const usedBytes = store.usedBytes();
  store.close();
  const fileBytes = statSync(path).size;
  return { fileBytes, usedBytes, jsonBytes, rows, trimmedRows, cpuSeconds: meter.cpuSeconds };
}

const SENTENCES = [
  "Builds things that outlive their makers, and writes about how it went.",
  "Came for the weather, stayed for the libraries and the people in them.",
  "Collects maps of places that were planned and never built.",
  "Believes that a good question is worth a week of answers.",
  "Runs before breakfast, reads after dinner, and listens in between.",
];

/** About as large as people's profiles are, and as small as they come. */
const KINDS: Readonly<Record<string, (i: number) => JsonObject>> = {
  usual: (i) => ({
    displayName: `Person ${i}`,
    headline: "Has just come",
    bio: SENTENCES.map((_, n) => SENTENCES[(i + n) % SENTENCES.length]).join(" "),
    location: { city: "Oslo", country: "Norway" },
    website: `https://example.com/${i}`,
    interests: ["chess", "tea", `topic ${i}`],
    about: SENTENCES.map((text, n) => `${text} (${i + n})`).join(" "),
  }),
  small: (i) => ({ displayName: `Person ${i}`, headline: "Has just come", gender: "unsaid" }),
};
