/**
 * One region as production runs it, `atoll serve`, for a bench to kill: its file stays, its port stays.
 *
 * Clients add one to a counter, each to its own, one after the other. A counter loses nothing in silence:
 * it shows how many additions are there, and the client knows how many were answered.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync, openSync, closeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { delay, must } from "@atoll/core";

const COMMAND = fileURLToPath(new URL("../cli/bin/atoll.mjs", import.meta.url));
const LOOK_MS = 20;
const START_MS_MAX = 60_000;
const ANSWER_MS_MAX = 10_000;

/** What one client knows of its counter. */
export interface Tally {
  readonly id: string;
  acknowledged: number;
  sent: number;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class CrashRegion {
  readonly database: string;
  readonly tallies: readonly Tally[];
  readonly #configFile: string;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #url = "";
  ended: Promise<Ending> = Promise.resolve({ code: 0, signal: null });

  constructor(directory: string, clients: number) {
    mkdirSync(directory, { recursive: true });
    this.database = join(directory, "atoll.db");
    this.#configFile = join(directory, "atoll.yaml");
    this.#logFile = join(directory, "atoll.log");
    writeFileSync(this.#configFile, CONFIG);
    this.tallies = Array.from({ length: clients }, (_, client) => ({
      id: `client-${client}`,
      acknowledged: 0,
      sent: 0,
    }));
  }

  /** `before`: what comes before the command's own arguments, such as a tracer. False: it ended first. */
  async start(
    nodeOptions: readonly string[] = [],
    before: readonly string[] = [],
  ): Promise<boolean> {
    writeFileSync(this.#logFile, "");
    const log = openSync(this.#logFile, "a");
    const serve = [
      process.execPath,
      ...nodeOptions,
      COMMAND,
      "serve",
      "--config",
      this.#configFile,
    ];
    const [program, ...args] = [...before, ...serve];
    const child = spawn(must(program, "a program"), args, { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    let isGone = false;
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        isGone = true;
        resolve({ code, signal });
      });
    });
    for (let waitedMs = 0; waitedMs < START_MS_MAX && !isGone; waitedMs += LOOK_MS) {
      this.#url = /"rest":"(http:[^"]+)"/.exec(this.words)?.[1] ?? "";
      if (this.#url !== "" && (await this.#isReady())) return true;
      await delay(LOOK_MS);
    }
    return false;
  }

  /** What it has said. */
  get words(): string {
    return readFileSync(this.#logFile, "utf8");
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#child?.kill(signal);
  }

  /** All clients add until the region answers nobody, or refuses. */
  async load(): Promise<void> {
    await Promise.all(this.tallies.map((tally) => this.#addUntilGone(tally)));
  }

  /** How many additions are there. What is refused for the moment (408, 503) is asked again: it is not lost. */
  async shown({ id }: Tally): Promise<number> {
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const answer = await this.#ask("GET", id);
      if (answer.status === 404) return 0;
      const text = await answer.text();
      if (answer.ok) {
        const profile = JSON.parse(text) as { stats?: { followers?: number } };
        return profile.stats?.followers ?? 0;
      }
      if (waitedMs > ANSWER_MS_MAX) throw new Error(`${id} is not shown: ${answer.status} ${text}`);
      await delay(LOOK_MS);
    }
  }

  async #addUntilGone(tally: Tally): Promise<void> {
    for (;;) {
      tally.sent++;
      try {
        const answer = await this.#ask("PATCH", `${tally.id}?upsert=true`, ADD_ONE);
        await answer.arrayBuffer();
        if (!answer.ok) return;
        tally.acknowledged++;
      } catch {
        return;
      }
    }
  }

  #ask(method: string, path: string, body?: string): Promise<Response> {
    return fetch(`${this.#url}/v1/profiles/${path}`, {
      method,
      ...(body !== undefined && { body, headers: { "content-type": OPERATIONS } }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
  }

  async #isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#url}/readyz`);
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  }
}

const OPERATIONS = "application/vnd.atoll.ops+json";
const ADD_ONE = JSON.stringify([{ op: "increment", path: "/stats/followers", by: 1 }]);
const CONFIG = `region: us-east-1
cluster: { id: crash, secret: "a secret for crashing regions", regions: { us-east-1: 1 } }
data: .
listen: { rest: "127.0.0.1:0", admin: "127.0.0.1:0", peer: "127.0.0.1:0" }
`;
