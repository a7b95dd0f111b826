/**
 * How long a region takes from its start until it serves, with many profiles: after an orderly stop, and
 * after kill -9.
 *
 * Wall time from when the process is asked for until its first answer, Node's own start and the reading of
 * the program included. The rows are written without changes behind them, but with the sums over them: a
 * start reads the sums and never a document.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@atoll/core";
import type { Bench, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import { httpRequest } from "./http-connections.ts";
import type { RegionPlan } from "./http-messages.ts";
import { httpProfileId } from "./http-profiles.ts";
import { Cost, drive } from "./http-rounds.ts";
import { ServerProcess } from "./http-server-process.ts";
import { rounded } from "./table.ts";

const REGION = "us-east-1";
const NORMAL = { profiles: 100_000 };
const LARGE = { profiles: 1_000_000 };
const QUICK = { profiles: 500 };

const CLEAN_SECONDS_MAX = 2;
const KILLED_SECONDS_MAX = 5;

export const startupBench: Bench = {
  name: "startup",
  summary: "seconds from start to first answer, after a clean stop and after kill -9",

  async run({ quick, large, directory, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : large ? LARGE : NORMAL;
    const own = join(directory, REGION);
    mkdirSync(own);
    const plan: RegionPlan = {
      ...{ kind: "region", region: REGION, regions: [REGION], directory: own },
      prepare: { as: "rows", profiles: size.profiles },
    };
    tell(`${size.profiles} profiles`);
    const first = await started(plan);
    await first.server.stop();
    const clean = await started(plan);
    clean.server.kill();
    await clean.server.ended;
    const killed = await started(plan);
    await killed.server.stop();
    return {
      parameters: { ...size },
      figures: { cleanSeconds: clean.seconds, killedSeconds: killed.seconds },
      budgets: [
        atMost("seconds after an orderly stop", clean.seconds, CLEAN_SECONDS_MAX),
        atMost("seconds after kill -9", killed.seconds, KILLED_SECONDS_MAX),
      ],
      tables: [
        {
          title: `From start to first answer, ${size.profiles} profiles`,
          columns: ["after", "seconds"],
          rows: [
            ["an orderly stop", clean.seconds],
            ["kill -9", killed.seconds],
          ],
        },
      ],
    };
  },
};

async function started(plan: RegionPlan): Promise<{ server: ServerProcess; seconds: number }> {
  const startMs = systemClock.monotonicMs();
  const server = new ServerProcess(plan);
  await server.listening();
  await server.start({});
  let left = 1;
  const once = (): Buffer | undefined =>
    left-- > 0 ? httpRequest("GET", `/v1/profiles/${httpProfileId(0)}`) : undefined;
  await drive(server, new Cost(), { connections: 1, ms: Infinity, requests: once });
  return { server, seconds: rounded((systemClock.monotonicMs() - startMs) / 1e3, 2) };
}
