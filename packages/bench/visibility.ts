/**
 * How long after its answer a write can be read in the other regions.
 *
 *     write ── fsync ── answer                       t0
 *                 └── push ── link delay ── read finds it               t1
 *
 * Three processes on this machine, real sockets, real files, and links that this process slows down to
 * what lies between continents. What is above the link's delay is ours: batching, the receiver's fsync, rendering.
 * Regions write at a fixed rate that does not wait for answers, so a stall shows in every write it meets.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { REGION_NODE_OPTIONS, assert, must, systemClock as clock } from "@atoll/core";
import type { Bench, BenchOptions, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import { percentile } from "./percentile.ts";
import { SlowLink } from "./slow-link.ts";
import { rounded } from "./table.ts";
import type { FromRegion, RegionSamples, ToRegion, VisibilityPlan } from "./visibility-messages.ts";

const REGIONS = ["us-east-1", "eu-west-1", "ap-northeast-1"];
/** One way, milliseconds. */
const DELAYS: readonly (readonly [string, string, number])[] = [
  ["us-east-1", "eu-west-1", 40],
  ["us-east-1", "ap-northeast-1", 75],
  ["eu-west-1", "ap-northeast-1", 110],
];
const NORMAL = {
  profiles: 500,
  writesPerSecond: 200,
  /** Four thousand writes and eight thousand arrivals: before, three compilers at once are what is measured. */
  warmUpSeconds: 20,
  seconds: 20,
};
const LARGE = { ...NORMAL, seconds: 60 };
const QUICK = { profiles: 10, writesPerSecond: 50, warmUpSeconds: 0.1, seconds: 0.4 };

const P50_ABOVE_DELAY_MS_MAX = 8;
const P99_ABOVE_DELAY_MS_MAX = 40;

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly delayMs: number;
  readonly writes: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export const visibilityBench: Bench = {
  name: "visibility",
  summary: "time from an acknowledged write to a read that finds it in another region",

  async run(options): Promise<BenchReport> {
    const load = options.quick ? QUICK : options.large ? LARGE : NORMAL;
    const skipped = Math.round(load.writesPerSecond * load.warmUpSeconds);
    const samples = warm(await measure(load, options), skipped);
    const pairs = REGIONS.flatMap((from) =>
      REGIONS.filter((to) => to !== from).map((to) => pairOf(from, to, samples)),
    );
    const answers = REGIONS.map((region) => answersOf(region, samples));
    return {
      parameters: { ...load, regions: REGIONS.length },
      figures: { pairs: pairs.map((pair) => ({ ...pair })), answers },
      budgets: pairs.flatMap(({ from, to, delayMs, p50Ms, p99Ms }) => [
        atMost(`${from} → ${to}: p50 ms`, p50Ms, delayMs + P50_ABOVE_DELAY_MS_MAX),
        atMost(`${from} → ${to}: p99 ms`, p99Ms, delayMs + P99_ABOVE_DELAY_MS_MAX),
      ]),
      tables: [
        {
          title: `From answer to read, ms; ${load.writesPerSecond} writes/s in each region`,
          columns: [
            "written in",
            "read in",
            "link",
            "writes",
            "p50",
            "p99",
            "max",
            "p50 above link",
          ],
          rows: pairs.map(({ from, to, delayMs, writes, p50Ms, p99Ms, maxMs }) => [
            ...[from, to, delayMs, writes, p50Ms, p99Ms, maxMs, rounded(p50Ms - delayMs, 1)],
          ]),
        },
        {
          title: "From the moment a write was due to its answer, ms",
          columns: ["region", "p50", "p99", "max", "cores busy"],
          rows: answers.map(({ region, p50Ms, p99Ms, maxMs, coresBusy }) => [
            ...[region, p50Ms, p99Ms, maxMs, coresBusy],
          ]),
        },
      ],
    };
  },
};

type Samples = ReadonlyMap<string, RegionSamples>;

