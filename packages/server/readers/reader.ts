/**
 * One reader: a process that answers plain reads from its region's file, and hands everything else over.
 *
 *     open the file read-only ─▶ listen on the port that all readers share ─▶ until told to stop
 *
 * It holds nothing that is not in the file, so it may die at any moment and be started again. Without its
 * region it is of no use: `node:cluster` ends it when the region's process is gone.
 */
import cluster from "node:cluster";
import { join } from "node:path";
import type { Cluster, Log } from "@atoll/core";
import { deriveClusterKeys, limits, must, systemClock, systemRandom } from "@atoll/core";
import { HandOver, createReadingApp } from "@atoll/gateway";
import { ReadingService } from "@atoll/replica/reading";
import { openSqliteStore } from "@atoll/store";
import type { RegionConfig } from "../config.ts";
import { openEntrance } from "../entrance.ts";
import { listenForHttp } from "../http-listener.ts";
import { createPinoLog } from "../pino-log.ts";
import type { FromReader, ToReader } from "./reader-messages.ts";
import { HAND_OVER_SOCKET } from "./reader-messages.ts";
import { RelayedMeter } from "./relayed-meter.ts";

/** Runs until the region says so; then the process exits. */
export async function serveReads(config: RegionConfig): Promise<void> {
  const number = must(cluster.worker, "the process of a reader").id;
  const self = `${config.region.name}/reader-${number}`;
  const log = createPinoLog({ level: config.logLevel, self, clock: systemClock });
  // A terminal signals the whole group; when to stop is for the region to say, which stops last.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
  const stopped = new Promise<void>((resolve) => {
    process.on("message", (message: ToReader) => message.kind === "stop" && resolve());
  });
  let reader: Reader;
  try {
    reader = await startReader(config, log);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    tell({ kind: "failed", code, message }, () => process.exit(1));
    return;
  }
  log.info("reader-started", { pid: process.pid, port: reader.port });
  tell({ kind: "listening", port: reader.port });
  await stopped;
  await reader.close();
  process.exit(0);
}

interface Reader {
  readonly port: number;
  close(): Promise<void>;
}

async function startReader(config: RegionConfig, log: Log): Promise<Reader> {
  const { region, dataDirectory, readers } = config;
  const keys = deriveClusterKeys(config.cluster.secret, config.cluster.id);
  const { id, shards: shardCount, regions } = config.cluster;
  const of: Cluster = { id, shardCount, regions, keys };
  const store = openSqliteStore({ path: join(dataDirectory, "atoll.db"), isReadOnly: true });
  const service = new ReadingService({ store, cluster: of, region: region.code });
  const entrance = openEntrance(config, systemClock, log);
  const { rates } = entrance.clients;
  rates.sharedBy(1, readers); // each lets through its part, and the region hears of it
  const telling = setRepeated(limits.SPENT_PERIOD_MS, () => {
    const spent = rates.takeSpent();
    if (spent.length > 0) tell({ kind: "spent", spent });
  });
  const meter = new RelayedMeter(systemClock, (measured) => tell({ kind: "measured", measured }));
  const handOver = new HandOver({ socketPath: join(dataDirectory, HAND_OVER_SOCKET), log });
  const app = createReadingApp({
    read: (profile, token) => service.read(profile, token),
    handOver,
    gate: entrance.clients,
    meter,
    clock: systemClock,
    random: systemRandom,
    log,
    logRequests: config.logRequests,
    region: region.name,
    corsOrigins: config.corsOrigins,
    isTraced: config.tracing !== undefined,
  });
  const listener = await listenForHttp(app, config.listen.rest, systemClock);
  return {
    port: listener.address.port,
    async close() {
      await listener.close();
      telling.cancel();
      meter.flush();
      handOver.close();
      entrance.close();
      store.close();
    },
  };
}

function tell(message: FromReader, then?: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, then);
}

function setRepeated(everyMs: number, act: () => void): { cancel(): void } {
  let timer = systemClock.after(everyMs, again);
  function again(): void {
    act();
    timer = systemClock.after(everyMs, again);
  }
  return { cancel: () => timer.cancel() };
}
