/**
 * Everything that replicas say to each other. `PROTOCOL.md` is the grammar of the bytes, `codec.ts`
 * turns one into the other.
 *
 * Every message may be repeated, delayed or never arrive without harm: receiving twice equals
 * receiving once, and what was lost is asked for again.
 */
import type {
  ChangeHash,
  DocId,
  Lane,
  LogEntry,
  Origin,
  RegionCode,
  SeqRange,
  Sum,
} from "@atoll/core";
import type { RegionVector } from "@atoll/core";

/** First on every link, both ways: who I am, and what we must agree on to talk at all. */
export interface Hello {
  readonly kind: "hello";
  readonly versionMin: number;
  readonly versionMax: number;
  readonly clusterId: string;
  readonly region: RegionCode;
  readonly origin: Origin;
  readonly shardCount: number;
  readonly genesisHash: Uint8Array;
  readonly treeEpoch: number;
  /** 16 random bytes, answered in the peer's proof. */
  readonly nonce: Uint8Array;
}

/** Answers the peer's nonce with the cluster's link key: 32 bytes. */
export interface Proof {
  readonly kind: "proof";
  readonly mac: Uint8Array;
}

/** What the sender holds without gaps in a lane. */
export interface Announcement extends Lane {
  readonly contig: number;
}

/**
 * "I hold these lanes up to here, and with them everything up to `vector`." Follows, in the same
 * ordered stream, every entry it speaks of. `full`: lanes that are not named are empty.
 */
export interface Heartbeat {
  readonly kind: "heartbeat";
  readonly full: boolean;
  readonly vector: RegionVector;
  readonly lanes: readonly Announcement[];
  /** Sender's monotonic clock, milliseconds, to be echoed. */
  readonly sentMs: number;
  /** The newest `sentMs` received from the peer, plus how long it lay here; 0 when there is none. */
  readonly echoMs: number;
  /** Batch bytes the peer may send on this link, counted from its start. Version 1 knows no credit. */
  readonly grantBytes?: number | undefined;
}

/** Entries: fresh ones, an answer to a NEED, or a repair. */
export interface Batch {
  readonly kind: "batch";
  /** Repaired entries are compared by their hash, because their place in the log is taken. */
  readonly repair: boolean;
  /** They were asked for: nobody waits for their confirmation. Version 1 does not say. */
  readonly answer?: boolean | undefined;
  readonly entries: readonly LogEntry[];
}

export interface LaneRange extends Lane, SeqRange {}

export interface NeedRange extends LaneRange {
  /** `hi` is the highest the answerer has announced: what it wrote since is wanted too. */
  readonly open?: boolean | undefined;
}

/** Asks for entries of any origin, what is wanted first first. Batches follow, then `served`. */
export interface Need {
  readonly kind: "need";
  readonly id: number;
  /** Parents before children: nothing fresh is pushed into an open range before its old entries. */
  readonly oldestFirst?: boolean | undefined;
  readonly ranges: readonly NeedRange[];
}

/** What was asked for and is not in the sender's log any more. Comes before `served`. */
export interface Trimmed {
  readonly kind: "trimmed";
  readonly id: number;
  readonly ranges: readonly LaneRange[];
}

export interface Served {
  readonly kind: "served";
  readonly id: number;
}

/** Opens a comparison: is what we hold the same? `frontier`: digest of all lanes, 16 bytes. */
export interface CompareRoots {
  readonly kind: "compare-roots";
  readonly frontier: Uint8Array;
  readonly root: Sum;
}

/** `equal`, or `stale` when the frontiers differ, so that comparing means nothing. */
export interface CompareResult {
  readonly kind: "compare-result";
  readonly result: "equal" | "stale";
}

/** The sender's root differs: low 64 bits of the sum of every shard, in order. */
export interface CompareShards {
  readonly kind: "compare-shards";
  readonly frontier: Uint8Array;
  readonly sums: readonly bigint[];
}

export interface DocumentSum {
  readonly docId: DocId;
  readonly sum64: bigint;
}

/** All documents of one differing shard, as the sender has them. */
export interface CompareDocuments {
  readonly kind: "compare-documents";
  readonly shard: number;
  readonly documents: readonly DocumentSum[];
}

/** All changes that the sender has of some documents of a shard. */
export interface CompareChanges {
  readonly kind: "compare-changes";
  readonly shard: number;
  readonly documents: readonly {
    readonly docId: DocId;
    readonly hashes: readonly ChangeHash[];
  }[];
}

/** Asks for single changes by name; a repair batch answers. */
export interface WantChanges {
  readonly kind: "want-changes";
  readonly shard: number;
  readonly wants: readonly { readonly docId: DocId; readonly hash: ChangeHash }[];
}

export type RefusalCode =
  "version" | "cluster" | "identity" | "proof" | "paused" | "duplicate" | "malformed" | "leaving";

/** The last message on a link: why it ends. */
export interface Refusal {
  readonly kind: "refusal";
  readonly code: RefusalCode;
  readonly detail: string;
}

export type Message =
  | Hello
  | Proof
  | Heartbeat
  | Batch
  | Need
  | Trimmed
  | Served
  | CompareRoots
  | CompareResult
  | CompareShards
  | CompareDocuments
  | CompareChanges
  | WantChanges
  | Refusal;
