/**
 * What a region takes of its machine at one moment, seen from outside: memory and write-ahead log.
 *
 * The young generation is told apart, because it is V8's and not ours. It doubles when objects come fast, up to 128 MiB,
 * and keeps what it has: a program that only makes and forgets objects grows by as much, and leaks nothing.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Region } from "./fleet.ts";

const YOUNG_SPACE = /^nodejs_heap_space_size_total_bytes\{space="new"[^}]*\} (\S+)$/m;

export interface Footprint {
  readonly region: string;
  /** Undefined while it is down. */
  readonly residentBytes: number | undefined;
  /** The part of it that V8 holds for objects that have just been made; undefined when it does not answer. */
  readonly youngBytes: number | undefined;
  readonly walBytes: number;
}

export async function footprintOf(region: Region): Promise<Footprint> {
  const young = YOUNG_SPACE.exec((await region.admin.metrics()) ?? "")?.[1];
  return {
    region: region.name,
    residentBytes: region.process.residentBytes(),
    youngBytes: young === undefined ? undefined : Number(young),
    walBytes: walBytesOf(region),
  };
}

/** As the process sees it, which may have mounts of its own. Nothing while there is no log. */
function walBytesOf({ process, plan }: Region): number {
  const root = process.pid === undefined ? "/" : `/proc/${process.pid}/root`;
  const file = join(root, plan.dataDirectory, "atoll.db-wal");
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
