/**
 * What it costs two replicas to find out that they differ in d changes of many, and where.
 *
 *     d         single changes that one side lacks although its frontier says it has them
 *     bytes     everything that is said about it, but for the batches that bring the changes
 *     window    from the first word of a comparison until both sides have found that all is the same,
 *               the comparison after the repair included
 *
 * Heartbeats and the handshake flow in any case; they are told apart and not counted. The cost depends on no
 * clock and no processor, so the figures repeat exactly.
 */
import { constants, copyFileSync } from "node:fs";
import { join } from "node:path";
import { ManualClock, assert, systemClock } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import { openSqliteStore } from "@atoll/store";
import type { AutomergeYardstick } from "./automerge-yardstick.ts";
import { automergeYardstick } from "./automerge-yardstick.ts";
import type { Bench, BenchOptions, BenchReport, Budget } from "./bench.ts";
import { atMost } from "./bench.ts";
import { roundTrips } from "./frame-recorder.ts";
import { PAIR, RegionPair, benchCluster, benchCodec, manualTime } from "./region-pair.ts";
import { SyntheticHistory } from "./synthetic-history.ts";
import { rounded } from "./table.ts";

interface Size {
  readonly documents: number;
  readonly changesPerDocument: number;
  readonly differences: readonly number[];
}

const NORMAL: Size = {
  documents: 100_000,
  changesPerDocument: 10,
  differences: [0, 1, 100, 10_000],
};
const LARGE: Size = { ...NORMAL, documents: 1_000_000 };
const QUICK: Size = { documents: 500, changesPerDocument: 3, differences: [0, 1, 20] };

/** Metadata bytes by number of differences, made for a million documents. */
const BYTES_MAX = new Map([
  [0, 200],
  [1, 500],
  [100, 9_000],
  [10_000, 800_000],
]);

/** Simulated. Ten full periods of comparison: a pair that is not equal then does not become so. */
const CONVERGE_MS_MAX = 300_000;

interface Comparison {
  readonly d: number;
  readonly bytes: number;
  readonly roundTrips: number;
  /** Batches as they were sent: the changes with their places, compressed. */
  readonly payloadBytes: number;
  /** The changes alone, before compression. */
  readonly changeBytes: number;
  readonly equalAfter: boolean;
  readonly entriesSent: number;
  readonly linkBytes: number;
  readonly bytesByKind: Readonly<Record<string, number>>;
  readonly simulatedMs: number | undefined;
  readonly wallSeconds: number;
}

export const antiEntropyBench: Bench = {
  name: "anti-entropy",
  summary: "bytes and round trips to find and repair d differences among many documents",

  async run(options): Promise<BenchReport> {
    const size = options.quick ? QUICK : options.large ? LARGE : NORMAL;
    const { documents, changesPerDocument, differences } = size;
    const files = makeFiles(size, options);
    const comparisons: Comparison[] = [];
    for (const d of differences) {
      options.tell(`comparing, ${d} of ${documents * changesPerDocument} changes differ`);
      const comparison = await compare(d, files);
      const { bytes, roundTrips, payloadBytes, equalAfter, wallSeconds } = comparison;
      options.tell(JSON.stringify({ d, bytes, roundTrips, payloadBytes, equalAfter, wallSeconds }));
      comparisons.push(comparison);
    }
    const yardstick = automergeYardstick(changesPerDocument);
    const beside = differences.map((d) => besideOf(d, size, yardstick));
    return {
      parameters: {
        ...{ documents, changesPerDocument, shards: files.cluster.shardCount },
        fillSeconds: rounded(files.fillSeconds, 1),
      },
      figures: {
        results: comparisons.map((comparison) => ({
          ...comparison,
          simulatedMs: comparison.simulatedMs ?? null,
        })),
        beside: beside.map((row) => ({ ...row })),
        automergePair: { equal: { ...yardstick.equal }, oneBehind: { ...yardstick.oneBehind } },
      },
      budgets: comparisons.flatMap(budgetsOf),
      tables: [
        {
          title: `Two replicas, ${documents} documents of ${changesPerDocument} changes`,
          columns: [
            "d",
            "metadata B",
            "round trips",
            "payload B",
            "changes B",
            "entries",
            "link B",
            "equal after",
          ],
          rows: comparisons.map((row) => [
            ...[row.d, row.bytes, row.roundTrips, row.payloadBytes, row.changeBytes],
            ...[row.entriesSent, row.linkBytes],
            row.equalAfter ? "yes" : "NO",
          ]),
        },
        {
          title: "Beside it, metadata bytes",
          columns: [
            "d",
            "this",
            "information limit",
            "list of (id, heads)",
            "Automerge sync of each document",
          ],
          rows: beside.map((row, i) => [
            ...[row.d, comparisons[i]?.bytes ?? 0, row.informationLimitBytes],
            ...[row.headsListBytes, row.automergeSyncBytes],
          ]),
        },
      ],
    };
  },
};

