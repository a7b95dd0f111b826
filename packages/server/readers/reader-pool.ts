/**
 * The readers of a region: as many processes as the configuration says, on one port.
 *
 * Connections come to the region's process, which hands each to the next reader (round robin of
 * `node:cluster`): the kernel alone would give most of them to one. A reader that ends is started again,
 * later each time when it ends at once. At the start all must listen; afterwards a region with fewer
 * readers is slower, and not down.
 */
import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import type { Clock, Log, Meter, Spending, Timer } from "@atoll/core";
import { limits } from "@atoll/core";
import type { FromReader, ToReader } from "./reader-messages.ts";

export interface ReaderPoolOptions {
  readonly count: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** What readers let through. */
  readonly heard: (spent: readonly Spending[]) => void;
}

/** Why a reader cannot listen, with the code of `listen`. */
export class ReaderFailure extends Error {
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

export class ReaderPool {
  readonly #options: ReaderPoolOptions;
  readonly #readers = new Set<Worker>();
  readonly #restarts = new Set<Timer>();
  #closing: Promise<void> | undefined;

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
  }

  /** How many run. */
  get size(): number {
    return this.#readers.size;
  }

  /** Resolves with the port when all listen. Rejects with `ReaderFailure` when one cannot. */
  async start(): Promise<number> {
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({ serialization: "advanced" });
    const ports: number[] = [];
    for (let i = 0; i < this.#options.count; i++) {
      // One after the other: the first to fail says it for all.
      ports.push(await new Promise<number>((resolve, reject) => this.#fork(0, resolve, reject)));
    }
    return Math.max(...ports);
  }

  /** Each finishes what it has under way. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#stopAll());
  }

  #fork(
    waitedMs: number,
    listens: (port: number) => void = () => undefined,
    fails: (reason: ReaderFailure) => void = () => undefined,
  ): void {
    const { clock, log } = this.#options;
    const reader = cluster.fork();
    const startedMs = clock.monotonicMs();
    this.#readers.add(reader);
    let isListening = false;
    reader.on("message", (message: FromReader) => {
      if (message.kind === "listening") {
        isListening = true;
        listens(message.port);
      } else if (message.kind === "failed") {
        fails(new ReaderFailure(message.message, message.code));
        log.error("reader-failed", { pid: reader.process.pid, reason: message.message });
      } else this.#hear(message);
    });
    reader.once("exit", (code, signal) => {
      this.#readers.delete(reader);
      fails(new ReaderFailure(`a reader ended (${signal ?? `exit code ${code}`})`, undefined));
      if (this.#closing !== undefined) return;
      const hasLived = clock.monotonicMs() - startedMs >= limits.READER_RESTART_MS_MAX;
      const longerMs = Math.min(waitedMs * 2, limits.READER_RESTART_MS_MAX);
      const afterMs = hasLived ? limits.READER_RESTART_MS : longerMs || limits.READER_RESTART_MS;
      log.warn("reader-ended", { pid: reader.process.pid, code, signal, isListening, afterMs });
      this.#forkLater(afterMs);
    });
  }

  #forkLater(afterMs: number): void {
    const timer = this.#options.clock.after(afterMs, () => {
      this.#restarts.delete(timer);
      this.#fork(afterMs);
    });
    this.#restarts.add(timer);
  }

  #hear(message: Extract<FromReader, { kind: "measured" | "spent" }>): void {
    const { meter, heard } = this.#options;
    if (message.kind === "spent") return heard(message.spent);
    for (const { name, labels, values } of message.measured) {
      const handle = meter.handle(name, labels);
      for (const value of values) handle(value);
    }
  }

  async #stopAll(): Promise<void> {
    for (const timer of this.#restarts) timer.cancel();
    const stop: ToReader = { kind: "stop" };
    await Promise.all(
      [...this.#readers].map(async (reader) => {
        const ended = new Promise((resolve) => reader.once("exit", resolve));
        if (reader.isConnected()) reader.send(stop);
        const overdue = this.#options.clock.after(limits.DRAIN_MS_MAX, () =>
          reader.process.kill("SIGKILL"),
        );
        await ended;
        overdue.cancel();
      }),
    );
  }
}
