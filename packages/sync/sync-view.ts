/**
 * What replication needs to know about its own replica: reading only.
 *
 * Declared here and satisfied by `replica` by shape. Answers may include writes that are applied but not
 * yet durable: whoever performs the effects sends nothing before they are.
 */
import type {
  Cluster,
  DocId,
  Frontier,
  Hlc,
  Lane,
  LogEntry,
  Origin,
  Region,
  RegionVector,
  SeqRange,
  Sum,
  TreeNode,
} from "@atoll/core";
import type { Announcement } from "./messages.ts";

export interface NodeSum {
  readonly changes: number;
  readonly sum: Sum;
}

export interface DocumentSum extends NodeSum {
  readonly docId: DocId;
  readonly position: number;
}

/** The replica as it was at a cut (see anti-entropy.ts). */
export interface CutView {
  readonly root: NodeSum;
  node(node: TreeNode): NodeSum;
  /** The 2^fanBits nodes below a node, in order. */
  children(node: TreeNode, fanBits: number): NodeSum[];
  /** How many documents lie under a node now. */
  documentCount(node: TreeNode): number;
  /** Those that have changes at the cut, by position; undefined when there are more than `max`. */
  documents(node: TreeNode, max: number): DocumentSum[] | undefined;
  /** The elements of a document's changes, from the document itself. */
  elements(document: DocumentSum): Sum[];
}

export interface SyncView {
  readonly cluster: Cluster;
  readonly region: Region;
  /** Changes when this replica finds that its file was rolled back. */
  readonly origin: Origin;
  /** Hash of the first change of every document. */
  readonly genesisHash: Uint8Array;
  /** Moves when entries are staged; nothing that is said of it is sent before they are durable. */
  readonly frontier: Frontier;
  /** Lanes in which the frontier has moved since the last `committed`. */
  staged(): readonly Lane[];
  /** Entries that were received and wait for a change they build on. */
  readonly waiting: number;
  /** A timestamp above every one of ours so far; whatever we write from now on lies above it. */
  stamp(): Hlc;
  /** A peer covers us up to there: we have announced it, if only in a life that this file forgot. */
  recall(announced: Hlc): void;
  /** What to ask for to hold a lane up to `upTo`, without what was received and waits or was bad. */
  missing(lane: Lane, upTo: number, nowMs: number): SeqRange[];
  /** Fewer than asked for where the log was trimmed or cannot be read. */
  readLog(lane: Lane, range: SeqRange, bytesMax: number): LogEntry[];
  /**
   * What was held at or below a cut; undefined when too much lies above it, or when the log does not know
   * any more what does. Valid until the next event.
   */
  cut(vector: RegionVector): CutView | undefined;
  /** Entries whose element has these low 64 bits. Usually one or none. */
  findElement(element64: bigint): LogEntry[];
  /** No change that the log has lost the entry of lies above it: cuts at or above it are exact. */
  horizon(): RegionVector;
  /** The changes of these elements at a position, from the documents where the log has them no more. */
  changesAt(position: number, elements: ReadonlySet<bigint>): LogEntry[];
  /** Of lanes that are news, the number up to which all is held and lies at or below the cut. */
  lanesAt(cut: RegionVector, isNews: (lane: Lane, contig: number) => boolean): Announcement[];
  /** Where an entry's document lies. */
  positionOf(entry: LogEntry): number;
  /** Up to when everything of each other region was held at the last commit. */
  coverage(): RegionVector;
  /** Bytes that a link has not handed to the operating system yet. */
  backlogBytes(link: number): number;
}
