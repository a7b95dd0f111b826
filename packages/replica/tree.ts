/**
 * The Merkle tree: how many documents and changes lie under every prefix of the position space, and the
 * sum of their elements.
 *
 *     element ──▶ document ──▶ bucket ──▶ shard ──▶ root        each level the sum of the one below
 *
 * Documents and buckets are stored; shards and the root are kept in memory. Every shard has as many
 * buckets as its documents need, and nobody else is told: a sum over a prefix does not depend on how deep
 * one keeps it. What lies below a bucket is summed from its documents when asked.
 *
 * All of it moves with the open transaction: changed buckets are written once per group, just before it
 * commits, and after a rollback the tree is read again from what was committed. So a bucket equals the
 * sum of its documents in every committed state, and no crash can separate them.
 */
import type { Cluster, Sum, TreeNode } from "@atoll/core";
import {
  SUM_BYTES,
  SUM_ZERO,
  accumulate,
  assert,
  bucketOf,
  childrenOf,
  isAtollError,
  limits,
  nodeRange,
  shardRange,
} from "@atoll/core";
import type { BucketRow, DocumentPlace, DocumentSumRow, Store } from "@atoll/store";

export interface Account {
  readonly documents: number;
  readonly changes: number;
  readonly sum: Sum;
}

export interface AccountChange {
  readonly documents: number;
  readonly changes: number;
  /** The document's sum before and after. */
  readonly before: Sum;
  readonly after: Sum;
}

const NOTHING: Account = { documents: 0, changes: 0, sum: SUM_ZERO };
/** Document rows read at a time while a shard is divided anew. */
const PAGE = 1_000;

/** The buckets of one shard, side by side: a million profiles are some thirty thousand of them. */
class Buckets {
  readonly depth: number;
  readonly documents: Uint32Array;
  readonly changes: Uint32Array;
  readonly sums: Uint8Array;
  readonly moved = new Set<number>();
  /** The stored rows are of another depth. */
  redivided = false;

  constructor(depth: number) {
    this.depth = depth;
    this.documents = new Uint32Array(2 ** depth);
    this.changes = new Uint32Array(2 ** depth);
    this.sums = new Uint8Array(2 ** depth * SUM_BYTES);
  }

  add(bucket: number, account: Account): void {
    this.documents[bucket] = (this.documents[bucket] ?? 0) + account.documents;
    this.changes[bucket] = (this.changes[bucket] ?? 0) + account.changes;
    accumulate(this.sums, bucket * SUM_BYTES, account.sum, 0, 1);
  }

  at(bucket: number): Account {
    return {
      documents: this.documents[bucket] ?? 0,
      changes: this.changes[bucket] ?? 0,
      sum: this.sums.slice(bucket * SUM_BYTES, (bucket + 1) * SUM_BYTES),
    };
  }

  /** Sum over `count` buckets. */
  total(first: number, count: number): Account {
    let documents = 0;
    let changes = 0;
    const sum = new Uint8Array(SUM_BYTES);
    for (let bucket = first; bucket < first + count; bucket++) {
      if (this.changes[bucket] === 0 && this.documents[bucket] === 0) continue;
      documents += this.documents[bucket] ?? 0;
      changes += this.changes[bucket] ?? 0;
      accumulate(sum, 0, this.sums, bucket * SUM_BYTES, 1);
    }
    return { documents, changes, sum };
  }
}

export class Tree {
  readonly #store: Store;
  readonly #shardCount: number;
  readonly #shardDepth: number;
  #shards = new Map<number, Buckets>();
  /** Sums over whole shards, so that the upper levels are read off. */
  #totals = new Map<number, Account>();
  #root: Account = NOTHING;
  #version = 0;
  /** Some of what is stored could not be: all is counted from the documents. */
  #isDamaged = false;
  readonly #crowded = new Set<number>();
  /** Shards of which something is to be written. Most groups move one of 256: the others are not looked at. */
  readonly #moved = new Set<number>();

  constructor(store: Store, { shardCount }: Cluster) {
    this.#store = store;
    this.#shardCount = shardCount;
    this.#shardDepth = Math.log2(shardCount);
    this.reload();
  }

  get root(): Account {
    return this.#root;
  }

  /** Differs whenever anything in the tree may. */
  get version(): number {
    return this.#version;
  }

  shard(shard: number): Account {
    return this.#totals.get(shard) ?? NOTHING;
  }

