/**
 * A region as an operator runs it, `atoll serve`, with its readers: for what only whole processes show.
 *
 * Processor time is the kernel's account of each process (proc(5), `stat`: user and system time), so that
 * nobody who is measured has to answer for it.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { REGION_NODE_OPTIONS, assert, must } from "@atoll/core";

const COMMAND = join(import.meta.dirname, "..", "cli", "bin", "atoll.mjs");
/** Of the kernel's accounts, on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICK_MICROS = 10_000;

interface Line {
  readonly event: string;
  readonly pid?: number;
  readonly rest?: string;
}

export class ServedRegion {
  readonly pid: number;
  readonly port: number;
  readonly readerPids: readonly number[];
  readonly #child: ChildProcess;

  /** Of the cluster `benchCluster([region])`; its database lies in `directory`. */
  static async start(options: {
    readonly region: string;
    readonly directory: string;
    readonly secret: string;
    readonly readers: number;
  }): Promise<ServedRegion> {
    const { region, directory, secret, readers } = options;
    const anywhere = "127.0.0.1:0";
    const file = join(directory, "region.yaml");
    const config = {
      region,
      cluster: { id: "bench", secret, regions: { [region]: 1 } },
      data: directory,
      listen: { rest: anywhere, admin: anywhere, peer: anywhere },
      gateway: { workers: readers },
      canary: { enabled: false },
    };
    writeFileSync(file, JSON.stringify(config));
    const serve = [...REGION_NODE_OPTIONS, COMMAND, "serve", "--config", file];
    const child = spawn(process.execPath, serve, {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    const readerPids: number[] = [];
    let rest: string | undefined;
    // Region and readers write to one pipe, each when it comes to it: their lines have no order.
    for await (const text of createInterface({ input: must(child.stdout, "its output") })) {
      const line = JSON.parse(text) as Line;
      if (line.event === "reader-started") readerPids.push(must(line.pid, "a process"));
      rest ??= line.rest;
      if (rest === undefined || readerPids.length < readers) continue;
      return new ServedRegion(child, Number(new URL(rest).port), readerPids);
    }
    throw new Error(`${region} did not start`);
  }

  private constructor(child: ChildProcess, port: number, readerPids: readonly number[]) {
    this.#child = child;
    this.pid = must(child.pid, "a process");
    this.port = port;
    this.readerPids = readerPids;
    child.stdout?.resume();
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    assert((await ended) === 0, "the region stops in order");
  }
}

/** Of a process, so far, to a hundredth of a second. */
export function processMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name may hold anything
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}
