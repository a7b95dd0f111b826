/**
 * What replication needs to know about its own replica: reading only.
 *
 * Declared here and satisfied by `replica` by shape. Answers may include writes that are applied but not
 * yet durable: whoever performs the effects sends nothing before they are.
 */
import type {
  ChangeHash,
  Cluster,
  DocId,
  Frontier,
  Hlc,
  Lane,
  LogEntry,
  Origin,
  Region,
  SeqRange,
  Sum,
} from "@atoll/core";
import type { DocumentSum } from "./messages.ts";

export interface SyncView {
  readonly cluster: Cluster;
  readonly region: Region;
  /** Changes when this replica finds that its file was rolled back. */
  readonly origin: Origin;
  /** Hash of the first change of every document. */
  readonly genesisHash: Uint8Array;
  readonly frontier: Frontier;
  /** Entries that were received and wait for a change they build on. */
  readonly waiting: number;
  /** A timestamp above every one of ours so far; whatever we write from now on lies above it. */
  stamp(): Hlc;
  /** What to ask for to hold a lane up to `upTo`, without what was received and waits or was bad. */
  missing(lane: Lane, upTo: number, nowMs: number): SeqRange[];
  /** Fewer than asked for where the log was trimmed or cannot be read. */
  readLog(lane: Lane, range: SeqRange, bytesMax: number): LogEntry[];
  /** Sum over all shards. */
  root(): Sum;
  shardSum(shard: number): Sum;
  shardDocuments(shard: number): DocumentSum[];
  /** Names of all changes applied to a document; empty when there is none. */
  changesOf(docId: DocId): ChangeHash[];
  findChange(docId: DocId, hash: ChangeHash): LogEntry | undefined;
  /** Bytes that a link has not handed to the operating system yet. */
  backlogBytes(link: number): number;
}
