/**
 * What the past of a profile costs its present: GET and PATCH at 10, 100, 1 000 and 10 000 edits of one
 * profile, and how long it takes to open its document again.
 *
 * One replica with its SQLite file (`FULL`), without HTTP, which costs the same whatever the past is. An
 * edit is made in a document that is open; the background work that a region does between edits (views,
 * folded tails) is done between the measured ones, and not counted: it is reported by `write`.
 */
import { join } from "node:path";
import type { ProfileId } from "@atoll/core";
import { must, silentLog, systemClock, systemRandom } from "@atoll/core";
import { Replica } from "@atoll/replica";
import { openSqliteStore } from "@atoll/store";
import type { Bench, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import { CpuMeter } from "./cpu-meter.ts";
import { httpProfile } from "./http-profiles.ts";
import { percentile } from "./percentile.ts";
import { benchCluster, benchCodec } from "./region-pair.ts";
import { rounded } from "./table.ts";

const NORMAL = {
  ...{ warmUp: 4_000, sizes: [10, 100, 1_000, 10_000] },
  ...{ reads: 4_000, writes: 160, reloads: 5 },
};
const QUICK = { warmUp: 20, sizes: [10, 40], reads: 200, writes: 16, reloads: 2 };
/** As many as meet in one commit of a region that is busy. */
const GROUP = 8;
const UPKEEP_EVERY = 16;

const GET_RATIO_MAX = 1.05;
const PATCH_RATIO_MAX = 1.5;

interface Figures {
  readonly edits: number;
  /** With the snapshot at hand; from the row. */
  readonly getMicros: number;
  readonly rowMicros: number;
  readonly patchMicros: number;
  /** Of the first write after a start: it opens the document. */
  readonly reloadMs: number;
}

export const historyBench: Bench = {
  name: "history",
  summary: "what GET and PATCH cost at 10 … 10 000 edits of one profile",

  run({ quick, directory, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const cluster = benchCluster(["us-east-1"]);
    const store = openSqliteStore({ path: join(directory, "history.sqlite") });
    const replica = new Replica({
      ...{ cluster, region: must(cluster.regions[0], "a region"), store, clock: systemClock },
      ...{ random: systemRandom, log: silentLog, codec: benchCodec },
    });
    tell(`${size.warmUp} edits of another profile, which compilers learn from`);
    const other = new OneProfile(replica, "another");
    other.growTo(size.warmUp);
    other.cost(size.reads, () => other.readRow());
    const profile = new OneProfile(replica, "somebody");
    const results = size.sizes.map((edits): Figures => {
      tell(`${edits} edits`);
      profile.growTo(edits);
      return {
        edits,
        getMicros: profile.cost(size.reads, () => profile.read()),
        rowMicros: profile.cost(size.reads / 10, () => profile.readRow()),
        patchMicros: profile.patchMicros(size.writes),
        reloadMs: profile.reloadMs(size.reloads),
      };
    });
    replica.close();
    store.close();
    const [first, last] = [must(results[0], "the first"), must(results.at(-1), "the last")];
    const ratio = (of: "rowMicros" | "patchMicros"): number => rounded(last[of] / first[of], 2);
    return Promise.resolve({
      parameters: { ...size },
      figures: { results: results.map((result) => ({ ...result })) },
      budgets: [
        atMost(
          `GET of the row at ${last.edits} ÷ at ${first.edits}`,
          ratio("rowMicros"),
          GET_RATIO_MAX,
        ),
        atMost(`PATCH at ${last.edits} ÷ at ${first.edits}`, ratio("patchMicros"), PATCH_RATIO_MAX),
      ],
      tables: [
        {
          title: "One profile, processor time without HTTP",
          columns: [
            "edits",
            "GET µs",
            "from the row µs",
            "PATCH µs",
            "first PATCH after a start, ms",
          ],
          rows: results.map((r) => [r.edits, r.getMicros, r.rowMicros, r.patchMicros, r.reloadMs]),
        },
      ],
    });
  },
};

class OneProfile {
  readonly #replica: Replica;
  readonly #id: ProfileId;
  #edits = 0;

  constructor(replica: Replica, id: string) {
    this.#replica = replica;
    this.#id = id as ProfileId;
  }

  growTo(edits: number): void {
    while (this.#edits < edits) this.#edit();
    this.#settle();
  }

  read(): void {
    this.#replica.read(this.#id);
  }

  readRow(): void {
    this.#replica.forgetCaches();
    this.#replica.read(this.#id);
  }

  /** Processor time of one of many, in microseconds. */
  cost(count: number, work: () => void): number {
    for (let i = 0; i < count / 4; i++) work(); // code that no compiler has seen yet
    const meter = new CpuMeter(systemClock);
    meter.measure(() => {
      for (let i = 0; i < count; i++) work();
    });
    return rounded((meter.cpuSeconds / count) * 1e6, 1);
  }

  /** The median of groups: an edit and its share of a commit. */
  patchMicros(count: number): number {
    this.#edit();
    const micros: number[] = [];
    for (let i = 0; i < count; i += GROUP) {
      this.#settle();
      const meter = new CpuMeter(systemClock);
      meter.measure(() => {
        for (let one = 0; one < GROUP; one++) this.#edit();
        this.#replica.flush();
      });
      micros.push((meter.cpuSeconds / GROUP) * 1e6);
    }
    return rounded(percentile(micros, 0.5), 1);
  }

  reloadMs(count: number): number {
    const ms: number[] = [];
    for (let i = 0; i < count; i++) {
      this.#settle();
      this.#replica.forgetCaches();
      const meter = new CpuMeter(systemClock);
      meter.measure(() => this.#edit());
      ms.push(meter.cpuSeconds * 1e3);
    }
    return rounded(percentile(ms, 0.5), 1);
  }

  #edit(): void {
    const n = this.#edits++;
    const edit =
      n === 0
        ? ({ kind: "put", value: httpProfile(1) } as const)
        : ({ kind: "merge-patch", patch: { headline: `Has said ${n} things so far` } } as const);
    this.#replica.write(this.#id, edit, { precondition: {}, dep: new Map(), upsert: true });
    if (n % UPKEEP_EVERY === 0) this.#settle();
  }

  #settle(): void {
    this.#replica.flush();
    this.#replica.upkeep();
    this.#replica.flush();
  }
}
