/**
 * What more readers are worth: the same hot reads of the same file by one reader, then by two, by turns.
 *
 * Two numbers, because the clients need a processor as well: reads a second as this machine allows, and
 * the processor time of a read, which must not grow with the number of readers. Where there is a core for
 * each reader and one for the clients, the first follows from the second; where there is not, only the
 * second is a verdict.
 */
import { mkdirSync, renameSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { SeededRandom, systemClock } from "@atoll/core";
import type { Bench, BenchReport } from "./bench.ts";
import { atLeast, atMost } from "./bench.ts";
import { driveHttp, httpRequest } from "./http-connections.ts";
import { httpProfileId } from "./http-profiles.ts";
import { ServerProcess } from "./http-server-process.ts";
import { BENCH_SECRET } from "./region-pair.ts";
import { ServedRegion, processMicros } from "./served-region.ts";
import { rounded } from "./table.ts";
import { zipf } from "./zipf.ts";

const REGION = "us-east-1";
const NORMAL = { profiles: 10_000, connections: 32, rounds: 3, turnMs: 2_000, warmUpMs: 3_000 };
const QUICK = { profiles: 100, connections: 4, rounds: 1, turnMs: 200, warmUpMs: 50 };

const SCALE_MIN = 1.7;
const COST_GROWTH_MAX = 1.15;
/** One for each reader, and one for the clients. */
const CORES_MIN = 3;

class Reads {
  answered = 0;
  ms = 0;
  readerMicros = 0;
  replicaMicros = 0;

  get perSecond(): number {
    return Math.round((this.answered / this.ms) * 1e3);
  }

  get microsEach(): number {
    return rounded(this.readerMicros / this.answered, 1);
  }
}

export const readersBench: Bench = {
  name: "readers",
  summary: "reads a second, and what each costs, with one reader and with two",

  async run({ quick, directory, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const own = join(directory, REGION);
    mkdirSync(own);
    tell(`${size.profiles} profiles`);
    await fill(own, size.profiles);
    const popular = zipf(size.profiles, new SeededRandom("readers"));
    const next = (): Buffer => httpRequest("GET", `/v1/profiles/${httpProfileId(popular())}`);
    const [one, two] = [new Reads(), new Reads()];
    for (let round = 0; round < size.rounds; round++) {
      for (const [readers, reads] of [
        [1, one],
        [2, two],
      ] as const) {
        tell(`${readers} of 2 readers, round ${round + 1} of ${size.rounds}`);
        const served = await ServedRegion.start({
          ...{ region: REGION, directory: own, secret: BENCH_SECRET, readers },
        });
        await read(served, new Reads(), { ...size, turnMs: size.warmUpMs, next });
        await read(served, reads, { ...size, next });
        await served.stop();
      }
    }
    const scale = rounded(two.perSecond / one.perSecond, 2);
    const growth = rounded(two.microsEach / one.microsEach, 2);
    const hasCores = availableParallelism() >= CORES_MIN;
    const figures = { one: figuresOf(one), two: figuresOf(two), scale, costGrowth: growth };
    return {
      parameters: { ...size, cores: availableParallelism() },
      figures,
      budgets: [
        atMost("cost of a read, two readers ÷ one", growth, COST_GROWTH_MAX),
        ...(hasCores ? [atLeast("reads a second, two readers ÷ one", scale, SCALE_MIN)] : []),
      ],
      tables: [
        {
          title: `Hot GET, ${size.connections} clients, ${availableParallelism()} cores; µs of processor time`,
          columns: ["readers", "reads/s", "µs of readers", "µs of the replica", "reads/s ÷ one"],
          rows: [
            [1, one.perSecond, one.microsEach, figures.one.replicaMicros, 1],
            [2, two.perSecond, two.microsEach, figures.two.replicaMicros, scale],
          ],
        },
      ],
    };
  },
};

function figuresOf(reads: Reads) {
  return {
    perSecond: reads.perSecond,
    readerMicros: reads.microsEach,
    replicaMicros: rounded(reads.replicaMicros / reads.answered, 1),
  };
}

/** The file of a region, as `atoll serve` looks for it. */
async function fill(directory: string, profiles: number): Promise<void> {
  const prepare = { as: "rows", profiles } as const;
  const region = new ServerProcess({
    ...{ kind: "region", region: REGION, regions: [REGION], directory, prepare },
  });
  await region.listening();
  await region.start({});
  await region.stop();
  renameSync(join(directory, "atoll.sqlite"), join(directory, "atoll.db"));
}

async function read(
  { port, pid, readerPids }: ServedRegion,
  reads: Reads,
  load: { readonly connections: number; readonly turnMs: number; next(): Buffer },
): Promise<void> {
  const readerMicros = (): number => readerPids.map(processMicros).reduce((sum, one) => sum + one);
  const [readers, replica, startMs] = [
    readerMicros(),
    processMicros(pid),
    systemClock.monotonicMs(),
  ];
  const endMs = startMs + load.turnMs;
  reads.answered += await driveHttp({
    ...{ port, connections: load.connections },
    next: () => (systemClock.monotonicMs() < endMs ? load.next() : undefined),
  });
  reads.ms += systemClock.monotonicMs() - startMs;
  reads.readerMicros += readerMicros() - readers;
  reads.replicaMicros += processMicros(pid) - replica;
}
