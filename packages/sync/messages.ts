/**
 * Everything that replicas say to each other. `PROTOCOL.md` is the grammar of the bytes, `codec.ts`
 * turns one into the other.
 *
 * Every message may be repeated, delayed or never arrive without harm: receiving twice equals
 * receiving once, and what was lost is asked for again.
 */
import type {
  Lane,
  LogEntry,
  Origin,
  RegionCode,
  RegionVector,
  SeqRange,
  Spending,
  Sum,
  TreeNode,
} from "@atoll/core";

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
  /** 16 random bytes, made once per process: tells two processes of one region apart. */
  readonly instance: Uint8Array;
}

/** The highest number that was seen of one lane of the receiver's origin. */
export interface LaneSeen {
  readonly shard: number;
  readonly seq: number;
}

/** What a proof says besides; nobody can change it on the way. */
export interface Claim {
  /** False when a refusal follows that the receiver is to believe. */
  readonly welcome: boolean;
  /** Shards ascending. */
  readonly seen: readonly LaneSeen[];
}

/** Answers the peer's HELLO with the cluster's link key: I know the secret, and this of you. */
export interface Proof extends Claim {
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

/** What clients have used of their rates at the sender since it last said so. Since version 4. */
export interface Spent {
  readonly kind: "spent";
  readonly spent: readonly Spending[];
}

/**
 * Opens a comparison: is what we hold at or below the cut the same? `changes` lets the peer divide the
 * tree as finely as the difference needs.
 */
export interface CompareOpen {
  readonly kind: "compare-open";
  readonly id: number;
  readonly cut: RegionVector;
  readonly root: Sum;
  readonly changes: number;
  /** The cut is what either side covers, and not what both do. Since version 3. */
  readonly union?: boolean | undefined;
}

export interface CompareSame {
  readonly kind: "compare-same";
  readonly id: number;
}

/** Comparing at this cut means nothing here, or costs too much. */
export interface CompareStale {
  readonly kind: "compare-stale";
  readonly id: number;
  readonly reason: "not-covered" | "tail" | "trimmed";
  /** Of `trimmed`: what the cut must be at or above to be exact at the sender. */
  readonly horizon?: RegionVector | undefined;
}

/**
 * "At this cut, where our roots are equal, I hold these lanes up to here, all of it at or below the cut."
 * What the receiver makes of it, see lane-adoption.ts. Since version 3.
 */
export interface CompareLanes {
  readonly kind: "compare-lanes";
  readonly id: number;
  readonly cut: RegionVector;
  readonly root: Sum;
  readonly lanes: readonly Announcement[];
}

/** What every question of a comparison carries, so that whoever answers need not remember it. */
interface Question {
  readonly id: number;
  readonly cut: RegionVector;
  /** Digests of 256 bits; otherwise of 64. */
  readonly wide: boolean;
  readonly union?: boolean | undefined;
}

/** What lies under a node. `digest`: the sum of its elements, its low 64 or all 256 bits. */
export interface NodeDigest {
  readonly changes: number;
  readonly digest: bigint;
}

export interface AskNodes extends Question {
  readonly kind: "ask-nodes";
  readonly nodes: readonly { readonly node: TreeNode; readonly fanBits: number }[];
}

/** Children of each node that was asked for, or of the root for an opening that found a difference. */
export interface CompareNodes {
  readonly kind: "compare-nodes";
  readonly id: number;
  readonly wide: boolean;
  readonly groups: readonly (readonly NodeDigest[])[];
}

export interface AskDocuments extends Question {
  readonly kind: "ask-documents";
  readonly nodes: readonly TreeNode[];
}

export interface DocumentDigest extends NodeDigest {
  readonly position: number;
}

/** The documents under each node, by position; `undefined` where there are too many to list. */
export interface CompareDocuments {
  readonly kind: "compare-documents";
  readonly id: number;
  readonly wide: boolean;
  readonly lists: readonly (readonly DocumentDigest[] | undefined)[];
}

export interface AskChanges extends Question {
  readonly kind: "ask-changes";
  readonly positions: readonly number[];
}

/** The elements of all changes at each position. */
export interface CompareChanges {
  readonly kind: "compare-changes";
  readonly id: number;
  readonly wide: boolean;
  readonly lists: readonly (readonly bigint[])[];
}

/** Asks for changes by element. Repair batches follow, then `wanted`. */
export interface WantChanges {
  readonly kind: "want-changes";
  readonly id: number;
  readonly elements: readonly bigint[];
  /** Of each element the position of its document, where that is known. Since version 3. */
  readonly positions?: readonly (number | undefined)[] | undefined;
}

/** `missing`: places in the question whose element is not held here. */
export interface Wanted {
  readonly kind: "wanted";
  readonly id: number;
  readonly missing: readonly number[];
}

export type RefusalCode =
  "version" | "cluster" | "identity" | "proof" | "paused" | "duplicate" | "malformed" | "leaving";

/** The last message on a link: why it ends. */
export interface Refusal {
  readonly kind: "refusal";
  readonly code: RefusalCode;
  readonly detail: string;
}

/** What is said in a comparison. */
export type ComparisonMessage =
  | CompareOpen
  | CompareSame
  | CompareStale
  | CompareLanes
  | AskNodes
  | CompareNodes
  | AskDocuments
  | CompareDocuments
  | AskChanges
  | CompareChanges
  | WantChanges
  | Wanted;

export type Message =
  Hello | Proof | Heartbeat | Batch | Need | Trimmed | Served | Spent | ComparisonMessage | Refusal;
