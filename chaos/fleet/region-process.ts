/**
 * One region as a real process, started by the command that an operator would type, and everything that
 * may befall a process: killed, stopped in order, frozen, thawed, started again in another way.
 *
 * It leads a process group of its own, so that Ctrl-C reaches us alone and we decide; and it holds a channel
 * to us, so that it does not survive us, however we die.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REGION_NODE_OPTIONS, delay, must, systemClock } from "@atoll/core";
import type { RegionPlan } from "./region-plan.ts";
import { restUrl } from "./region-plan.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const COMMAND = join(ROOT, "packages", "cli", "bin", "atoll.mjs");
const READY_MS_MAX = 60_000;
const READY_LOOK_MS = 25;
const READY_ANSWER_MS_MAX = 1_000;
const STOP_MS_MAX = 20_000;
const LOG_LINES_SHOWN = 12;

/** How a process is started, where it is not as an operator would. */
export interface Launch {
  /** Before the command: another network, another mount. */
  readonly prefix?: readonly string[];
  /** For `node`, before the program. */
  readonly nodeOptions?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly configFile?: string;
}

/** `silent`: no answer in time, which may be the region or the machine that it shares with us. */
export type Readiness = "ready" | "not-ready" | "silent";

export class RegionProcess {
  readonly plan: RegionPlan;
  readonly #prefix: readonly string[];
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve("not started");
  #launch: Launch = {};

  constructor(plan: RegionPlan, prefix: readonly string[] = []) {
    this.plan = plan;
    this.#prefix = prefix;
  }

  get name(): string {
    return this.plan.name;
  }

  /** Undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isUp(): boolean {
    return this.#child !== undefined;
  }

  /** Resolves with a phrase that says how, when the process is gone. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** `launch` holds for the starts after this one, too. */
  spawn(launch: Launch = this.#launch): void {
    this.#launch = launch;
    const { logFile, configFile } = this.plan;
    const log = openSync(logFile, "a");
    const [command, ...args] = [
      ...this.#prefix,
      ...(launch.prefix ?? []),
      process.execPath,
      ...REGION_NODE_OPTIONS,
      ...(launch.nodeOptions ?? []),
      COMMAND,
      "serve",
      "--config",
      launch.configFile ?? configFile,
    ];
    const child = spawn(must(command, "a command"), args, {
      detached: true,
      // Nothing of ours: a variable could configure it.
      env: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", ...launch.environment },
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code ?? "unknown"}`));
    });
    void this.#ended.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
  }

  /** Starts it and waits until it is ready; how long that took. */
  async start(launch: Launch = this.#launch): Promise<number> {
    const startedMs = systemClock.monotonicMs();
    this.spawn(launch);
    await this.untilReady();
    return systemClock.monotonicMs() - startedMs;
  }

  async untilReady(): Promise<void> {
    const untilMs = systemClock.monotonicMs() + READY_MS_MAX;
    while (!(await this.isReady())) {
      if (!this.isUp) throw new Error(`${this.name} ended (${await this.#ended})\n${this.words()}`);
      if (systemClock.monotonicMs() > untilMs) {
        throw new Error(`${this.name} is not ready in ${READY_MS_MAX} ms\n${this.words()}`);
      }
      await delay(READY_LOOK_MS);
    }
  }

  async isReady(): Promise<boolean> {
    return (await this.readiness()) === "ready";
  }

  async readiness(): Promise<Readiness> {
    try {
      const signal = AbortSignal.timeout(READY_ANSWER_MS_MAX);
      const answer = await fetch(`${restUrl(this.plan)}/readyz`, { signal });
      await answer.arrayBuffer();
      return answer.status === 200 ? "ready" : "not-ready";
    } catch (error) {
      return error instanceof DOMException && error.name === "TimeoutError"
        ? "silent"
        : "not-ready";
    }
  }

  /** As a power cut would end it. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** As an operator stops it. False when it had to be killed. */
  async stop(): Promise<boolean> {
    if (this.#child === undefined) return true;
    let isInTime = true;
    this.#child.kill("SIGCONT");
    this.#child.kill("SIGTERM");
    const timer = systemClock.after(STOP_MS_MAX, () => {
      isInTime = false;
      this.#child?.kill("SIGKILL");
    });
    await this.#ended;
    timer.cancel();
    return isInTime;
  }

  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Resident bytes; undefined while it is down. */
  residentBytes(): number | undefined {
    if (this.pid === undefined) return undefined;
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
      const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]; // none of a process that has just died
      return kib === undefined ? undefined : Number(kib) * 1_024;
    } catch {
      return undefined;
    }
  }

  log(): string {
    return readFileSync(this.plan.logFile, "utf8");
  }

  /** The last it said. */
  words(): string {
    return this.log().trim().split("\n").slice(-LOG_LINES_SHOWN).join("\n");
  }
}
