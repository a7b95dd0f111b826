/** A server in a process of its own, so that its processor time is its own. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { REGION_NODE_OPTIONS, assert, must } from "@atoll/core";
import type { CpuProfile } from "./cpu-profile.ts";
import { summaryOf } from "./cpu-profile.ts";
import type { FromServer, ServerPlan, ToServer } from "./http-messages.ts";

export interface ServerUsage {
  readonly micros: number;
  /** Of the main thread alone: what the compiler and the collector do beside it is not in it. */
  readonly mainMicros: number;
  readonly residentBytes: number;
}

export class ServerProcess {
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #received: FromServer[] = [];
  #port = 0;
  #wake: (() => void) | undefined;
  #exitCode: number | null | undefined;

  constructor(plan: ServerPlan) {
    const name = plan.kind === "pouchdb" ? "pouchdb/server.cjs" : "http-server.ts";
    const script = join(import.meta.dirname, name);
    this.#child = fork(script, [JSON.stringify(plan)], {
      execArgv: plan.kind === "region" ? [...REGION_NODE_OPTIONS] : [],
    });
    this.#child.on("message", (message) => {
      this.#received.push(message as FromServer);
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

  /** Where it answers clients, once it is started. */
  get port(): number {
    return this.#port;
  }

  /** The port for other regions. */
  async listening(): Promise<number> {
    return (await this.#next("listening")).peerPort;
  }

  /** Until it serves; `portByRegion`: where the others listen. */
  async start(portByRegion: Readonly<Record<string, number>>): Promise<void> {
    this.#send({ kind: "peers", portByRegion });
    this.#port = (await this.#next("ready")).port;
  }

  /** So far. */
  async usage(): Promise<ServerUsage> {
    this.#send({ kind: "usage" });
    return await this.#next("usage");
  }

  /** Where its time goes while this is done. */
  async sampled(work: () => Promise<void>): Promise<CpuProfile> {
    this.#send({ kind: "sample" });
    await work();
    this.#send({ kind: "profile" });
    return summaryOf((await this.#next("profile")).profile);
  }

  async stop(): Promise<void> {
    this.#send({ kind: "stop" });
    await this.ended;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #send(message: ToServer): void {
    this.#child.send(message);
  }

  async #next<Kind extends FromServer["kind"]>(
    kind: Kind,
  ): Promise<Extract<FromServer, { kind: Kind }>> {
    while (this.#received.length === 0) {
      assert(this.#exitCode === undefined, `a server ended with exit code ${this.#exitCode}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = must(this.#received.shift(), "a message");
    assert(message.kind === kind, `${kind} is next, not ${message.kind}`);
    return message as Extract<FromServer, { kind: Kind }>;
  }
}
