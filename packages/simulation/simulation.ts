/**
 * A whole fleet in one process, from one schedule: the phases of a run, and who is told what.
 *
 *     chaos      faults and operations as scheduled; what is cheap is checked at every event
 *     liveness   a connected core must converge and serve, while the rest stays dead or half cut off
 *     heal       everybody is back: all copies byte-identical, nothing pending, nothing more to say
 *     judgement  every checker looks at the history and at the final states
 *
 * The first violation ends the run: what comes after it is its consequence.
 */
import type { Cluster, LogEntry, Random, Region, RegionCode, RegionName } from "@atoll/core";
import {
  SeededRandom,
  deriveClusterKeys,
  isAtollError,
  limits,
  listenToSometimes,
  must,
  toHex,
} from "@atoll/core";
import { ProfileCodec, socialProfileSchema } from "@atoll/profile";
import { Acts } from "./acts.ts";
import { judge } from "./checkers/index.ts";
import type { Violation } from "./checkers/violation.ts";
import { corruptFrame } from "./corrupt.ts";
import { FleetClient } from "./fleet-client.ts";
import { PromisesKept } from "./promises-kept.ts";
import { MarkLog, kindOf, marksOfFrame } from "./marks.ts";
import { SimNetwork } from "./network.ts";
import { finalStateOf, isConverged, isQuiet, watchRegion } from "./observe.ts";
import { giveUp } from "./operator.ts";
import { SimRegion } from "./region.ts";
import type { SimFleet } from "./fleet.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Schedule } from "./schedule.ts";
import { isOperation } from "./schedule.ts";
import { ProcessDied } from "./store-door.ts";
import { Trace, checksum } from "./trace.ts";
import { trapNondeterminism } from "./trap.ts";
import { World } from "./world.ts";
import { History } from "./workload/history.ts";
import { Session } from "./workload/session.ts";

export interface RunOptions {
  readonly schedule: Schedule;
  readonly sabotage?: Sabotage | undefined;
  /** Ends the run at this moment, unjudged. */
  readonly untilMs?: number | undefined;
  readonly keepsTrace?: boolean | undefined;
}

export interface RunResult {
  readonly seed: string;
  /** Empty: the run has passed. */
  readonly violations: readonly Violation[];
  readonly trace: string;
  readonly lines: readonly string[] | undefined;
  readonly events: number;
  readonly simulatedMs: number;
  readonly frames: number;
  readonly calls: number;
  /** Rare paths, and how often each was taken. */
  readonly marks: ReadonlyMap<string, number>;
}

const NAMES = ["us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1", "af-south-1"];
const codec = new ProfileCodec(socialProfileSchema);

/** Runs a schedule. Nothing outside can tell the time or toss a coin meanwhile. */
export async function simulate(options: RunOptions): Promise<RunResult> {
  const run = new Simulation(options);
  const release = trapNondeterminism();
  const deafen = listenToSometimes((name) => run.marks.hit(name));
  try {
    return await run.run();
  } finally {
    deafen();
    release();
    run.dispose();
  }
}

/** Simulated time that a phase has to end. */
const CORE_MS_MAX = 240_000;
const HEAL_MS_MAX = 400_000;
const DRAIN_MS_MAX = 200_000;
/** Between two looks at whether it has. */
const LOOK_MS = 200;
const WATCHES = 8;
const QUIET_MS = 3_000;

export class Simulation implements SimFleet {
  readonly world = new World();
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  readonly cluster: Cluster;
  readonly network: SimNetwork;
  readonly regions: SimRegion[];
  readonly history = new History();
  readonly kept: PromisesKept;
  readonly marks = new MarkLog();
  readonly trace: Trace;
  readonly violations: Violation[] = [];
  readonly #options: RunOptions;
  readonly #sessions: Session[];
  readonly #acts: Acts;

