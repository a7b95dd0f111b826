/**
 * Two servers under the same load by turns, so that whatever else the machine does at the moment weighs on
 * both: the ratio of their processor time is what a bench of HTTP tells.
 */
import { assert, systemClock } from "@atoll/core";
import { driveHttp } from "./http-connections.ts";
import type { ServerProcess } from "./http-server-process.ts";

/** Requests that may come to an end. */
export type Requests = () => Buffer | undefined;

export class Cost {
  requests = 0;
  cpuMicros = 0;
  wallMs = 0;

  get microsPerRequest(): number {
    return this.cpuMicros / this.requests;
  }

  get requestsPerSecond(): number {
    return (this.requests / this.wallMs) * 1e3;
  }
}

/** Drives a server for so long, or until there are no more requests; adds what it cost. */
export async function drive(
  server: ServerProcess,
  cost: Cost,
  load: { readonly connections: number; readonly ms: number; readonly requests: Requests },
): Promise<void> {
  const cpuMicros = await server.cpuMicros();
  const startMs = systemClock.monotonicMs();
  const endMs = startMs + load.ms;
  const answered = await driveHttp({
    ...{ port: server.port, connections: load.connections },
    next: () => (systemClock.monotonicMs() < endMs ? load.requests() : undefined),
  });
  cost.wallMs += systemClock.monotonicMs() - startMs;
  cost.cpuMicros += (await server.cpuMicros()) - cpuMicros;
  cost.requests += answered;
  assert(answered > 0, "the server answers");
}
