/**
 * The running account: what is held of every lane, and the sums that prove it.
 *
 *     element ──▶ document ──▶ bucket ──▶ shard ──▶ root        each level the sum of the one below
 *
 * Documents and buckets are stored; shards and the root are kept in memory. All of it moves with the
 * open transaction: changed buckets and lanes are written once per group, just before it commits, and
 * after a rollback the account is read again from what was committed. So a bucket equals the sum of its
 * documents in every committed state, and no crash can separate them.
 */
import type { Cluster, Lane, LogEntry, SeqRange, Sum } from "@atoll/core";
import {
  Frontier,
  LaneMap,
  SUM_ZERO,
  addSums,
  bucketOf,
  isAtollError,
  limits,
  subtractSums,
  without,
} from "@atoll/core";
import type { BucketRow, DocumentPlace, Store } from "@atoll/store";
import { loadFrontier } from "./frontier-recovery.ts";

interface Account {
  documents: number;
  changes: number;
  sum: Sum;
}

const EMPTY: Readonly<Account> = { documents: 0, changes: 0, sum: SUM_ZERO };

export interface AccountChange {
  readonly documents: number;
  readonly changes: number;
  /** The document's sum before and after. */
  readonly before: Sum;
  readonly after: Sum;
}

export class Ledger {
  readonly #store: Store;
  readonly #cluster: Cluster;
  readonly #frontier = new Frontier();
  #buckets = new Map<number, Account>();
  #shards: Account[] = [];
  #total: Account = { ...EMPTY };
  #mustRecount = false;
  #movedLanes = new LaneMap<true>();
  #movedBuckets = new Set<number>();
  /** Places in the log that hold back their lane although the entry was received: until when. */
  #aside = new LaneMap<Map<number, number>>();

  constructor(store: Store, cluster: Cluster) {
    this.#store = store;
    this.#cluster = cluster;
    this.reload();
  }

  get frontier(): Frontier {
    return this.#frontier;
  }

  /** The stored sums could not be read: every shard is to be counted from its documents. */
  get mustRecount(): boolean {
    return this.#mustRecount;
  }

  get documents(): number {
    return this.#total.documents;
  }

  get changes(): number {
    return this.#total.changes;
  }

  get root(): Sum {
    return this.#total.sum;
  }

  shard(shard: number): Readonly<Account> {
    return this.#shards[shard] ?? EMPTY;
  }

  /** An entry is applied. */
  hold(entry: LogEntry): void {
    this.#frontier.lane(entry).add(entry.seq);
    this.#movedLanes.set(entry, true);
    this.#aside.get(entry)?.delete(entry.seq);
  }

  /** Entries lo … hi of a lane were lost, or never were: they are gaps from now on. */
  lose(lane: Lane, { lo, hi }: SeqRange): boolean {
    const wasHeld = this.#frontier.lane(lane).remove(lo, hi);
    if (wasHeld) this.#movedLanes.set(lane, true);
    return wasHeld;
  }