  /** A document has changed: its bucket, shard and the root follow. */
  account(place: DocumentPlace, change: AccountChange): void {
    const buckets = this.#bucketsOf(place.shard);
    const bucket = this.#bucketOf(place, buckets);
    const sum = new Uint8Array(change.after);
    accumulate(sum, 0, change.before, 0, -1);
    const delta = { documents: change.documents, changes: change.changes, sum };
    buckets.add(bucket, delta);
    buckets.moved.add(bucket);
    this.#moved.add(place.shard);
    this.#totals.set(place.shard, plus(this.shard(place.shard), delta));
    this.#root = plus(this.#root, delta);
    this.#version++;
    this.#noteCrowd(place.shard, buckets);
  }

  /** What lies under a node. */
  node(node: TreeNode): Account {
    const below = node.depth - this.#shardDepth;
    if (below <= 0) {
      const count = 2 ** -below;
      let account = NOTHING;
      for (let shard = node.index * count; shard < (node.index + 1) * count; shard++) {
        account = plus(account, this.shard(shard));
      }
      return account;
    }
    const span = 2 ** below;
    const buckets = this.#shards.get(Math.floor(node.index / span));
    if (buckets === undefined) return NOTHING;
    if (below > buckets.depth) return totalOf(this.documents(node));
    const count = 2 ** (buckets.depth - below);
    return buckets.total((node.index % span) * count, count);
  }

