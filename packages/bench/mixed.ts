/**
 * People's mix of reads and writes, as the Yahoo! Cloud Serving Benchmark has it (Cooper et al., SoCC 2010), in
 * one of three linked regions, and how long a write takes until another region shows it meanwhile.
 *
 *     A  half reads, half updates         B  95 % reads, 5 % updates      C  reads
 *     D  95 % reads of the newest, 5 % new profiles                       F  half of it read, changed and written
 *
 * Keys are drawn by Zipf. E, short scans, is left out: lists are pages by key, and `read` knows what a row costs.
 * The bare server answers the same requests, bodies read to their end.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { SeededRandom, must } from "@atoll/core";
import { canonicalJson } from "@atoll/profile";
import type { Bench, BenchReport } from "./bench.ts";
import { httpRequest } from "./http-connections.ts";
import type { RegionPlan } from "./http-messages.ts";
import { httpProfile, httpProfileId } from "./http-profiles.ts";
import { Cost, costFigures, costTable, drive } from "./http-rounds.ts";
import type { Requests } from "./http-rounds.ts";
import { ServerProcess } from "./http-server-process.ts";
import { httpLag } from "./http-lag.ts";
import { rounded } from "./table.ts";
import { zipf } from "./zipf.ts";

const REGIONS = ["us-east-1", "eu-west-1", "ap-northeast-1"];
const NORMAL = { profiles: 2_000, connections: 32, turnMs: 4_000, warmUpMs: 3_000, probes: 40 };
const QUICK = { profiles: 40, connections: 4, turnMs: 60, warmUpMs: 30, probes: 1 };

export const mixedBench: Bench = {
  name: "mixed",
  summary: "YCSB A, B, C, D and F in one of three regions, and what others see meanwhile",

  async run({ quick, directory, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const plans = REGIONS.map((region, i): RegionPlan => {
      const own = join(directory, region);
      mkdirSync(own);
      const prepare = { as: i === 0 ? "writes" : "nothing", profiles: size.profiles } as const;
      return { kind: "region", region, regions: REGIONS, directory: own, prepare };
    });
    const bare = new ServerProcess({ kind: "bare", body: canonicalJson(httpProfile(1)) });
    const regions = plans.map((plan) => new ServerProcess(plan));
    try {
      tell(`three regions, ${size.profiles} profiles`);
      await bare.listening();
      await bare.start({});
      const ports: number[] = [];
      for (const region of regions) ports.push(await region.listening());
      const portByRegion = Object.fromEntries(REGIONS.map((name, i) => [name, ports[i] ?? 0]));
      for (const region of regions) await region.start(portByRegion);
      const [first, second] = [must(regions[0], "a region"), must(regions[1], "another")];
      const random = new SeededRandom("mixed");
      const load = new Load(size.profiles, random);
      const besides = new Load(size.profiles, random); // what the bare server is told of, no region has
      const turn = { connections: size.connections, ms: size.turnMs };
      await drive(first, new Cost(), { ...turn, ms: size.warmUpMs, requests: load.mix("A") });
      await drive(bare, new Cost(), { ...turn, ms: size.warmUpMs, requests: besides.mix("A") });
      const bareCost = new Cost();
      const costs: Record<string, Cost> = {};
      const lags: Record<string, { p50Ms: number; maxMs: number }> = {};
      for (const name of MIXES) {
        tell(name);
        const cost = (costs[name] = new Cost());
        await drive(bare, bareCost, { ...turn, ms: size.turnMs / 2, requests: besides.mix(name) });
        const lag = httpLag({ from: first.port, to: second.port, probes: size.probes });
        const work = drive(first, cost, { ...turn, requests: load.mix(name) });
        [lags[name]] = await Promise.all([lag, work]);
      }
      for (const server of [bare, ...regions]) await server.stop();
      return {
        parameters: { ...size, regions: REGIONS.length },
        figures: { ...costFigures(bareCost, costs), visibility: lags },
        budgets: [],
        tables: [
          costTable("operation", size.connections, bareCost, costs),
          {
            title: "From the answer to a write until another region shows it, under that load",
            columns: ["mix", "p50 ms", "max ms"],
            rows: MIXES.map((name) => [
              name,
              rounded(lags[name]?.p50Ms ?? 0, 1),
              rounded(lags[name]?.maxMs ?? 0, 1),
            ]),
          },
        ],
      };
    } finally {
      for (const server of [bare, ...regions]) server.kill();
    }
  },
};

type Mix = "A" | "B" | "C" | "D" | "F";
const MIXES: readonly Mix[] = ["A", "B", "C", "D", "F"];
const READ_SHARE: Readonly<Record<Mix, number>> = { A: 0.5, B: 0.95, C: 1, D: 0.95, F: 0.5 };

/** The very newest may not be answered yet, and reading them would find nothing. */
const IN_FLIGHT_MAX = 200;

class Load {
  readonly #random: SeededRandom;
  readonly #rank: () => number;
  #profiles: number;
  #written = 0;

  constructor(profiles: number, random: SeededRandom) {
    this.#profiles = profiles;
    this.#random = random;
    this.#rank = zipf(profiles, random);
  }

  mix(name: Mix): Requests {
    let changing: number | undefined;
    return () => {
      if (changing !== undefined) {
        const key = changing;
        changing = undefined;
        return this.#update(key);
      }
      const key = name === "D" ? this.#newest() : this.#rank();
      if (this.#random.float() < READ_SHARE[name]) return read(key);
      if (name === "D") return this.#insert();
      if (name !== "F") return this.#update(key);
      changing = key; // read first, by whichever connection is free
      return read(key);
    };
  }

  #newest(): number {
    return Math.max(0, this.#profiles - IN_FLIGHT_MAX - this.#rank());
  }

  #update(key: number): Buffer {
    const text = JSON.stringify({ headline: `Has said ${this.#written++} things so far` });
    const body = { type: "application/merge-patch+json", text };
    return httpRequest("PATCH", `/v1/profiles/${httpProfileId(key)}`, body);
  }

  #insert(): Buffer {
    const key = this.#profiles++;
    const body = { type: "application/merge-patch+json", text: JSON.stringify(httpProfile(key)) };
    return httpRequest("PATCH", `/v1/profiles/${httpProfileId(key)}?upsert=true`, body);
  }
}

function read(key: number): Buffer {
  return httpRequest("GET", `/v1/profiles/${httpProfileId(key)}`);
}
