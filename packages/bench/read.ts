/**
 * What a GET costs the server, beside a bare `node:http` server that sends the same bytes.
 *
 *     cold   every profile once, in no order, by a process that has just started: row, decode, headers
 *     hot    as people read: few profiles most of the time (Zipf), after a while of the same
 *
 * Processor time is that of the server's process alone; the client pays for itself. The two servers take
 * turns, so that the machine treats them alike.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { SeededRandom } from "@atoll/core";
import { canonicalJson } from "@atoll/profile";
import type { Bench, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import type { CpuProfile } from "./cpu-profile.ts";
import { httpRequest } from "./http-connections.ts";
import { httpProfile, httpProfileId } from "./http-profiles.ts";
import type { Requests } from "./http-rounds.ts";
import { fillPouch, pouchGet, pouchServer } from "./pouch-server.ts";
import { Cost, costFigures, costTable, drive, ratioTo, shownPeer } from "./http-rounds.ts";
import { ServerProcess } from "./http-server-process.ts";
import { zipf } from "./zipf.ts";

const REGION = "us-east-1";
const NORMAL = {
  profiles: 100_000,
  pouchProfiles: 2_000,
  connections: 32,
  rounds: 5,
  turnMs: 1_500,
  warmUpMs: 3_000,
};
const QUICK = {
  profiles: 300,
  pouchProfiles: 20,
  connections: 4,
  rounds: 1,
  turnMs: 100,
  warmUpMs: 100,
};
/** Of the profiles, read before it counts: code that no compiler has seen yet. */
const COLD_WARM_UP_SHARE = 0.3;

const HOT_RATIO_MAX = 1.7;
const COLD_RATIO_MAX = 2.2;

export const readBench: Bench = {
  name: "read",
  summary: "server CPU per GET, hot and cold, beside a bare node:http server",

  async run({ quick, profile, directory, mayInstall, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const own = join(directory, REGION);
    mkdirSync(own);
    const random = new SeededRandom("reads");
    const bare = new ServerProcess({ kind: "bare", body: canonicalJson(httpProfile(1)) });
    const prepare = { as: "rows", profiles: size.profiles } as const;
    const region = new ServerProcess({
      ...{ kind: "region", region: REGION, regions: [REGION], directory: own, prepare },
    });
    try {
      tell(`${size.profiles} profiles`);
      for (const server of [bare, region]) {
        await server.listening();
        await server.start({});
      }
      const bareCost = new Cost();
      const cold = new Cost();
      const hot = new Cost();
      const turn = { connections: size.connections, ms: size.turnMs };
      const once = eachOnce(size.profiles, random);
      const popular = zipf(size.profiles, random);
      const read = (): Buffer => getOf(popular());

      const profiles: Record<string, CpuProfile> = {};
      tell("cold");
      await drive(bare, new Cost(), { ...turn, ms: size.warmUpMs, requests: read });
      const warmUp = limited(once, Math.floor(size.profiles * COLD_WARM_UP_SHARE));
      await drive(region, new Cost(), { ...turn, ms: Infinity, requests: warmUp });
      const share = Math.ceil((size.profiles * (1 - COLD_WARM_UP_SHARE)) / size.rounds);
      for (let round = 0; round < size.rounds; round++) {
        await drive(bare, bareCost, { ...turn, requests: read });
        const load = { ...turn, ms: Infinity, requests: limited(once, share) };
        if (!profile || round < size.rounds - 1) await drive(region, cold, load);
        else profiles["cold"] = await region.sampled(() => drive(region, new Cost(), load));
      }
      tell("hot");
      await drive(region, new Cost(), { ...turn, ms: size.warmUpMs, requests: read });
      for (let round = 0; round < size.rounds; round++) {
        await drive(bare, bareCost, { ...turn, requests: read });
        await drive(region, hot, { ...turn, requests: read });
      }
      if (profile) {
        const load = { ...turn, ms: 3 * size.turnMs, requests: read };
        profiles["hot"] = await region.sampled(() => drive(region, new Cost(), load));
      }
      tell("PouchDB Server");
      const pouch = new Cost();
      const peer = await pouchServer({ directory, mayInstall, tell });
      if (peer instanceof ServerProcess) {
        await fillPouch(peer, size.pouchProfiles);
        const theirs = zipf(size.pouchProfiles, random);
        const requests = (): Buffer => pouchGet(theirs());
        await drive(peer, new Cost(), { ...turn, ms: size.warmUpMs, requests });
        await drive(peer, pouch, { ...turn, ms: 2 * size.turnMs, requests });
        await peer.stop();
      } else tell(`PouchDB Server: not measured: ${peer.reason}`);
      for (const server of [bare, region]) await server.stop();
      const ratio = ratioTo(bareCost);
      return {
        parameters: { ...size },
        figures: costFigures(bareCost, { hot, cold, ...shownPeer(peer, pouch) }),
        budgets: [
          atMost("hot GET ÷ bare", ratio(hot), HOT_RATIO_MAX),
          atMost("cold GET ÷ bare", ratio(cold), COLD_RATIO_MAX),
        ],
        tables: [
          costTable("GET", size.connections, bareCost, { hot, cold, ...shownPeer(peer, pouch) }),
        ],
        profiles,
      };
    } finally {
      for (const server of [bare, region]) server.kill();
    }
  },
};

function getOf(n: number): Buffer {
  return httpRequest("GET", `/v1/profiles/${httpProfileId(n)}`);
}

function eachOnce(profiles: number, random: SeededRandom): Requests {
  const order = Uint32Array.from({ length: profiles }, (_, n) => n);
  for (let n = profiles - 1; n > 0; n--) {
    const other = random.below(n + 1);
    [order[n], order[other]] = [order[other] ?? 0, order[n] ?? 0];
  }
  let next = 0;
  return () => (next < profiles ? getOf(order[next++] ?? 0) : undefined);
}

function limited(requests: Requests, count: number): Requests {
  let left = count;
  return () => (left-- > 0 ? requests() : undefined);
}