  /** A document has changed: its bucket, shard and the root follow. */
  account(place: DocumentPlace, change: AccountChange): void {
    const key = this.#bucketKey(place);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, (bucket = { ...EMPTY }));
    const shard = (this.#shards[place.shard] ??= { ...EMPTY });
    for (const account of [bucket, shard, this.#total]) {
      account.documents += change.documents;
      account.changes += change.changes;
      account.sum = addSums(subtractSums(account.sum, change.before), change.after);
    }
    this.#movedBuckets.add(key);
  }

  /** An entry was received and cannot be applied: not to be asked for before `untilMs`. */
  setAside(entry: LogEntry, untilMs: number): void {
    let bySeq = this.#aside.get(entry);
    if (bySeq === undefined) this.#aside.set(entry, (bySeq = new Map<number, number>()));
    bySeq.set(entry.seq, untilMs);
  }

  /** What is worth asking for in a lane whose holder has everything up to `upTo`. */
  missing(lane: Lane, upTo: number, nowMs: number): SeqRange[] {
    let ranges = this.#frontier.lane(lane).missing(upTo);
    for (const [seq, untilMs] of this.#aside.get(lane) ?? []) {
      if (nowMs < untilMs) ranges = ranges.flatMap((range) => without(range, seq));
    }
    return ranges;
  }

  /** Writes what has moved into the open transaction. */
  write(): void {
    for (const [lane] of this.#movedLanes.entries()) {
      this.#store.writeFrontier(lane, this.#frontier.lane(lane));
    }
    for (const key of this.#movedBuckets) {
      const account = this.#buckets.get(key) ?? EMPTY;
      this.#store.writeBucket({ ...this.#bucketPlace(key), ...account });
    }
    this.#movedLanes.clear();
    this.#movedBuckets.clear();
  }

  /** Forgets everything that is not committed. */
  reload(): void {
    // The frontier object stays: others hold it.
    this.#frontier.replace(loadFrontier(this.#store));
    this.#buckets = new Map();
    this.#shards = [];
    this.#total = { ...EMPTY };
    for (const row of this.#storedBuckets()) this.#load(row);
    this.#movedLanes = new LaneMap();
    this.#movedBuckets = new Set();
    this.#aside = new LaneMap();
  }

  /** Makes the buckets of a shard equal to what its documents say. True when they were not. */
  recountShard(shard: number, documents: Iterable<DocumentPlace & Account>): boolean {
    const before = this.shard(shard);
    const counted = new Map<number, Account>();
    let sum = SUM_ZERO;
    for (const document of documents) {
      const key = this.#bucketKey(document);
      const account = counted.get(key) ?? { ...EMPTY };
      account.documents += 1;
      account.changes += document.changes;
      account.sum = addSums(account.sum, document.sum);
      counted.set(key, account);
      sum = addSums(sum, document.sum);
    }
    const first = shard * 2 ** limits.BUCKET_BITS;
    let changed = false;
    for (let key = first; key < first + 2 ** limits.BUCKET_BITS; key++) {
      const is = this.#buckets.get(key) ?? EMPTY;
      const should = counted.get(key) ?? EMPTY;
      if (
        Buffer.compare(is.sum, should.sum) === 0 &&
        is.changes === should.changes &&
        is.documents === should.documents
      )
        continue;
      changed = true;
      this.#buckets.set(key, { ...should });
      this.#movedBuckets.add(key);
    }
    const accounts = [...counted.values()];
    const after: Account = {
      documents: accounts.reduce((total, { documents: count }) => total + count, 0),
      changes: accounts.reduce((total, { changes }) => total + changes, 0),
      sum,
    };
    this.#total = {
      documents: this.#total.documents - before.documents + after.documents,
      changes: this.#total.changes - before.changes + after.changes,
      sum: addSums(subtractSums(this.#total.sum, before.sum), after.sum),
    };
    this.#shards[shard] = after;
    return changed;
  }

  /** The stored level as it should lie in the store once everything is written; by shard, bucket. */
  bucketRows(): BucketRow[] {
    const keys = [...this.#buckets.keys()].sort((a, b) => a - b);
    return keys.map((key) => ({
      ...this.#bucketPlace(key),
      ...(this.#buckets.get(key) ?? EMPTY),
    }));
  }

  /** None where they do not decode: whoever sees `mustRecount` counts them from the documents. */
  #storedBuckets(): BucketRow[] {
    try {
      return this.#store.readBuckets();
    } catch (error) {
      if (!isAtollError(error)) throw error;
      this.#mustRecount = true;
      return [];
    }
  }

  #load(row: BucketRow): void {
    const { documents, changes, sum } = row;
    this.#buckets.set(row.shard * 2 ** limits.BUCKET_BITS + row.bucket, {
      documents,
      changes,
      sum,
    });
    const shard = (this.#shards[row.shard] ??= { ...EMPTY });
    for (const account of [shard, this.#total]) {
      account.documents += documents;
      account.changes += changes;
      account.sum = addSums(account.sum, sum);
    }
  }

  #bucketKey({ shard, position }: DocumentPlace): number {
    const bucket = bucketOf(position, this.#cluster.shardCount, limits.BUCKET_BITS);
    return shard * 2 ** limits.BUCKET_BITS + bucket;
  }

  #bucketPlace(key: number): { shard: number; bucket: number } {
    const span = 2 ** limits.BUCKET_BITS;
    return { shard: Math.floor(key / span), bucket: key % span };
  }
}
