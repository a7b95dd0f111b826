/**
 * The regions of a local cluster as a table: redrawn in place for a person who watches, once and then
 * one line per change for a log.
 */
import Table from "cli-table3";
import type { RegionStatus } from "@atoll/server";
import type { Terminal } from "./terminal.ts";

export interface RegionView {
  readonly name: string;
  readonly rest: string;
  readonly admin: string;
  /** Of the process that this command started; undefined when it is gone. */
  readonly pid: number | undefined;
  /** The command that starts the region again. */
  readonly restart: string;
  /** Undefined when it does not answer. */
  readonly status: RegionStatus | undefined;
}

export interface ClusterView {
  show(regions: readonly RegionView[]): void;
  /** Lines that stay under the table. */
  below(lines: readonly string[]): void;
}

export function createClusterView(terminal: Terminal): ClusterView {
  const live = terminal.isOutLive ? new LiveView(terminal) : undefined;
  return live ?? new LogView(terminal);
}

class LiveView implements ClusterView {
  readonly #terminal: Terminal;
  #regions: readonly RegionView[] = [];
  #below: readonly string[] = [];
  #shown: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(regions: readonly RegionView[]): void {
    this.#regions = regions;
    this.#draw();
  }

  below(lines: readonly string[]): void {
    this.#below = lines;
    this.#draw();
  }

  #draw(): void {
    const text = [
      tableText(this.#regions, this.#terminal),
      ...restartHints(this.#regions),
      "",
      ...this.#below,
    ].join("\n");
    const lines = text.split("\n");
    if (lines.join("\n") === this.#shown.join("\n")) return;
    // Up to where the last drawing began, counting lines as the terminal wrapped them.
    const up = this.#shown.reduce((rows, line) => rows + this.#rowsOf(line), 0);
    this.#terminal.print(`${up > 0 ? `\u001b[${up}A\u001b[0J` : ""}${text}`);
    this.#shown = lines;
  }

  #rowsOf(line: string): number {
    const width = plain(line).length;
    return Math.max(1, Math.ceil(width / (this.#terminal.columns ?? Infinity)));
  }
}

class LogView implements ClusterView {
  readonly #terminal: Terminal;
  #states: ReadonlyMap<string, string> | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(regions: readonly RegionView[]): void {
    const states = statesOf(regions);
    if (this.#states === undefined) {
      this.#terminal.print(tableText(regions, this.#terminal));
    } else {
      for (const [what, state] of states) {
        const before = this.#states.get(what);
        if (before !== state) this.#terminal.print(`${what}: ${before ?? "unknown"} → ${state}`);
      }
      const wentDown = regions.filter(
        (region) => isDown(region) && this.#states?.get(region.name) !== "down",
      );
      for (const hint of restartHints(wentDown)) this.#terminal.print(hint);
    }
    this.#states = states;
  }

  below(lines: readonly string[]): void {
    for (const line of lines) this.#terminal.print(line);
  }
}

/** What a line is printed about: each region, and each link as seen from one side. */
function statesOf(regions: readonly RegionView[]): Map<string, string> {
  const states = new Map<string, string>();
  for (const region of regions) {
    states.set(region.name, isDown(region) ? "down" : "up");
    for (const { region: peer, state } of region.status?.peers ?? []) {
      states.set(`${region.name} – ${peer}`, state);
    }
  }
  return states;
}

function isDown({ pid, status }: RegionView): boolean {
  return pid === undefined && status === undefined;
}

function tableText(regions: readonly RegionView[], terminal: Terminal): string {
  const table = new Table({
    head: ["region", "REST", "admin", "state", "links"],
    style: { head: [], border: [] },
  });
  for (const region of regions) {
    table.push([
      terminal.paint("bold", region.name),
      region.rest,
      region.admin,
      stateText(region, terminal),
      linksText(region, terminal),
    ]);
  }
  return table.toString();
}

function stateText(region: RegionView, terminal: Terminal): string {
  if (isDown(region)) return terminal.paint("red", "down");
  if (region.status === undefined) return terminal.paint("yellow", "no answer");
  return region.status.ready
    ? terminal.paint("green", "ready")
    : terminal.paint("yellow", "starting");
}

function linksText({ status }: RegionView, terminal: Terminal): string {
  if (status === undefined) return "";
  return status.peers
    .map(({ region, state }) => {
      const color = state === "live" ? "green" : state === "paused" ? "yellow" : "red";
      return `${region} ${terminal.paint(color, state)}`;
    })
    .join("\n");
}

function restartHints(regions: readonly RegionView[]): string[] {
  return regions
    .filter(isDown)
    .map(({ name, restart }) => `${name} is down; this starts it again: ${restart}`);
}

function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- the escape character is what is looked for
  return text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
}
