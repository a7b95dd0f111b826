/**
 * One scenario from an empty directory to a verdict.
 *
 *     start ─▶ load ─▶ warm ─▶ steady state, measured ─▶ act (fault … heal) ─▶ a little more load ─▶ quiet
 *           ─▶ equal? ─▶ verify ─▶ final states ─▶ checkers ─▶ verdict, history, report
 *
 * Whatever is thrown on the way is a failed run and not a broken suite: it is told as such, with what the
 * regions and links say, and the logs stay where they are.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import type { Random } from "@atoll/core";
import { SeededRandom, delay, errorText, systemClock } from "@atoll/core";
import type { FinalState } from "@atoll/simulation/checkers";
import type { Call } from "@atoll/simulation/workload";
import type { Region } from "../fleet/fleet.ts";
import { Fleet } from "../fleet/fleet.ts";
import { footprintOf } from "../fleet/footprint.ts";
import type { Launch } from "../fleet/region-process.ts";
import { seesProbe, writeProbe } from "../fleet/probe.ts";
import { REGIONS } from "../fleet/region-plan.ts";
import { availabilityOf } from "../judge/availability.ts";
import { readFinalStates } from "../judge/final-states.ts";
import { heard } from "../judge/signal.ts";
import type { Criterion } from "../judge/verdict.ts";
import { isAcknowledgedWrite, judgeRun } from "../judge/verdict.ts";
import { writesPerSecond } from "../judge/write-rate.ts";
import { HttpClient } from "../load/http-client.ts";
import { LOAD_DEFAULT, Load } from "../load/load.ts";
import type { Backend } from "../network/links.ts";
import { historyLines } from "../report/history-lines.ts";
import type { Scenario } from "../scenario.ts";
import type { Sample } from "./observer.ts";
import type { RunRecord } from "./run-record.ts";
import { Observer } from "./observer.ts";
import type { Expectation, FaultRecord } from "./stage.ts";
import { Stage } from "./stage.ts";

/** Of a process that has just begun most of its time goes into compiling: that is no state to compare with. */
const WARM_MS = 5_000;
const STEADY_MS = 3_000;
const AFTER_MS = 2_500;
const LOOK_MS = 50;
/** Beyond its bound a run is still watched, to say how long it took. */
const PATIENCE_FACTOR = 2;

export interface RunOptions {
  readonly scenario: Scenario;
  readonly backend: Backend;
  readonly seed: string;
  /** Of the fault. */
  readonly seconds: number;
  readonly directory: string;
  /** A module that spoils every region on purpose. */
  readonly planted?: string | undefined;
  readonly tell: (line: string) => void;
}

export interface RunDetails {
  readonly record: RunRecord;
  readonly calls: readonly Call[];
  readonly faults: readonly FaultRecord[];
  readonly samples: readonly Sample[];
}

export async function runScenario(options: RunOptions): Promise<RunDetails> {
  const run = new Run(options);
  try {
    await run.play();
  } catch (error) {
    run.failed(error);
  } finally {
    await run.close();
  }
  return run.details();
}

