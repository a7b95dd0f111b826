/**
 * What it costs that a write is on the disk before it is answered: the same PATCHes with `synchronous=FULL`, as a
 * region does them, and with NORMAL, which answers what a power cut undoes.
 *
 * Two replicas in one process, each with a file of its own, by turns. Groups are as large as 32 clients make them;
 * all that a PATCH causes is counted but for HTTP: merging, rows, folded tails, commits and checkpoints.
 */
import { join } from "node:path";
import { must, silentLog, systemClock, systemRandom } from "@atoll/core";
import type { JsonObject, ProfileEdit } from "@atoll/profile";
import { Replica } from "@atoll/replica";
import type { SqliteStore } from "@atoll/store";
import { openSqliteStore } from "@atoll/store";
import { openUnsyncedStore } from "@atoll/store/unsynced";
import type { Bench, BenchReport } from "./bench.ts";
import { atMost } from "./bench.ts";
import { CpuMeter } from "./cpu-meter.ts";
import { httpProfile, httpProfileId } from "./http-profiles.ts";
import { percentile } from "./percentile.ts";
import { benchCluster, benchCodec } from "./region-pair.ts";
import { rounded } from "./table.ts";

/** Turns are short, so that whatever else the machine does weighs on both; many, so that checkpoints do. */
const NORMAL = { profiles: 500, group: 32, groupsPerTurn: 16, warmUpTurns: 16, turns: 32 };
const QUICK = { profiles: 32, group: 32, groupsPerTurn: 2, warmUpTurns: 1, turns: 2 };

const FULL_TO_NORMAL_MAX = 1.15;

interface Figures extends JsonObject {
  readonly patches: number;
  readonly cpuMicros: number;
  readonly wallMicros: number;
  /** Of a commit alone. */
  readonly commitMs: { readonly p50: number; readonly p99: number };
}

export const durabilityBench: Bench = {
  name: "durability",
  summary: "PATCHes in groups of 32 with synchronous=FULL and with NORMAL",

  run({ quick, directory, tell }): Promise<BenchReport> {
    const size = quick ? QUICK : NORMAL;
    const full = new Writer(openSqliteStore({ path: join(directory, "full.sqlite") }), size);
    const normal = new Writer(openUnsyncedStore(join(directory, "normal.sqlite")), size);
    tell(`${size.profiles} profiles, twice`);
    for (const writer of [full, normal]) writer.makeProfiles();
    for (let turn = -size.warmUpTurns; turn < size.turns; turn++) {
      if (turn === 0) tell("by turns");
      // Who comes second finds caches and queues as the first has left them: so they change places.
      const order = turn % 2 === 0 ? [full, normal] : [normal, full];
      for (const writer of order) writer.turn(turn >= 0);
    }
    const results = { full: full.end(), normal: normal.end() };
    const ratio = (of: "cpuMicros" | "wallMicros"): number =>
      rounded(results.full[of] / results.normal[of], 2);
    const ratios = { cpu: ratio("cpuMicros"), wall: ratio("wallMicros") };
    return Promise.resolve({
      parameters: { ...size },
      figures: { ...results, ratios },
      budgets: [
        atMost("CPU per PATCH, FULL ÷ NORMAL", ratios.cpu, FULL_TO_NORMAL_MAX),
        atMost("wall time per PATCH, FULL ÷ NORMAL", ratios.wall, FULL_TO_NORMAL_MAX),
      ],
      tables: [
        {
          title: `A PATCH in groups of ${size.group}, without HTTP`,
          columns: ["synchronous", "CPU µs", "wall µs", "commit p50 ms", "p99 ms", "PATCHes"],
          rows: Object.entries(results).map(
            ([name, { cpuMicros, wallMicros, commitMs, patches }]) => [
              ...[name.toUpperCase(), cpuMicros, wallMicros, commitMs.p50, commitMs.p99, patches],
            ],
          ),
        },
      ],
    });
  },
};

class Writer {
  readonly #store: SqliteStore;
  readonly #replica: Replica;
  readonly #size: typeof NORMAL;
  readonly #meter = new CpuMeter(systemClock);
  readonly #commitMs: number[] = [];
  #measured = 0;
  #written = 0;

  constructor(store: SqliteStore, size: typeof NORMAL) {
    const cluster = benchCluster(["us-east-1"]);
    this.#store = store;
    this.#size = size;
    this.#replica = new Replica({
      ...{ cluster, region: must(cluster.regions[0], "a region"), store, clock: systemClock },
      ...{ random: systemRandom, log: silentLog, codec: benchCodec },
    });
  }

  makeProfiles(): void {
    for (let n = 0; n < this.#size.profiles; n++) {
      this.#write(n, { kind: "put", value: httpProfile(n) });
      if (n % this.#size.group === 0) this.#replica.flush();
    }
    this.#replica.flush();
  }

  turn(isMeasured: boolean): void {
    const { groupsPerTurn, group } = this.#size;
    const groups = (): void => {
      for (let i = 0; i < groupsPerTurn; i++) this.#group(isMeasured);
    };
    if (!isMeasured) return groups();
    this.#meter.measure(groups);
    this.#measured += groupsPerTurn * group;
  }

  end(): Figures {
    this.#replica.close();
    this.#store.close();
    const { cpuSeconds, wallSeconds } = this.#meter;
    const each = (seconds: number): number => rounded((seconds / this.#measured) * 1e6, 1);
    const ms = (share: number): number => rounded(percentile(this.#commitMs, share), 2);
    return {
      ...{ patches: this.#measured, cpuMicros: each(cpuSeconds), wallMicros: each(wallSeconds) },
      commitMs: { p50: ms(0.5), p99: ms(0.99) },
    };
  }

  /** What a commit of a busy region holds: writes that have met, and background work that was due. */
  #group(isMeasured: boolean): void {
    for (let i = 0; i < this.#size.group; i++) {
      const n = this.#written++;
      const patch = { headline: `Has said ${n} things by now` };
      this.#write(n % this.#size.profiles, { kind: "merge-patch", patch });
    }
    this.#replica.upkeep();
    const startMs = systemClock.monotonicMs();
    this.#replica.flush();
    if (isMeasured) this.#commitMs.push(systemClock.monotonicMs() - startMs);
  }

  #write(n: number, edit: ProfileEdit): void {
    const before = { precondition: {}, dep: new Map(), upsert: true };
    this.#replica.write(httpProfileId(n), edit, before);
  }
}