  constructor(options: RunOptions) {
    const { schedule } = options;
    const { seed, options: shape } = schedule;
    this.#options = options;
    this.schedule = schedule;
    this.random = new SeededRandom(`${seed}/run`);
    this.trace = new Trace(options.keepsTrace);
    const regions: Region[] = NAMES.slice(0, shape.regions).map((name, i) => ({
      name: name as RegionName,
      code: (i + 1) as RegionCode,
    }));
    const keys = deriveClusterKeys("the secret of every simulation", "simulated");
    this.cluster = { id: "simulated", shardCount: shape.shards, regions, keys };
    this.network = new SimNetwork(this.world, this.random.fork("network"), {
      latencyMs: latencies(this.random.fork("distances"), schedule),
      breakRate: shape.breakRate,
      duplicateRate: shape.duplicateRate,
      reorderRate: shape.reorderRate,
      mayOvertake: (frame) => kindOf(frame) !== "heartbeat",
      corruptRate: shape.corruptRate,
      corrupt: corruptFrame,
      observe: (from, to, frame) => {
        this.trace.add(`${this.world.nowMs} ${from} > ${to} ${frame.length} ${checksum(frame)}`);
        marksOfFrame(frame, this.marks);
      },
    });
    this.kept = new PromisesKept(
      (violation) => this.fail(violation),
      () => this.world.nowMs,
    );
    this.regions = regions.map((region, place) => this.#newRegion(region, place));
    const client = new FleetClient(this);
    this.#sessions = Array.from(
      { length: shape.sessions },
      () => new Session({ client, history: this.history, nowMs: () => this.world.nowMs }),
    );
    this.#acts = new Acts(this);
    this.world.onError = (error, host) => {
      if (error instanceof ProcessDied) return; // its region was told
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.fail({ checker: "no-crash", message: `${host?.name ?? "the world"}: ${text}` });
    };
  }

  /** The run is over. Only the first violation counts. */
  fail(violation: Omit<Violation, "atMs">): void {
    this.violations.push({ ...violation, atMs: Math.round(this.world.nowMs) });
    this.trace.add(`${this.world.nowMs} VIOLATION ${violation.checker}`);
  }

  get hasFailed(): boolean {
    return this.violations.length > 0;
  }

  async run(): Promise<RunResult> {
    for (const region of this.regions) {
      this.world.schedule(this.random.below(200), undefined, () => region.start());
    }
    const isWhole = this.#options.untilMs === undefined;
    await this.#chaos();
    if (isWhole && !this.hasFailed) await this.#liveness();
    if (isWhole && !this.hasFailed) await this.#heal();
    if (isWhole && !this.hasFailed) await this.#judge();
    for (const { outcome, index } of this.history.calls) {
      this.trace.add(`${index} ${JSON.stringify(outcome)}`);
    }
    return {
      seed: this.schedule.seed,
      violations: this.violations,
      trace: this.trace.digest(),
      lines: this.trace.lines,
      events: this.world.events,
      simulatedMs: this.world.nowMs,
      frames: this.network.frames,
      calls: this.history.calls.length,
      marks: this.marks.counts,
    };
  }

  dispose(): void {
    for (const region of this.regions) region.dispose();
  }

  async #chaos(): Promise<void> {
    const { items, options } = this.schedule;
    for (const item of items) {
      if (isOperation(item)) {
        const session = this.#sessions[item.session % this.#sessions.length];
        this.world.schedule(item.atMs, undefined, () => session?.add(item));
      } else {
        this.#acts.plan(item);
      }
    }
    const untilMs = Math.min(options.chaosMs, this.#options.untilMs ?? Infinity);
    for (let i = 1; i <= WATCHES && !this.hasFailed; i++) {
      await this.#run((untilMs * i) / WATCHES);
      for (const region of this.regions) watchRegion(region, (found) => this.fail(found));
    }
  }

