/**
 * `overload`: a region among a thousand clients that drip and sip, and two hundred followers of its feed
 * that never read, while others go on reading and writing as before.
 *
 * What is measured is the healthy reader: how long a GET takes from its first byte to its last, without
 * the crowd and with it, in turns, so that the machine treats both alike. And the region's memory: what
 * nobody takes must not pile up here.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { SeededRandom, delay, systemClock } from "@atoll/core";
import type { Bench, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import type { CpuProfile } from "./cpu-profile.ts";
import { driveHttp, httpRequest } from "./http-connections.ts";
import { httpProfileId } from "./http-profiles.ts";
import { ServerProcess } from "./http-server-process.ts";
import { SlowClients } from "./http-slow-clients.ts";
import { percentile } from "./percentile.ts";

const REGION = "us-east-1";
const NORMAL = { profiles: 4_000, dripping: 500, sipping: 500, deaf: 200, turnMs: 6_000, turns: 2 };
const QUICK = { profiles: 50, dripping: 10, sipping: 10, deaf: 5, turnMs: 300, turns: 1 };
const READERS = 8;
const READ_PACE_MS = 10;
const WRITE_PACE_MS = 50;
/** A crowd comes in parts: what it costs to be there is measured, not what it costs to come at once. */
const ARRIVALS = 5;
const ARRIVAL_MS = 5_000;
/** Until what it asked for lies in its sockets. */
const SETTLE_MS = 10_000;

const RATIO_MAX = 3;
const GROWTH_MIB_MAX = 256;
const MIB = 1024 * 1024;

export const overloadBench: Bench = {
  name: "overload",
  summary: "healthy reads and memory among slow clients and feed consumers that never read",

  async run({ quick, directory, tell, profile }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const own = join(directory, REGION);
    mkdirSync(own);
    const prepare = { as: "writes", profiles: size.profiles } as const;
    const region = new ServerProcess({
      ...{ kind: "region", region: REGION, regions: [REGION], directory: own, prepare },
    });
    try {
      tell(`${size.profiles} profiles`);
      await region.listening();
      await region.start({});
      const random = new SeededRandom("overload");
      const readers = (ms: number): Promise<number[]> => readFor(region.port, ms, size, random);
      tell("warming up");
      await readers(size.turnMs);
      const before = await region.usage();
      const alone: number[] = [];
      const crowded: number[] = [];
      const rssPeaks: number[] = [];
      let hungUp = 0;
      const profiles: Record<string, CpuProfile> = {};
      for (let turn = 0; turn < size.turns; turn++) {
        tell(`turn ${turn + 1} of ${size.turns}: alone`);
        alone.push(...(await readers(size.turnMs)));
        const crowd = new SlowClients(region.port, systemClock);
        for (let part = 0; part < ARRIVALS; part++) {
          crowd.dripping(size.dripping / ARRIVALS);
          crowd.sipping(size.sipping / ARRIVALS);
          crowd.deaf(size.deaf / ARRIVALS);
          await delay(quick ? 10 : ARRIVAL_MS / ARRIVALS);
        }
        await delay(quick ? 100 : SETTLE_MS);
        tell(`among ${crowd.open} slow clients`);
        const among = async (): Promise<void> => void crowded.push(...(await readers(size.turnMs)));
        if (profile) profiles["crowded"] = await region.sampled(among);
        else await among();
        rssPeaks.push((await region.usage()).residentBytes);
        hungUp += crowd.hungUp;
        crowd.close();
        await delay(quick ? 100 : SETTLE_MS);
      }
      const growthMiB = (Math.max(...rssPeaks) - before.residentBytes) / MIB;
      const figures = { alone: timesOf(alone), crowded: timesOf(crowded), hungUp };
      const ratio = figures.crowded.p99 / figures.alone.p99;
      return {
        parameters: { ...size, readers: READERS, readPaceMs: READ_PACE_MS },
        figures: { ...figures, ratio, rssMiB: before.residentBytes / MIB, rssGrowthMiB: growthMiB },
        budgets: [
          atMost("p99 of healthy reads, among the crowd ÷ alone", ratio, RATIO_MAX),
          atMost("MiB of memory more, at its highest", growthMiB, GROWTH_MIB_MAX),
        ],
        tables: [
          {
            title: "GET of a healthy reader, ms",
            columns: ["", "reads", "p50", "p99", "max"],
            rows: Object.entries({ alone: figures.alone, crowded: figures.crowded }).map(
              ([name, { reads, p50, p99, max }]) => {
                return [name, reads, p50, p99, max];
              },
            ),
          },
          {
            title: "The region's memory, MiB",
            columns: ["before", "most among the crowd"],
            rows: [[before.residentBytes / MIB, Math.max(...rssPeaks) / MIB]],
          },
        ],
        profiles,
      };
    } finally {
      region.kill();
      await region.ended;
    }
  },
};

/** Some readers at a steady pace, and a writer so that feeds have something to tell. */
async function readFor(
  port: number,
  ms: number,
  { profiles }: { readonly profiles: number },
  random: SeededRandom,
): Promise<number[]> {
  const untilMs = systemClock.monotonicMs() + ms;
  const anybody = (): string => `/v1/profiles/${httpProfileId(random.below(profiles))}`;
  const times: number[] = [];
  /** One kept-alive connection: a request, its answer, a pause. */
  const paced = (paceMs: number, request: () => Buffer, took: (ms: number) => void) => {
    let sentMs: number | undefined;
    const next = async (): Promise<Buffer | undefined> => {
      if (sentMs !== undefined) took(systemClock.monotonicMs() - sentMs);
      if (systemClock.monotonicMs() >= untilMs) return undefined;
      await delay(paceMs);
      sentMs = systemClock.monotonicMs();
      return request();
    };
    return driveHttp({ port, connections: 1, next });
  };
  const read = (): Buffer => httpRequest("GET", anybody());
  const type = "application/merge-patch+json";
  const write = (): Buffer => {
    return httpRequest("PATCH", anybody(), { type, text: `{"headline":"${random.u32()}"}` });
  };
  await Promise.all([
    ...Array.from({ length: READERS }, () => paced(READ_PACE_MS, read, (time) => times.push(time))),
    paced(WRITE_PACE_MS, write, () => undefined),
  ]);
  return times;
}

function timesOf(times: readonly number[]) {
  return {
    reads: times.length,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    max: Math.max(...times),
  };
}
