/**
 * The process around one region: from start to exit code.
 *
 *     SIGTERM, SIGINT, parent gone ──▶ orderly stop, at most DRAIN_MS_MAX ──▶ 0
 *     the same signal again        ──▶ at once                            ──▶ 1
 *     anything nobody caught       ──▶ one log line, at once              ──▶ 70
 *
 * A process in an unknown state must not go on: it could acknowledge a write that it does not hold. The
 * log is the truth and survives any crash, so stopping is the safe answer to every surprise.
 *
 * The same command in a process that a region has forked is one of its readers.
 */
import cluster from "node:cluster";
import type { Log } from "@atoll/core";
import { limits, systemClock } from "@atoll/core";
import type { RegionConfig } from "./config.ts";
import { createPinoLog } from "./pino-log.ts";
import type { RunningRegion } from "./region.ts";
import { hearStopRequest } from "./stop-request.ts";

/** EX_SOFTWARE of sysexits.h: a fault of ours, not of the operator. */
export const EXIT_CRASHED = 70;
const EXIT_STOPPED = 0;
const EXIT_CUT_SHORT = 1;

/** Runs until the process is told to stop; then the process exits. Rejects when it cannot start. */
export async function serve(config: RegionConfig): Promise<void> {
  if (cluster.isWorker) return (await import("./readers/reader.ts")).serveReads(config);
  const log = createPinoLog({
    level: config.logLevel,
    self: config.region.name,
    clock: systemClock,
  });
  crashOnSurprise(log);
  // Heard before the start, so that a signal during a long recovery is not lost.
  const stop = hearStopRequest(() => process.exit(EXIT_CUT_SHORT));
  // Loaded here, so that the other commands need not wait for Automerge and SQLite.
  const { startRegion } = await import("./region.ts");
  const region = await startRegion(config, { log });
  const reason = await stop.requested;
  log.info("region-stopping", { reason });
  await closeInTime(region, log);
  process.exit(EXIT_STOPPED);
}

function crashOnSurprise(log: Log): void {
  const crash = (event: string) => (error: unknown) => {
    log.error(event, { error });
    process.exit(EXIT_CRASHED);
  };
  process.on("uncaughtException", crash("uncaught-exception"));
  process.on("unhandledRejection", crash("unhandled-rejection"));
}

async function closeInTime(region: RunningRegion, log: Log): Promise<void> {
  const overdue = systemClock.after(limits.DRAIN_MS_MAX + limits.SIGNAL_REPEAT_MS_MIN, () => {
    log.error("region-stop-overdue", { afterMs: limits.DRAIN_MS_MAX });
    process.exit(EXIT_CUT_SHORT);
  });
  await region.close();
  overdue.cancel();
  log.info("region-stopped");
}