  /** What lies under each of the 2^fanBits nodes below a node. */
  children(node: TreeNode, fanBits: number): Account[] {
    const depth = node.depth + fanBits - this.#shardDepth;
    const shard = Math.floor(node.index / 2 ** (node.depth - this.#shardDepth));
    const isBelowBuckets =
      node.depth >= this.#shardDepth && depth > (this.#shards.get(shard)?.depth ?? 0);
    if (!isBelowBuckets) return childrenOf(node, fanBits).map((child) => this.node(child));
    const accounts: Account[] = Array.from({ length: 2 ** fanBits }, () => NOTHING);
    const { from, to } = nodeRange(node);
    for (const row of this.documents(node)) {
      const child = Math.floor(((row.position - from) / (to - from)) * 2 ** fanBits);
      accounts[child] = plus(accounts[child] ?? NOTHING, accountOf(row));
    }
    return accounts;
  }

  /** The documents under a node, by position; the first `max` if there are more. */
  documents(node: TreeNode, max = Infinity): DocumentSumRow[] {
    return [...this.#documentsIn(nodeRange(node), max)];
  }

  /** The stored level as it should lie in the store, by shard, then bucket; what is empty left out. */
  rows(): BucketRow[] {
    const shards = [...this.#shards].sort(([a], [b]) => a - b);
    return shards.flatMap(([shard, buckets]) =>
      Array.from({ length: 2 ** buckets.depth }, (_, bucket) => ({
        shard,
        bucket: 2 ** buckets.depth + bucket,
        ...buckets.at(bucket),
      })).filter(({ documents, changes }) => documents > 0 || changes > 0),
    );
  }

  /** Writes what has moved into the open transaction. */
  write(): void {
    for (const shard of this.#moved) {
      const buckets = this.#bucketsOf(shard);
      if (buckets.redivided) this.#store.clearBuckets(shard);
      const moved = buckets.redivided ? buckets.documents.keys() : buckets.moved;
      for (const bucket of moved) {
        const account = buckets.at(bucket);
        if (buckets.redivided && account.documents === 0 && account.changes === 0) continue;
        this.#store.writeBucket({ shard, bucket: 2 ** buckets.depth + bucket, ...account });
      }
      buckets.moved.clear();
      buckets.redivided = false;
    }
    if (this.#moved.size > 0) this.#moved.clear();
  }

  /** Forgets everything that is not committed. */
  reload(): void {
    this.#shards = new Map();
    this.#totals = new Map();
    this.#root = NOTHING;
    this.#version++;
    this.#crowded.clear();
    this.#moved.clear();
    this.#isDamaged = false;
    for (const row of this.#stored()) this.#load(row);
    for (let shard = 0; this.#isDamaged && shard < this.#shardCount; shard++) {
      this.recountShard(shard);
    }
    for (const [shard, buckets] of this.#shards) this.#noteCrowd(shard, buckets);
  }

  /** The buckets of some shard have become too full. */
  get isCrowded(): boolean {
    return this.#crowded.size > 0;
  }

  /** Divides one shard anew whose buckets have become too full. Needs an open transaction. */
  deepen(): void {
    for (const shard of this.#crowded) {
      this.#crowded.delete(shard);
      this.#divide(shard, depthFor(this.shard(shard).documents));
      return;
    }
  }

  /** Makes the buckets of a shard equal to what its documents say. True when they were not. */
  recountShard(shard: number): boolean {
    const before = this.#shards.get(shard) ?? new Buckets(limits.BUCKET_BITS_MIN);
    const total = this.shard(shard);
    const after = this.#divide(shard, before.depth);
    const isRight =
      Buffer.compare(before.sums, after.sums) === 0 &&
      Buffer.compare(bytesOf(before.documents), bytesOf(after.documents)) === 0 &&
      Buffer.compare(bytesOf(before.changes), bytesOf(after.changes)) === 0;
    return !isRight || Buffer.compare(total.sum, this.shard(shard).sum) !== 0;
  }

  #divide(shard: number, depth: number): Buckets {
    const buckets = new Buckets(depth);
    buckets.redivided = true;
    for (const row of this.#documentsIn(shardRange(shard, this.#shardCount))) {
      buckets.add(this.#bucketOf(row, buckets), accountOf(row));
    }
    this.#root = minus(this.#root, this.shard(shard));
    this.#shards.set(shard, buckets);
    this.#moved.add(shard);
    this.#totals.set(shard, buckets.total(0, 2 ** depth));
    this.#root = plus(this.#root, this.shard(shard));
    this.#version++;
    return buckets;
  }

  /**
   * Buckets are numbered in heap order, 2^depth + place, so that each row tells how its shard is divided.
   * A row that fits nowhere was damaged, and with it the sum of a shard that cannot be told from it: it is
   * left out, and all are counted again.
   */
  #load(row: BucketRow): void {
    const depth = Math.floor(Math.log2(Math.max(1, row.bucket)));
    const isShard = row.shard >= 0 && row.shard < this.#shardCount;
    const isBucket = row.bucket >= 1 && depth <= limits.BUCKET_BITS_MAX;
    // Looked at before anything is made of it: a number that a flipped bit made huge asks for as much memory.
    const buckets =
      isShard && isBucket ? (this.#shards.get(row.shard) ?? new Buckets(depth)) : undefined;
    if (buckets?.depth !== depth) {
      this.#isDamaged = true;
      return;
    }
    this.#shards.set(row.shard, buckets);
    buckets.add(row.bucket - 2 ** depth, row);
    this.#totals.set(row.shard, plus(this.shard(row.shard), row));
    this.#root = plus(this.#root, row);
  }

  /** None where they do not decode. */
  #stored(): BucketRow[] {
    try {
      return this.#store.readBuckets();
    } catch (error) {
      if (!isAtollError(error)) throw error;
      this.#isDamaged = true;
      return [];
    }
  }

  #noteCrowd(shard: number, { depth }: Buckets): void {
    const room = 2 ** depth * limits.BUCKET_DOCUMENTS * 2;
    const isCrowded = this.shard(shard).documents > room && depth < limits.BUCKET_BITS_MAX;
    if (isCrowded) this.#crowded.add(shard);
  }

  #bucketsOf(shard: number): Buckets {
    let buckets = this.#shards.get(shard);
    if (buckets === undefined) {
      this.#shards.set(shard, (buckets = new Buckets(limits.BUCKET_BITS_MIN)));
    }
    return buckets;
  }

  #bucketOf({ position }: { readonly position: number }, { depth }: Buckets): number {
    return bucketOf(position, this.#shardCount, depth);
  }

  *#documentsIn(
    { from, to }: { readonly from: number; readonly to: number },
    max = Infinity,
  ): Generator<DocumentSumRow> {
    let after: DocumentPlace | undefined;
    for (let left = max; left > 0; left -= PAGE) {
      const limit = Math.min(PAGE, left);
      const rows = this.#store.listSums({ from, to, limit, after });
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return;
      after = { ...last, shard: 0 };
    }
  }
}

/** Buckets for so many documents in a shard, as a power of two. */
export function depthFor(documents: number): number {
  const wanted = Math.ceil(Math.log2(Math.max(1, documents / limits.BUCKET_DOCUMENTS)));
  return Math.min(limits.BUCKET_BITS_MAX, Math.max(limits.BUCKET_BITS_MIN, wanted));
}

function accountOf(row: DocumentSumRow): Account {
  return { documents: 1, changes: row.changeCount, sum: row.sum };
}

function totalOf(rows: readonly DocumentSumRow[]): Account {
  return rows.reduce((total, row) => plus(total, accountOf(row)), NOTHING);
}

function plus(a: Account, b: Account): Account {
  return combine(a, b, 1);
}

function minus(a: Account, b: Account): Account {
  return combine(a, b, -1);
}

function combine(a: Account, b: Account, sign: 1 | -1): Account {
  assert(a.sum.length === SUM_BYTES, "a sum has 32 bytes");
  const sum = new Uint8Array(a.sum);
  accumulate(sum, 0, b.sum, 0, sign);
  return {
    documents: a.documents + sign * b.documents,
    changes: a.changes + sign * b.changes,
    sum,
  };
}

function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