  /** A part of the fleet that is connected converges and serves, whatever the rest does. */
  async #liveness(): Promise<void> {
    const { random } = this;
    this.#acts.endAll();
    const count = this.regions.length;
    const size = Math.max(1, count - random.below(Math.floor(count / 2) + 1));
    const first = random.below(count);
    const core = this.regions.filter((_, i) => (i - first + count) % count < size);
    const rest = this.regions.filter((region) => !core.includes(region));
    for (const region of rest) this.#acts.banish(region, random.below(3));
    this.trace.add(`${this.world.nowMs} core ${core.map(({ name }) => name).join()}`);
    if (rest.length > 0) this.marks.hit("sim: a core without some regions");
    await this.#drained();
    if (this.hasFailed) return;
    // Rot is found by whoever looks for it: within a week by itself, at once when somebody asks.
    if (this.#acts.hasDamaged) await this.#verify(core);
    if (rest.length > 0 && giveUp(this, core) > 0)
      this.marks.hit("sim: an operator gave up an entry");
    const fits = (): boolean => isConverged(core);
    if (!(await this.#within(CORE_MS_MAX, fits))) return this.#stuck("core-converges", core);
    await this.#serves(core);
  }

  /** Every region of the core writes, and every other one shows it to the same session. */
  async #serves(core: readonly SimRegion[]): Promise<void> {
    const client = new FleetClient(this);
    for (const [i, region] of core.entries()) {
      const next = must(core[(i + 1) % core.length], "a region");
      const mark = `probe${i}`;
      const session = new Session({ client, history: this.history, nowMs: () => this.world.nowMs });
      const about = { kind: "operation", atMs: 0, session: 1000 + i, usesToken: true } as const;
      const asked = { id: "m-probe", waitMs: 30_000, handling: "strict" } as const;
      const before = this.history.calls.length;
      session.add({ ...about, ...asked, region: region.place, action: { kind: "mark", mark } });
      session.add({ ...about, ...asked, region: next.place, action: { kind: "read" } });
      await this.#within(60_000, () => session.open === 0);
      const answers = this.history.calls.slice(before).map(({ outcome }) => outcome);
      if (answers.length === 2 && answers.every((outcome) => outcome?.kind === "found")) continue;
      const message = `${region.name}, then ${next.name}: ${JSON.stringify(answers)}`;
      this.fail({ checker: "core-serves", message });
      return;
    }
  }

  async #heal(): Promise<void> {
    this.#acts.endAll();
    await this.#drained();
    if (this.hasFailed) return;
    if (this.#acts.hasDamaged) await this.#verify(this.regions);
    const { regions } = this;
    const fits = (): boolean => isConverged(regions) && isQuiet(regions);
    if (!(await this.#within(HEAL_MS_MAX, fits))) return this.#stuck("heals", regions);
    const batches = this.marks.countOf("wire: batch");
    await this.#run(this.world.nowMs + QUIET_MS);
    const more = this.marks.countOf("wire: batch") - batches;
    if (more > 0) {
      this.fail({ checker: "quiescence", message: `${more} batches after all were equal` });
    }
    if (!isConverged(regions)) this.#stuck("stays-converged", regions);
  }

  async #judge(): Promise<void> {
    const finals = this.regions.map((region) => finalStateOf(region, codec));
    const { history, kept, marks } = this;
    const { corruptRate, retention } = this.schedule.options;
    // Who is forgotten while it is away finds the log trimmed, and gets what it lacks by comparing.
    const forgetsMs = retention?.deadPeerAfterMs ?? Infinity;
    const mayForget = forgetsMs < limits.RETENTION_DEAD_PEER_MS_DEFAULT;
    const hadReason = this.#acts.hasLost || corruptRate > 0 || mayForget;
    if (!hadReason && marks.countOf("log: roots-differ") > 0) {
      // Push and catch-up bring everything. A comparison that finds a difference hides a mistake of theirs.
      this.fail({ checker: "nothing-to-repair", message: "a comparison found a difference" });
    }
    for (const violation of judge({ history, finals, losses: kept.losses, gone: kept.gone })) {
      this.fail(violation);
    }
    await this.#run(this.world.nowMs + 1);
  }

  async #verify(regions: readonly SimRegion[]): Promise<void> {
    for (let pass = 0; pass < 2 && !this.hasFailed; pass++) {
      for (const region of regions) region.driver.scrub.verify();
      const isDone = (): boolean =>
        regions.every(({ isUp, driver }) => isUp && driver.scrub.report().state !== "running");
      if (!(await this.#within(HEAL_MS_MAX, isDone))) {
        return this.#stuck("scrub-ends", regions);
      }
    }
  }

  /** Until all sessions have done what they had to do. */
  async #drained(): Promise<void> {
    const isIdle = (): boolean => this.#sessions.every(({ open }) => open === 0);
    if (!(await this.#within(DRAIN_MS_MAX, isIdle)) && !this.hasFailed) {
      const open = this.#sessions.map((session) => session.open);
      this.fail({ checker: "answers", message: `requests without an answer: ${open.join()}` });
    }
  }

  /** Runs until the condition holds; false when time is over. */
  async #within(maxMs: number, condition: () => boolean): Promise<boolean> {
    for (const endMs = this.world.nowMs + maxMs; this.world.nowMs < endMs && !this.hasFailed;) {
      if (condition()) return true;
      await this.#run(this.world.nowMs + LOOK_MS);
    }
    return !this.hasFailed && condition();
  }

  async #run(untilMs: number): Promise<void> {
    await this.world.run(untilMs, () => this.violations.length > 0);
  }

