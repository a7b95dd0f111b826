/**
 * What a region holds in memory with few and with many profiles, after people have read in it for a while.
 *
 * Resident memory of the process as the operating system counts it, in a process that has just started and
 * after a pass of reads by Zipf, one for each profile but no more than `readsMax`: what is kept for each
 * profile would show, and what caches hold is bounded.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { SeededRandom, must } from "@atoll/core";
import type { Bench, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import { httpRequest } from "./http-connections.ts";
import type { RegionPlan } from "./http-messages.ts";
import { httpProfileId } from "./http-profiles.ts";
import { Cost, drive } from "./http-rounds.ts";
import { ServerProcess } from "./http-server-process.ts";
import { rounded } from "./table.ts";
import { zipf } from "./zipf.ts";

const REGION = "us-east-1";
const NORMAL = { sizes: [10_000, 100_000], readsMax: 200_000 };
const LARGE = { sizes: [10_000, 100_000, 1_000_000], readsMax: 1_000_000 };
const QUICK = { sizes: [200], readsMax: 100 };
const CLIENTS = 32;

const MEGABYTES_MAX = 400;

export const memoryBench: Bench = {
  name: "memory",
  summary: "resident memory with 10 k … 1 M profiles after a pass of reads",

  async run({ quick, large, directory, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : large ? LARGE : NORMAL;
    const results: { profiles: number; startedMegabytes: number; readMegabytes: number }[] = [];
    for (const profiles of size.sizes) {
      tell(`${profiles} profiles`);
      const own = join(directory, `${profiles}`);
      mkdirSync(own);
      const plan: RegionPlan = {
        ...{ kind: "region", region: REGION, regions: [REGION], directory: own },
        prepare: { as: "rows", profiles },
      };
      const writer = new ServerProcess(plan);
      await writer.listening();
      await writer.start({});
      await writer.stop();
      const server = new ServerProcess(plan);
      await server.listening();
      await server.start({});
      const startedMegabytes = megabytes(await server.usage());
      const popular = zipf(profiles, new SeededRandom("memory"));
      let left = Math.min(size.readsMax, profiles);
      const requests = (): Buffer | undefined =>
        left-- > 0 ? httpRequest("GET", `/v1/profiles/${httpProfileId(popular())}`) : undefined;
      await drive(server, new Cost(), { connections: CLIENTS, ms: Infinity, requests });
      results.push({ profiles, startedMegabytes, readMegabytes: megabytes(await server.usage()) });
      await server.stop();
    }
    const last = must(results.at(-1), "the largest");
    return {
      parameters: { ...size },
      figures: { results },
      budgets: [atMost(`MB with ${last.profiles} profiles`, last.readMegabytes, MEGABYTES_MAX)],
      tables: [
        {
          title: "Resident memory, MB",
          columns: ["profiles", "started", "after reading"],
          rows: results.map((r) => [r.profiles, r.startedMegabytes, r.readMegabytes]),
        },
      ],
    };
  },
};

function megabytes({ residentBytes }: { readonly residentBytes: number }): number {
  return rounded(residentBytes / 1e6, 1);
}
