/**
 * Where a scenario acts: the fleet, its links, the clock of the run, and a book in which all that is done is
 * written down with its time.
 *
 * `during` frames every fault. What happens to clients of a region that the scenario itself has taken away is
 * not the product's doing, so a fault names the regions that it excuses, and nothing else is excused.
 */
import type { Random } from "@atoll/core";
import type { Call } from "@atoll/simulation/workload";
import { delay, systemClock } from "@atoll/core";
import type { Fleet, Region } from "../fleet/fleet.ts";
import { seesProbe, writeProbe } from "../fleet/probe.ts";
import type { RegionStatus } from "../fleet/region-admin.ts";
import type { Links } from "../network/links.ts";
import type { Observer } from "./observer.ts";

/** Clients go on seeing a fault a little after it ended: a request that was sent into it. */
const AFTERMATH_MS = 1_500;
const LOOK_MS = 50;
const DRAIN_MS_MAX = 30_000;

export interface FaultRecord {
  readonly what: string;
  readonly fromMs: number;
  toMs: number | undefined;
  /** Regions that cannot be expected to answer their clients. */
  readonly excused: readonly string[];
}

export interface Expectation {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface StageOptions {
  readonly fleet: Fleet;
  readonly observer: Observer;
  readonly random: Random;
  readonly seconds: number;
  readonly nowMs: () => number;
  /** What clients have asked and been told so far. */
  readonly calls: readonly Call[];
  /** Where a scenario may put files of its own. */
  readonly directory: string;
  readonly tell: (line: string) => void;
}

export class Stage {
  readonly fleet: Fleet;
  readonly observer: Observer;
  readonly random: Random;
  /** How long the fault shall last. */
  readonly seconds: number;
  readonly directory: string;
  readonly calls: readonly Call[];
  readonly faults: FaultRecord[] = [];
  readonly expectations: Expectation[] = [];
  readonly #options: StageOptions;

  constructor(options: StageOptions) {
    this.#options = options;
    this.fleet = options.fleet;
    this.observer = options.observer;
    this.random = options.random;
    this.seconds = options.seconds;
    this.directory = options.directory;
    this.calls = options.calls;
  }

  get links(): Links {
    return this.fleet.links;
  }

  nowMs(): number {
    return this.#options.nowMs();
  }

  region(name: string): Region {
    return this.fleet.region(name);
  }

  /** A fault that lasts as long as `body`; `excused`: regions that are gone or refuse meanwhile. */
  async during<T>(
    what: string,
    excused: readonly string[],
    body: () => Promise<T> | T,
  ): Promise<T> {
    const fault: FaultRecord = { what, fromMs: this.nowMs(), toMs: undefined, excused };
    this.faults.push(fault);
    this.#options.tell(`fault: ${what}`);
    try {
      return await body();
    } finally {
      fault.toMs = this.nowMs();
      this.#options.tell(`ended: ${what}`);
    }
  }

  wait(seconds: number): Promise<void> {
    return delay(seconds * 1_000);
  }

  /** Part of the verdict. */
  expect(what: string, ok: boolean, detail = ""): void {
    this.expectations.push({ what, ok, detail });
    this.#options.tell(`${ok ? "holds" : "FAILS"}: ${what} ${detail}`);
  }

  /** Expects it within a time, and says how long it took. */
  async expectSoon(what: string, msMax: number, isSo: () => Promise<boolean>): Promise<void> {
    const startedMs = systemClock.monotonicMs();
    const passedMs = (): number => Math.round(systemClock.monotonicMs() - startedMs);
    while (!(await isSo())) {
      if (passedMs() > msMax) return this.expect(what, false, `not within ${msMax} ms`);
      await delay(LOOK_MS);
    }
    this.expect(what, true, `after ${passedMs()} ms, at most ${msMax}`);
  }

  /** Kills a region and starts it again afterwards; what happens in between is `body`. */
  async outage(region: Region, body: () => Promise<unknown>): Promise<void> {
    await this.during(`${region.name} is killed`, [region.name], async () => {
      await region.process.kill();
      await body();
      const readyMs = await region.process.start();
      this.#options.tell(`${region.name} is ready again after ${Math.round(readyMs)} ms`);
    });
  }

  /** Sends a region's clients elsewhere, and waits until all that it has taken is in the others. */
  async drain(region: Region): Promise<void> {
    this.observer.avoid(region.place, true);
    await delay(AFTERMATH_MS);
    const untilMs = systemClock.monotonicMs() + DRAIN_MS_MAX;
    const token = await writeProbe(region);
    for (const other of this.fleet.othersThan(region.name)) {
      while (token === undefined || !(await seesProbe(region, other, token))) {
        if (systemClock.monotonicMs() > untilMs) {
          throw new Error(`what ${region.name} has taken is not in ${other.name}`);
        }
        await delay(LOOK_MS);
      }
    }
  }

  /** Its clients come back. */
  readmit(region: Region): void {
    this.observer.avoid(region.place, false);
  }

  /** Expects that `to` soon holds everything that `from` has written up to now, whichever way it comes. */
  async reaches(from: string, to: string, msMax: number): Promise<void> {
    const [writer, reader] = [this.region(from), this.region(to)];
    const token = await writeProbe(writer);
    await this.expectSoon(`what ${from} wrote is in ${to}`, msMax, () =>
      token === undefined ? Promise.resolve(false) : seesProbe(writer, reader, token),
    );
  }

  async status(name: string): Promise<RegionStatus | undefined> {
    return this.region(name).admin.status();
  }

  /** What `from` says of its link to `to`. */
  async linkState(from: string, to: string): Promise<string> {
    const status = await this.status(from);
    return status?.peers.find(({ region }) => region === to)?.state ?? "unknown";
  }

  /** A client of this region could not be served at this time, and the scenario wanted it so. */
  isExcused(region: string, fromMs: number, toMs: number): boolean {
    return this.faults.some(
      (fault) =>
        fault.excused.includes(region) &&
        toMs >= fault.fromMs &&
        fromMs <= (fault.toMs ?? Infinity) + AFTERMATH_MS,
    );
  }
}
