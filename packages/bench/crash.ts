/**
 * Is what was promised there afterwards? Counts, not times: kills, images of power cuts, and failing disks.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "@atoll/core";
import { SeededRandom, systemRandom, toHex } from "@atoll/core";
import type { Bench, BenchReport } from "./bench.ts";
import { atLeast, atMost } from "./bench.ts";
import type { DiskOutcome } from "./crash-disk.ts";
import { failingFsync, fullDisk } from "./crash-disk.ts";
import { recordHistory } from "./crash-history.ts";
import type { ImageCounts, ImageKind } from "./crash-images.ts";
import { emptyCounts, tryImage } from "./crash-images.ts";
import type { KillCounts } from "./crash-kills.ts";
import { killing } from "./crash-kills.ts";

const FULL = { kills: 200, images: 5_000, writes: 800, quotaBytes: 3 * 1024 * 1024 };
const QUICK = { kills: 4, images: 60, writes: 80, quotaBytes: 640 * 1024 };
/** Of ten images: most are what a power cut may leave. */
const KINDS: readonly ImageKind[] = [
  ...new Array<ImageKind>(8).fill("legal"),
  "illegal",
  "flipped",
];
const TOLD_EVERY = 500;

export const crashBench: Bench = {
  name: "crash",
  summary: "kill -9, power cuts, flipped bits, a full and a failing disk: nothing promised is lost",

  async run({ quick, directory, tell, kills, images, seed }): Promise<BenchReport> {
    const size = quick ? QUICK : FULL;
    const parameters = {
      kills: kills ?? size.kills,
      images: images ?? size.images,
      writes: size.writes,
      seed: seed ?? toHex(systemRandom.bytes(4)),
    };
    const random = new SeededRandom(parameters.seed);
    const place = (name: string): string => {
      const path = join(directory, name);
      mkdirSync(path);
      return path;
    };
    tell("images");
    const byKind = await tryImages(place("images"), parameters, random.fork("images"), tell);
    tell("disks");
    const disks = [
      ...(await fullDisk(place("full"), size.quotaBytes)),
      ...(await failingFsync(place("fsync"))),
    ];
    tell("kills");
    const killed = await killing(place("kills"), parameters.kills, random.fork("kills"), tell);
    return reportOf(parameters, killed, byKind, disks);
  },
};

async function tryImages(
  directory: string,
  { images, writes }: { readonly images: number; readonly writes: number },
  random: Random,
  tell: (line: string) => void,
): Promise<Record<ImageKind, ImageCounts>> {
  const history = await recordHistory(join(directory, "atoll.db"), writes);
  const counts = { legal: emptyCounts(), illegal: emptyCounts(), flipped: emptyCounts() };
  for (let n = 0; n < images; n++) {
    const kind = KINDS[n % KINDS.length] ?? "legal";
    await tryImage(kind, history, random, join(directory, "image"), counts[kind]);
    if ((n + 1) % TOLD_EVERY === 0) tell(`${n + 1} images, ${counts.legal.lost} lost`);
  }
  return counts;
}

function reportOf(
  parameters: BenchReport["parameters"],
  killed: KillCounts,
  images: Record<ImageKind, ImageCounts>,
  disks: readonly DiskOutcome[],
): BenchReport {
  const { legal, illegal, flipped } = images;
  const faults = [...killed.faults, ...legal.faults, ...illegal.faults, ...flipped.faults];
  return {
    parameters,
    figures: JSON.parse(JSON.stringify({ killed, images, disks })) as BenchReport["figures"],
    budgets: [
      atMost("acknowledged and lost, of kills", killed.lost, 0),
      atMost("shown and never sent, of kills", killed.invented, 0),
      atMost("acknowledged and lost, of legal images", legal.lost, 0),
      atMost("illegal images served as if nothing were wrong", illegal.silent, 0),
      atMost("flipped bits served as if nothing were wrong", flipped.silent, 0),
      atMost("files that are not sound, and other faults", faults.length, 0),
      atLeast(
        "right answers of a failing disk",
        disks.filter((disk) => disk.isRight).length,
        disks.length,
      ),
    ],
    tables: [
      {
        title: `kill -9 under load: ${killed.kills} kills, ${killed.acknowledged} writes acknowledged`,
        columns: ["killed", "times"],
        rows: [...Object.entries(killed.byPoint), ["of them while starting", killed.whileStarting]],
      },
      {
        title: "images of the two files, opened",
        columns: ["image", "number", "lost", "detected", "harmless", "silent"],
        rows: Object.entries(images).map(([kind, counts]) => [
          ...[kind, counts.images, counts.lost],
          ...[counts.detected, counts.harmless, counts.silent],
        ]),
      },
      {
        title: "a disk that does not do its part",
        columns: ["what", "", "detail"],
        rows: disks.map(({ what, isRight, detail }) => [what, isRight ? "right" : "WRONG", detail]),
      },
      ...(faults.length === 0
        ? []
        : [
            {
              title: "Faults",
              columns: ["fault"],
              rows: faults.slice(0, 20).map((fault) => [fault]),
            },
          ]),
    ],
  };
}
