/**
 * What a durable PATCH costs the server, beside a bare `node:http` server that reads the same body.
 *
 *     hot    profiles whose documents are open: a region at work
 *     cold   each profile for the first time since the start: its document is loaded first
 *
 * All included that a region does with a write: HTTP, merging, SQLite with an fsync before the answer, and
 * the push to two other regions, which are processes of their own and do not count. The bare server keeps
 * nothing.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { must } from "@atoll/core";
import { canonicalJson } from "@atoll/profile";
import type { Bench, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import type { CpuProfile } from "./cpu-profile.ts";
import { httpRequest } from "./http-connections.ts";
import type { RegionPlan } from "./http-messages.ts";
import { httpProfile, httpProfileId } from "./http-profiles.ts";
import { Cost, costFigures, costTable, drive, ratioTo, shownPeer } from "./http-rounds.ts";
import { pouchPut, pouchServer } from "./pouch-server.ts";
import { ServerProcess } from "./http-server-process.ts";
import { rounded } from "./table.ts";

const REGIONS = ["us-east-1", "eu-west-1", "ap-northeast-1"];
const NORMAL = {
  profiles: 3_000,
  hot: 500,
  connections: 32,
  rounds: 4,
  turnMs: 2_000,
  warmUpMs: 4_000,
  /** Ten thousand PATCHes on a good day: after two thousand a quarter of the time is the compiler's. */
  hotWarmUpMs: 20_000,
};
const QUICK: typeof NORMAL = {
  ...{ profiles: 40, hot: 10, connections: 4, rounds: 1, turnMs: 100 },
  ...{ warmUpMs: 100, hotWarmUpMs: 100 },
};

const HOT_RATIO_MAX = 9;
const POUCH_RATIO_MAX = 0.25;

export const writeBench: Bench = {
  name: "write",
  summary: "server CPU per durable PATCH, hot and cold, beside a bare node:http server",

  async run({ quick, profile, directory, mayInstall, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const plans = REGIONS.map((region): RegionPlan => {
      const own = join(directory, region);
      mkdirSync(own);
      const prepare = { as: "nothing", profiles: 0 } as const;
      return { kind: "region", region, regions: REGIONS, directory: own, prepare };
    });
    const first = must(plans[0], "a region");
    const bare = new ServerProcess({ kind: "bare", body: canonicalJson(httpProfile(1)) });
    const others = plans.slice(1).map((plan) => new ServerProcess(plan));
    const prepare = { as: "writes", profiles: size.profiles } as const;
    let region = new ServerProcess({ ...first, prepare });
    try {
      tell(`three regions, ${size.profiles} profiles`);
      await bare.listening();
      await bare.start({});
      const otherPorts = await Promise.all(others.map((other) => other.listening()));
      const ports = [await region.listening(), ...otherPorts];
      const portByRegion = Object.fromEntries(REGIONS.map((name, i) => [name, ports[i] ?? 0]));
      for (const other of others) await other.start(portByRegion);
      await region.start(portByRegion);
      await region.stop();
      region = new ServerProcess(first);
      await region.listening(); // nobody can dial it here, so it dials
      await region.start(portByRegion);

      const bareCost = new Cost();
      const cold = new Cost();
      const hot = new Cost();
      const turn = { connections: size.connections, ms: size.turnMs };
      let written = 0;
      const patch = (n: number): Buffer => patchOf(n, written++);
      const any = (): Buffer => patch(written % size.hot);

      const profiles: Record<string, CpuProfile> = {};
      tell("cold");
      await drive(bare, new Cost(), { ...turn, ms: size.warmUpMs, requests: any });
      let next = 0;
      const perRound = Math.ceil(size.profiles / (size.rounds + 1));
      for (let round = 0; round <= size.rounds; round++) {
        const end = Math.min(size.profiles, next + perRound);
        const once = (): Buffer | undefined => (next < end ? patch(next++) : undefined);
        await drive(bare, bareCost, { ...turn, requests: any });
        const cost = round === 0 ? new Cost() : cold; // the first warms up
        const load = { ...turn, ms: Infinity, requests: once };
        if (!profile || round < size.rounds) await drive(region, cost, load);
        else profiles["cold"] = await region.sampled(() => drive(region, new Cost(), load));
      }
      tell("hot");
      await drive(region, new Cost(), { ...turn, ms: size.hotWarmUpMs, requests: any });
      for (let round = 0; round < size.rounds; round++) {
        await drive(bare, bareCost, { ...turn, requests: any });
        await drive(region, hot, { ...turn, requests: any });
      }
      if (profile) {
        const load = { ...turn, ms: 3 * size.turnMs, requests: any };
        profiles["hot"] = await region.sampled(() => drive(region, new Cost(), load));
      }
      tell("PouchDB Server");
      const pouch = new Cost();
      const peer = await pouchServer({ directory, mayInstall, tell });
      if (peer instanceof ServerProcess) {
        let put = 0;
        const requests = (): Buffer => pouchPut(put++);
        await drive(peer, new Cost(), { ...turn, ms: size.hotWarmUpMs, requests });
        await drive(peer, pouch, { ...turn, ms: 2 * size.turnMs, requests });
        await peer.stop();
      } else tell(`PouchDB Server: not measured: ${peer.reason}`);
      for (const server of [bare, region, ...others]) await server.stop();
      const besidePouch = hot.microsPerRequest / pouch.microsPerRequest;
      return {
        parameters: { ...size, regions: REGIONS.length },
        figures: costFigures(bareCost, { hot, cold, ...shownPeer(peer, pouch) }),
        budgets: [
          atMost("hot PATCH ÷ bare", ratioTo(bareCost)(hot), HOT_RATIO_MAX),
          ...(pouch.requests === 0
            ? []
            : [atMost("hot PATCH ÷ PouchDB's PUT", rounded(besidePouch, 2), POUCH_RATIO_MAX)]),
        ],
        tables: [
          costTable("durable PATCH", size.connections, bareCost, {
            hot,
            cold,
            ...shownPeer(peer, pouch),
          }),
        ],
        profiles,
      };
    } finally {
      for (const server of [bare, region, ...others]) server.kill();
    }
  },
};

/** One line of a profile says something new: the body that both servers read. */
function patchOf(n: number, number: number): Buffer {
  const text = JSON.stringify({ headline: `Has said ${number} things so far` });
  const body = { type: "application/merge-patch+json", text };
  return httpRequest("PATCH", `/v1/profiles/${httpProfileId(n)}`, body);
}