class Run {
  readonly #options: RunOptions;
  readonly #random: Random;
  readonly #startedMs = systemClock.monotonicMs();
  #fleet: Fleet | undefined;
  #observer: Observer | undefined;
  #load: Load | undefined;
  #client: HttpClient | undefined;
  #stage: Stage | undefined;
  #criteria: readonly Criterion[] = [];
  #writesPerSecond = 0;
  #error: string | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    mkdirSync(options.directory, { recursive: true });
  }

  async play(): Promise<void> {
    const { scenario, seed, seconds, directory, backend, tell } = this.#options;
    const nowMs = (): number => this.#nowMs();
    const fleet = await Fleet.start({
      directory,
      backend,
      random: this.#random.fork("fleet"),
      launch: (plan) => spoilt(scenario.launch?.(plan) ?? {}, this.#options.planted),
    });
    this.#fleet = fleet;
    tell(`three regions are linked after ${Math.round(nowMs())} ms`);
    const observer = new Observer(fleet, nowMs);
    this.#observer = observer;
    const client = new HttpClient(
      fleet.regions.map(({ plan }) => ({ host: plan.host, port: plan.ports.rest })),
    );
    this.#client = client;
    const shape = { ...LOAD_DEFAULT, ...scenario.load };
    const route = (place: number): number => observer.route(place);
    const load = new Load({ client, shape, seed, nowMs, route, rampMs: WARM_MS });
    this.#load = load;
    const random = this.#random.fork("scenario");
    const { calls } = load.history;
    const stage = new Stage({ fleet, observer, random, seconds, nowMs, calls, directory, tell });
    this.#stage = stage;

    observer.start();
    load.start();
    await delay(WARM_MS);
    const warmMs = nowMs();
    await delay(STEADY_MS);
    const before = await Promise.all(fleet.regions.map(footprintOf));
    const faultMs = nowMs();
    await scenario.act(stage);
    const healMs = nowMs();
    const covering = this.#untilCovered();
    await delay(AFTER_MS);
    const stopMs = nowMs();
    await load.stop();
    this.#writesPerSecond = writesPerSecond(calls, { fromMs: warmMs, toMs: stopMs });
    if (scenario.writesPerSecondMin !== undefined) {
      const what = `at least ${scenario.writesPerSecondMin} acknowledged writes a second`;
      const rate = this.#writesPerSecond;
      stage.expect(what, rate >= scenario.writesPerSecondMin, `${rate.toFixed(0)}/s`);
    }
    const equalMs = await this.#untilEqual();
    const coveredMs = await covering;
    const verified = await Promise.all(
      fleet.regions.map(async ({ name, admin }) => ({
        region: name,
        report: await admin.verify(),
      })),
    );
    const finals = await this.#finals();
    const after = await Promise.all(fleet.regions.map(footprintOf));
    await observer.stop();
    this.#criteria = judgeRun({
      calls,
      finals,
      losses: [],
      availability: availabilityOf(REGIONS, calls, (...when) => stage.isExcused(...when)),
      coveredMs,
      equalMs,
      convergeMsMax: scenario.convergeMsMax,
      verified,
      before,
      after,
      signal: scenario.signal && {
        asked: scenario.signal,
        heard: heard(scenario.signal, observer.samples, { faultMs, healMs }),
      },
      archived: this.#archive(),
    });
  }

  failed(error: unknown): void {
    const links = this.#fleet?.links.describe().join("\n  ") ?? "no links yet";
    this.#error = `${errorText(error)}\n  ${links}`;
    this.#options.tell(`error: ${this.#error}`);
  }

  async close(): Promise<void> {
    await this.#observer?.stop();
    if (this.#error !== undefined) await this.#load?.stop().catch(() => undefined);
    this.#client?.close();
    await this.#fleet?.stop();
  }

  details(): RunDetails {
    const { scenario, seed, backend, directory } = this.#options;
    const expectations = this.#stage?.expectations ?? [];
    const isSound =
      this.#error === undefined &&
      this.#criteria.length > 0 &&
      this.#criteria.every(({ ok }) => ok) &&
      expectations.every(({ ok }) => ok);
    const calls = this.#load?.history.calls ?? [];
    const record: RunRecord = {
      scenario: scenario.name,
      numbers: scenario.numbers,
      backend,
      seed,
      verdict: isSound ? "PASSED" : "FAILED",
      reason: this.#error,
      criteria: this.#criteria,
      expectations,
      convergeMsMax: scenario.convergeMsMax,
      writesPerSecond: Math.round(this.#writesPerSecond),
      acknowledged: calls.filter(isAcknowledgedWrite).length,
      wallMs: Math.round(this.#nowMs()),
      host: hostText(),
      directory,
    };
    return {
      record,
      calls,
      faults: this.#stage?.faults ?? [],
      samples: this.#observer?.samples ?? [],
    };
  }

  #nowMs(): number {
    return systemClock.monotonicMs() - this.#startedMs;
  }

  /** Until every region has everything that any had taken when the fault ended. */
  async #untilCovered(): Promise<number | undefined> {
    const regions = this.#fleet?.regions ?? [];
    const startedMs = this.#nowMs();
    const patienceMs = this.#options.scenario.convergeMsMax * PATIENCE_FACTOR;
    const tokens = new Map<Region, string>();
    const isCovered = async (from: Region): Promise<boolean> => {
      const token = tokens.get(from) ?? (await writeProbe(from));
      if (token === undefined) return false; // it is still too busy to take a write
      tokens.set(from, token);
      const others = regions.filter((to) => to !== from);
      return (await Promise.all(others.map((to) => seesProbe(from, to, token)))).every(Boolean);
    };
    while (this.#nowMs() - startedMs < patienceMs) {
      const covered = await Promise.all(regions.map(isCovered));
      if (covered.every(Boolean)) return Math.round(this.#nowMs() - startedMs);
      await delay(LOOK_MS);
    }
    return undefined;
  }

  async #untilEqual(): Promise<number | undefined> {
    try {
      const patienceMs = this.#options.scenario.convergeMsMax * PATIENCE_FACTOR;
      return Math.round((await this.#fleet?.untilEqual(patienceMs)) ?? NaN);
    } catch (error) {
      this.#options.tell(errorText(error));
      return undefined;
    }
  }

  async #finals(): Promise<FinalState[]> {
    const ids = [...new Set((this.#load?.history.calls ?? []).map(({ id }) => id))];
    return readFinalStates(this.#fleet?.regions ?? [], ids);
  }

  /** Written, and read back. */
  #archive(): Expectation {
    const { directory, seed } = this.#options;
    const calls = this.#load?.history.calls ?? [];
    const lines = historyLines(calls, this.#stage?.faults ?? [], REGIONS);
    const file = join(directory, "history.jsonl");
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const read = readFileSync(file, "utf8").trim().split("\n");
    const ok = read.length === lines.length && read.every((line) => line.startsWith("{"));
    return { what: "history", ok, detail: `seed ${seed}, ${lines.length} lines in ${file}` };
  }
}

function spoilt(launch: Launch, planted: string | undefined): Launch {
  if (planted === undefined) return launch;
  return { ...launch, nodeOptions: [...(launch.nodeOptions ?? []), "--import", planted] };
}

function hostText(): string {
  const [load = 0] = loadavg();
  return `load average ${load.toFixed(1)} on ${availableParallelism()} cores`;
}
