/**
 * Three regions on one machine: three processes, each running exactly `atoll serve --config FILE`.
 *
 * There is no other code path than production's; this file only starts, watches and stops processes.
 * Each child leads a process group of its own, so that Ctrl-C reaches the parent alone and the parent
 * decides; and each holds a channel to its parent, so that none survives it, however it dies.
 *
 * A region that stops later is shown as down and left alone: playing with outages is what a local
 * cluster is for.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Random } from "@atoll/core";
import {
  AtollError,
  REGION_NODE_OPTIONS,
  assert,
  delay,
  limits,
  must,
  systemClock,
  systemRandom,
} from "@atoll/core";
import { environmentWithoutAtoll } from "./config.ts";
import type { LocalClusterOptions, LocalPlan, LocalRegionPlan } from "./local-plan.ts";
import { planLocalCluster } from "./local-plan.ts";
import type { PreparedDirectory } from "./local-preflight.ts";
import { prepareLocalCluster } from "./local-preflight.ts";

const COMMAND = fileURLToPath(new URL("../cli/bin/atoll.mjs", import.meta.url));
const READY_LOOK_MS = 100;
const READY_ANSWER_MS_MAX = 2_000;

export interface LocalRegion extends LocalRegionPlan {
  /** Undefined while it is down. */
  readonly pid: number | undefined;
}

export interface LocalCluster {
  readonly regions: readonly LocalRegion[];
  /** Stops all regions in order; idempotent. False when one had to be killed. */
  stop(): Promise<boolean>;
  /** Ends one region as a power cut would: SIGKILL. */
  kill(region: string): Promise<void>;
  /** Starts a region that is down, and waits until it is ready. */
  restart(region: string): Promise<void>;
}

/**
 * Resolves when all three are ready. Rejects with cause and mend when not; then nothing runs.
 * `signal` gives up a start that is under way.
 */
export async function startLocalCluster(
  options: LocalClusterOptions,
  {
    random = systemRandom,
    signal,
  }: { readonly random?: Random; readonly signal?: AbortSignal } = {},
): Promise<LocalCluster> {
  const plan = planLocalCluster(options);
  const directory = await prepareLocalCluster(plan, random);
  const cluster = new ProcessCluster(plan, directory);
  signal?.addEventListener("abort", () => void cluster.stop(), { once: true });
  try {
    signal?.throwIfAborted();
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

interface Running {
  readonly process: ChildProcess;
  /** Bytes in its log from before it started. */
  readonly logOffset: number;
  /** Resolves when the process is gone, with a phrase that says how. */
  readonly ended: Promise<string>;
}

class ProcessCluster implements LocalCluster {
  readonly #plan: LocalPlan;
  readonly #directory: PreparedDirectory;
  readonly #running = new Map<string, Running>();
  #stopping: Promise<boolean> | undefined;

  constructor(plan: LocalPlan, directory: PreparedDirectory) {
    this.#plan = plan;
    this.#directory = directory;
  }

  get regions(): readonly LocalRegion[] {
    return this.#plan.regions.map((region) => ({
      ...region,
      pid: this.#running.get(region.name)?.process.pid,
    }));
  }

  async start(): Promise<void> {
    const untilMs = systemClock.monotonicMs() + limits.LOCAL_START_MS_MAX;
    await Promise.all(this.#plan.regions.map((region) => this.#startRegion(region, untilMs)));
  }

  async kill(region: string): Promise<void> {
    const running = this.#running.get(region);
    if (running === undefined) return;
    running.process.kill("SIGKILL");
    await running.ended;
  }

  async restart(region: string): Promise<void> {
    assert(!this.#running.has(region), `${region} is running`);
    const plan = must(
      this.#plan.regions.find(({ name }) => name === region),
      `the region ${region}`,
    );
    await this.#startRegion(plan, systemClock.monotonicMs() + limits.LOCAL_START_MS_MAX);
  }

  stop(): Promise<boolean> {
    return (this.#stopping ??= this.#stopAll());
  }

  async #stopAll(): Promise<boolean> {
    const patienceMs = limits.DRAIN_MS_MAX + 2 * limits.SIGNAL_REPEAT_MS_MIN;
    const allInTime = await Promise.all(
      [...this.#running.values()].map(async ({ process, ended }) => {
        let inTime = true;
        process.kill("SIGTERM");
        const timer = systemClock.after(patienceMs, () => {
          inTime = false;
          process.kill("SIGKILL");
        });
        await ended;
        timer.cancel();
        return inTime;
      }),
    );
    this.#directory.release();
    return allInTime.every(Boolean);
  }

  async #startRegion(region: LocalRegionPlan, untilMs: number): Promise<void> {
    const running = this.#spawn(region);
    let endedHow: string | undefined;
    void running.ended.then((how) => (endedHow = how));
    while (!(await isReady(region.rest))) {
      if (this.#stopping !== undefined) throw startFailure(region, "was stopped", running);
      if (endedHow !== undefined)
        throw startFailure(region, `did not start (${endedHow})`, running);
      if (systemClock.monotonicMs() > untilMs) {
        throw startFailure(region, "is not ready in time", running);
      }
      await delay(READY_LOOK_MS);
    }
  }

  #spawn(region: LocalRegionPlan): Running {
    const log = openSync(region.logFile, "a");
    const logOffset = statSync(region.logFile).size;
    const serve = [...REGION_NODE_OPTIONS, COMMAND, "serve", "--config", region.configFile];
    const child = spawn(process.execPath, serve, {
      detached: true, // a process group of its own: the terminal's Ctrl-C does not reach it
      env: environmentWithoutAtoll(),
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code ?? "unknown"}`));
    });
    const running = { process: child, logOffset, ended };
    this.#running.set(region.name, running);
    void ended.then(() => {
      if (this.#running.get(region.name) === running) this.#running.delete(region.name);
    });
    return running;
  }
}

async function isReady(restUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(new URL("/readyz", restUrl), {
      signal: AbortSignal.timeout(READY_ANSWER_MS_MAX),
    });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false; // nobody listens yet
  }
}

function startFailure(region: LocalRegionPlan, what: string, { logOffset }: Running): AtollError {
  const words = readFileSync(region.logFile).subarray(logOffset).toString("utf8").trim();
  const last = words.split("\n").slice(-limits.LOCAL_LOG_LINES_SHOWN);
  const shown = words === "" ? "" : `Its last words:\n  ${last.join("\n  ")}\n`;
  return new AtollError("internal", `The region ${region.name} ${what}`, {
    mend: `${shown}See ${region.logFile}.`,
  });
}
