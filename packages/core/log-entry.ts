/**
 * The unit of truth: one write, as the log keeps it and as replicas send it.
 *
 *     (shard, origin, seq)   its place: dense, from 1, never reused
 *     docId, hash, change    one Automerge change and its name
 *     containers             changes that create the containers it writes into; deterministic, the same
 *                            bytes in every region, therefore carried and not counted
 *     hlc, dep               when it was written, and what its writer had seen
 *
 * A change whose entry was trimmed from the log lives on in its document. Rebuilt from there it is
 * *placeless*: its number is 0, its `hlc` and `dep` are upper bounds, and `times` says what its document
 * knows of its times. It belongs to no place, is never pushed and never kept in a log.
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
  /** Of a placeless change only: when its document was created and last changed. */
  readonly times?: { readonly created: Hlc; readonly updated: Hlc };
}

/** It comes from a document, because no log has it any more. */
export function isPlaceless({ seq }: Pick<LogEntry, "seq">): boolean {
  return seq === 0;
}

/** What an entry weighs in a batch, a budget or a queue: payload plus a fixed share of metadata. */
export function entryBytes(entry: LogEntry): number {
  let bytes = 96 + entry.change.length;
  for (const container of entry.containers) bytes += container.length;
  return bytes;
}