  #stuck(checker: string, regions: readonly SimRegion[]): void {
    if (this.hasFailed) return;
    const states = regions.map((region) => {
      if (!region.isUp) return { region: region.name, isUp: false };
      const { counts, root, peers } = region.driver.status();
      return { region: region.name, root: root.slice(0, 12), counts, peers };
    });
    this.fail({ checker, message: JSON.stringify(states) });
  }

  #newRegion(region: Region, place: number): SimRegion {
    const { options } = this.schedule;
    return new SimRegion({
      cluster: this.cluster,
      region,
      place,
      world: this.world,
      network: this.network,
      random: this.random.fork(region.name),
      log: this.marks,
      codec,
      clockFaults: {
        offsetMs: options.skewsMs[place] ?? 0,
        driftPpm: options.driftsPpm[place] ?? 0,
      },
      pace: {
        timerGrainMs: options.timerGrainMs,
        turnMs: { min: 0.01, max: options.turnMsMax },
      },
      protocol: options.old[place] === true ? { min: 1, max: 1 } : undefined,
      retention: options.retention,
      sabotage: this.#options.sabotage,
      syncMs: { min: 0.01, max: options.syncMsMax ?? options.turnMsMax },
      durable: (of, entries) => this.#durable(of, entries),
      powerCut: () => this.marks.hit("sim: a power cut undid a commit"),
      started: (of) => this.kept.started(of, this.world.nowMs),
      died: (of) => this.#acts.died(of),
    });
  }

  #durable(region: SimRegion, entries: readonly LogEntry[]): void {
    this.kept.durable(region, entries);
    for (const { hash } of entries) {
      this.trace.add(`${this.world.nowMs} ${region.name} + ${toHex(hash).slice(0, 16)}`);
    }
  }
}

/** Each pair has a distance of its own. */
function latencies(
  random: Random,
  { options }: Schedule,
): (from: string, to: string) => { readonly min: number; readonly max: number } {
  const byPair = new Map<string, { readonly min: number; readonly max: number }>();
  return (from, to) => {
    const key = from < to ? `${from} ${to}` : `${to} ${from}`;
    let range = byPair.get(key);
    if (range === undefined) {
      const min = options.latencyMs * (0.5 + random.fork(key).float());
      byPair.set(key, (range = { min, max: min + options.jitterMs }));
    }
    return range;
  };
}

/** A request that a region refused, by its code; undefined for what nobody may throw. */
export function refusalOf(error: unknown): string | undefined {
  return isAtollError(error) ? error.code : undefined;
}
