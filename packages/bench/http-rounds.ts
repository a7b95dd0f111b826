/**
 * Two servers under the same load by turns, so that whatever else the machine does at the moment weighs on
 * both: the ratio of their processor time is what a bench of HTTP tells.
 */
import { assert, systemClock } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import { driveHttp } from "./http-connections.ts";
import type { ServerProcess } from "./http-server-process.ts";
import type { Table } from "./table.ts";
import { rounded } from "./table.ts";

/** Requests that may come to an end. */
export type Requests = () => Buffer | undefined;

export class Cost {
  requests = 0;
  cpuMicros = 0;
  mainMicros = 0;
  wallMs = 0;

  get microsPerRequest(): number {
    return this.cpuMicros / this.requests;
  }

  get requestsPerSecond(): number {
    return (this.requests / this.wallMs) * 1e3;
  }
}

/** Drives a server for so long, but for one request at least, or until there are no more; adds what it cost. */
export async function drive(
  server: ServerProcess,
  cost: Cost,
  load: { readonly connections: number; readonly ms: number; readonly requests: Requests },
): Promise<void> {
  const before = await server.usage();
  const startMs = systemClock.monotonicMs();
  const endMs = startMs + load.ms;
  let asked = 0;
  const answered = await driveHttp({
    ...{ port: server.port, connections: load.connections },
    next: () => (asked++ === 0 || systemClock.monotonicMs() < endMs ? load.requests() : undefined),
  });
  cost.wallMs += systemClock.monotonicMs() - startMs;
  const after = await server.usage();
  cost.cpuMicros += after.micros - before.micros;
  cost.mainMicros += after.mainMicros - before.mainMicros;
  cost.requests += answered;
  assert(answered > 0, "the server answers");
}

/** The row of somebody else's server; none where it could not be measured, for the reason that `tell` was told. */
export function shownPeer(
  peer: ServerProcess | { readonly reason: string },
  cost: Cost,
): Readonly<Record<string, Cost>> {
  return "reason" in peer ? {} : { PouchDB: cost };
}

/** How many times as much as this a request costs. */
export function ratioTo(bare: Cost): (cost: Cost) => number {
  return (cost) => rounded(cost.microsPerRequest / bare.microsPerRequest, 2);
}

export function costFigures(bare: Cost, costs: Readonly<Record<string, Cost>>): JsonObject {
  const figures = Object.entries({ bare, ...costs }).map(([name, cost]) => {
    const cpuMicros = rounded(cost.microsPerRequest, 1);
    const mainMicros = rounded(cost.mainMicros / cost.requests, 1);
    const perSecond = Math.round(cost.requestsPerSecond);
    const { requests } = cost;
    return [name, { cpuMicros, ratio: ratioTo(bare)(cost), mainMicros, requests, perSecond }];
  });
  return Object.fromEntries(figures) as JsonObject;
}

export function costTable(
  what: string,
  clients: number,
  bare: Cost,
  costs: Readonly<Record<string, Cost>>,
): Table {
  return {
    title: `Processor time of the server per ${what}, ${clients} clients`,
    columns: ["", "µs", "÷ bare", "of the main thread", "requests", "per second"],
    rows: Object.entries({ bare, ...costs }).map(([name, cost]) => [
      ...[name, rounded(cost.microsPerRequest, 1), ratioTo(bare)(cost)],
      ...[
        rounded(cost.mainMicros / cost.requests, 1),
        cost.requests,
        Math.round(cost.requestsPerSecond),
      ],
    ]),
  };
}
