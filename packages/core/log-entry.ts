/**
 * The unit of truth: one write, as the log keeps it and as replicas send it.
 *
 *     (shard, origin, seq)   its place: dense, from 1, never reused
 *     docId, hash, change    one Automerge change and its name
 *     containers             changes that create the containers it writes into; deterministic, the same
 *                            bytes in every region, therefore carried and not counted
 *     hlc, dep               when it was written, and what its writer had seen
 */
import type { Hlc } from "./hlc.ts";
import type { ChangeHash, DocId, Origin } from "./ids.ts";
import type { RegionVector } from "./region-vector.ts";

export interface LogEntry {
  readonly shard: number;
  readonly origin: Origin;
  readonly seq: number;
  readonly hlc: Hlc;
  readonly docId: DocId;
  readonly hash: ChangeHash;
  readonly dep: RegionVector;
  /** Uncompressed Automerge chunk of type 1. */
  readonly change: Uint8Array;
  /** Parents before children. */
  readonly containers: readonly Uint8Array[];
}

/** What an entry weighs in a batch, a budget or a queue: payload plus a fixed share of metadata. */
export function entryBytes(entry: LogEntry): number {
  let bytes = 96 + entry.change.length;
  for (const container of entry.containers) bytes += container.length;
  return bytes;
}