interface Files {
  readonly directory: string;
  readonly common: string;
  readonly history: SyntheticHistory;
  readonly cluster: ReturnType<typeof benchCluster>;
  readonly fillSeconds: number;
}

function makeFiles({ differences, ...shape }: Size, { directory, tell }: BenchOptions): Files {
  const cluster = benchCluster(PAIR);
  const common = join(directory, "common.sqlite");
  const lossyDocuments = Math.max(...differences);
  const history = new SyntheticHistory({ ...shape, lossyDocuments }, cluster, benchCodec);
  tell(`writing ${shape.documents} documents of ${shape.changesPerDocument} changes`);
  const startMs = systemClock.monotonicMs();
  const store = openSqliteStore({ path: common });
  history.writeCommon(store);
  store.close();
  const fillSeconds = (systemClock.monotonicMs() - startMs) / 1e3;
  tell(`written in ${fillSeconds.toFixed(1)} s`);
  return { directory, common, history, cluster, fillSeconds };
}

async function compare(d: number, files: Files): Promise<Comparison> {
  const open = (name: string, lost: number) => {
    const path = join(files.directory, `${name}.sqlite`);
    copyFileSync(files.common, path, constants.COPYFILE_FICLONE);
    const store = openSqliteStore({ path, isDurableAtCommit: true }); // time is ours alone
    files.history.complete(store, lost);
    return store;
  };
  const [whole, lossy] = PAIR;
  const stores = { [whole]: open("whole", 0), [lossy]: open("lossy", d) } as const;
  const startMs = systemClock.monotonicMs();
  const clock = new ManualClock();
  const { cluster } = files;
  const pair = new RegionPair({ cluster, stores, clock, passTime: manualTime(clock) });
  pair.start();
  const simulatedMs = await pair.until(() => pair.isProvenEqual, CONVERGE_MS_MAX);
  const wallSeconds = rounded((systemClock.monotonicMs() - startMs) / 1e3, 1);
  const equalAfter = simulatedMs !== undefined && pair.hasEqualRoots;
  const { recorder } = pair;
  const conversation = recorder.of("comparison", "log", "entries");
  const entries = recorder.of("entries");
  const result: Comparison = {
    d,
    bytes: recorder.of("comparison", "log").reduce((sum, { bytes }) => sum + bytes, 0),
    roundTrips: roundTrips(conversation),
    payloadBytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
    changeBytes: entries.reduce((sum, frame) => sum + frame.changeBytes, 0),
    equalAfter,
    entriesSent: conversation.reduce((sum, { entryCount }) => sum + entryCount, 0),
    linkBytes: recorder.bytesOf("link"),
    bytesByKind: recorder.bytesByKind(),
    simulatedMs,
    wallSeconds,
  };
  await pair.close();
  for (const name of PAIR) stores[name].close();
  return result;
}

function besideOf(d: number, { documents }: Size, yardstick: AutomergeYardstick) {
  const { equal, oneBehind } = yardstick;
  return {
    d,
    informationLimitBytes: Math.ceil(log2Choose(documents, d) / 8),
    headsListBytes: documents * (16 + 32),
    automergeSyncBytes: (documents - d) * equal.metadataBytes + d * oneBehind.metadataBytes,
  } satisfies JsonObject;
}

/** Bits that name d of n things. */
function log2Choose(n: number, d: number): number {
  assert(d <= n, "at most all differ");
  let bits = 0;
  for (let i = 0; i < d; i++) bits += Math.log2((n - i) / (d - i));
  return bits;
}

function budgetsOf({ d, bytes, equalAfter }: Comparison): Budget[] {
  const limit = BYTES_MAX.get(d);
  return [
    ...(limit === undefined ? [] : [atMost(`d = ${d}: metadata bytes`, bytes, limit)]),
    atMost(`d = ${d}: copies that differ afterwards`, equalAfter ? 0 : 1, 0),
  ];
}