async function measure(load: typeof NORMAL, { directory, tell }: BenchOptions): Promise<Samples> {
  const regions = REGIONS.map((region) => {
    const own = join(directory, region);
    mkdirSync(own);
    return new RegionProcess({
      ...{ region, regions: REGIONS, directory: own },
      ...{ profiles: load.profiles, writesPerSecond: load.writesPerSecond },
      warmUpSeconds: load.warmUpSeconds,
      seconds: load.seconds,
    });
  });
  const links: SlowLink[] = [];
  const all = <T>(work: (region: RegionProcess) => Promise<T>): Promise<T[]> =>
    Promise.all(regions.map(work));
  try {
    const ports = await all((region) => region.next("listening"));
    for (const [i, name] of REGIONS.entries()) {
      const others = REGIONS.filter((other) => other !== name);
      const portByRegion: Record<string, number> = {};
      for (const other of others) {
        const { port } = must(ports[REGIONS.indexOf(other)], "where it listens");
        const link = await SlowLink.open({ to: port, delayMs: delayMs(name, other), clock });
        links.push(link);
        portByRegion[other] = link.port;
      }
      must(regions[i], name).send({ kind: "peers", portByRegion });
    }
    await all((region) => region.next("attached"));
    for (const region of regions) region.send({ kind: "start" });
    tell(`three regions make ${load.profiles} profiles each`);
    await all((region) => region.next("prepared"));
    const { warmUpSeconds, seconds } = load;
    tell(`each writes ${load.writesPerSecond} times a second for ${warmUpSeconds} + ${seconds} s`);
    for (const region of regions) region.send({ kind: "write" });
    const samples = await all((region) => region.next("written"));
    for (const region of regions) region.send({ kind: "stop" });
    await all((region) => region.ended);
    return new Map(REGIONS.map((name, i) => [name, must(samples[i], name)]));
  } finally {
    for (const region of regions) region.kill();
    for (const link of links) link.close();
  }
}

/** Without the first writes of each region, which meet code that no compiler has seen yet. */
function warm(samples: Samples, skipped: number): Samples {
  const rest = (moments: readonly number[]): readonly number[] => moments.slice(skipped);
  return new Map(
    [...samples].map(([region, { dueMs, ackedMs, coresBusy, seenMsByRegion }]) => {
      const seen = Object.entries(seenMsByRegion).map(([from, seenMs]) => [from, rest(seenMs)]);
      const seenMsRest = Object.fromEntries(seen) as RegionSamples["seenMsByRegion"];
      const own = { dueMs: rest(dueMs), ackedMs: rest(ackedMs), coresBusy };
      return [region, { ...own, seenMsByRegion: seenMsRest }];
    }),
  );
}

function pairOf(from: string, to: string, samples: Samples): Pair {
  const { ackedMs } = must(samples.get(from), from);
  const seenMs = must(samples.get(to)?.seenMsByRegion[from], `what ${to} saw of ${from}`);
  assert(seenMs.length === ackedMs.length, "every write was seen");
  const lags = ackedMs.map((acked, i) => must(seenMs[i], "a moment") - acked);
  return { from, to, delayMs: delayMs(from, to), writes: lags.length, ...spreadOf(lags) };
}

function answersOf(region: string, samples: Samples) {
  const { dueMs, ackedMs, coresBusy } = must(samples.get(region), region);
  const waits = ackedMs.map((acked, i) => acked - must(dueMs[i], "a moment"));
  return { region, ...spreadOf(waits), coresBusy: rounded(coresBusy, 2) };
}

function spreadOf(samples: readonly number[]) {
  return {
    minMs: rounded(percentile(samples, 0), 1),
    p50Ms: rounded(percentile(samples, 0.5), 1),
    p99Ms: rounded(percentile(samples, 0.99), 1),
    maxMs: rounded(percentile(samples, 1), 1),
  };
}

function delayMs(a: string, b: string): number {
  const link = DELAYS.find(
    ([one, other]) => (one === a && other === b) || (one === b && other === a),
  );
  return must(link, `the link between ${a} and ${b}`)[2];
}

/** A region in a process of its own, and what it says, in order. */
class RegionProcess {
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #received: FromRegion[] = [];
  #wake: (() => void) | undefined;
  #exitCode: number | null | undefined;

  constructor(plan: VisibilityPlan) {
    const script = join(import.meta.dirname, "visibility-region.ts");
    this.#child = fork(script, [JSON.stringify(plan)], {
      execArgv: [...REGION_NODE_OPTIONS],
    });
    this.#child.on("message", (message) => {
      this.#received.push(message as FromRegion);
      this.#wake?.();
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("exit", (code) => {
        this.#exitCode = code;
        this.#wake?.();
        resolve();
      });
    });
  }

  send(message: ToRegion): void {
    this.#child.send(message);
  }

  async next<Kind extends FromRegion["kind"]>(
    kind: Kind,
  ): Promise<Extract<FromRegion, { kind: Kind }>> {
    while (this.#received.length === 0) {
      assert(this.#exitCode === undefined, `a region ended with exit code ${this.#exitCode}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = must(this.#received.shift(), "a message");
    assert(message.kind === kind, `${kind} is next, not ${message.kind}`);
    return message as Extract<FromRegion, { kind: Kind }>;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
