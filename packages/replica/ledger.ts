/**
 * The running account: what is held of every lane, what that covers, and the sums that prove it.
 *
 * All of it moves with the open transaction. What has changed is written once per group, just before it
 * commits, and after a rollback the account is read again from what was committed.
 */
import type { Cluster, Lane, LogEntry, RegionVector, SeqRange, Sum } from "@atoll/core";
import { Frontier, LaneMap, VECTOR_ZERO, isAtollError } from "@atoll/core";
import type { BucketRow, DocumentPlace, Store } from "@atoll/store";
import { loadFrontier } from "./frontier-recovery.ts";
import type { Account, AccountChange } from "./tree.ts";
import { Tree } from "./tree.ts";

export class Ledger {
  readonly tree: Tree;
  readonly #store: Store;
  readonly #frontier = new Frontier();
  #movedLanes = new LaneMap<true>();
  /** Places in the log that hold back their lane although the entry was received: until when. */
  #aside = new LaneMap<Map<number, number>>();
  #coverage: RegionVector;
  #isCoverageMoved = false;

  constructor(store: Store, cluster: Cluster) {
    this.#store = store;
    this.tree = new Tree(store, cluster);
    this.#coverage = this.coverage;
    this.#loadFrontier();
  }

  get frontier(): Frontier {
    return this.#frontier;
  }

  /** The stored sums could not be read: every shard is to be counted from its documents. */
  get mustRecount(): boolean {
    return this.tree.mustRecount;
  }

  get documents(): number {
    return this.tree.root.documents;
  }

  get changes(): number {
    return this.tree.root.changes;
  }

  get root(): Sum {
    return this.tree.root.sum;
  }

  shard(shard: number): Account {
    return this.tree.shard(shard);
  }

  /** Up to when everything of each other region was held at the last commit. */
  get coverage(): RegionVector {
    try {
      return this.#store.readCoverage();
    } catch (error) {
      if (!isAtollError(error)) throw error;
      return VECTOR_ZERO; // it does not decode: peers will say it again
    }
  }

  /** Up to when everything of each other region is held, as this process knows it. */
  get covered(): RegionVector {
    return this.#coverage;
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
    this.tree.account(place, change);
  }

  /**
   * Everything of each other region is held up to here. Remembered with the next group, so that after a
   * restart a session or a comparison need not wait for a region that is down.
   */
  cover(coverage: RegionVector): void {
    this.#coverage = coverage;
    this.#isCoverageMoved = true;
  }

  /** An entry was received and cannot be applied: not to be asked for before `untilMs`, monotonic. */
  setAside(entry: LogEntry, untilMs: number): void {
    let bySeq = this.#aside.get(entry);
    if (bySeq === undefined) this.#aside.set(entry, (bySeq = new Map<number, number>()));
    bySeq.set(entry.seq, untilMs);
  }

  /** It may be asked for again. */
  clearAside(entry: LogEntry): void {
    this.#aside.get(entry)?.delete(entry.seq);
  }

  /** Places whose entry waits here may be asked for again. */
  clearWaiting(): void {
    for (const [, bySeq] of this.#aside.entries()) {
      for (const [seq, untilMs] of bySeq) if (untilMs === Infinity) bySeq.delete(seq);
    }
  }

  /** What is worth asking for in a lane whose holder has everything up to `upTo`. */
  missing(lane: Lane, upTo: number, nowMs: number): SeqRange[] {
    const missing = this.#frontier.lane(lane).missing(upTo);
    const aside = [...(this.#aside.get(lane) ?? [])]
      .filter(([, untilMs]) => nowMs < untilMs)
      .map(([seq]) => seq)
      .sort((a, b) => a - b);
    if (aside.length === 0) return missing;
    // One sweep over both: thousands may wait in one lane.
    const ranges: SeqRange[] = [];
    let at = 0;
    for (const { lo, hi } of missing) {
      let from = lo;
      while ((aside[at] ?? Infinity) < lo) at++;
      for (; (aside[at] ?? Infinity) <= hi; at++) {
        const seq = aside[at] ?? hi;
        if (seq > from) ranges.push({ lo: from, hi: seq - 1 });
        from = seq + 1;
      }
      if (from <= hi) ranges.push({ lo: from, hi });
    }
    return ranges;
  }

  /** Writes what has moved into the open transaction. */
  write(): void {
    for (const [lane] of this.#movedLanes.entries()) {
      this.#store.writeFrontier(lane, this.#frontier.lane(lane));
    }
    this.#movedLanes.clear();
    this.tree.write();
    if (this.#isCoverageMoved) this.#store.writeCoverage(this.#coverage);
    this.#isCoverageMoved = false;
  }

  /** Forgets everything that is not committed. */
  reload(): void {
    this.tree.reload();
    this.#loadFrontier();
    this.#movedLanes = new LaneMap();
    this.#aside = new LaneMap();
    this.#isCoverageMoved = false;
  }

  /** The stored level as it should lie in the store once everything is written; by shard, bucket. */
  bucketRows(): BucketRow[] {
    return this.tree.rows();
  }

  /** Makes the buckets of a shard equal to what its documents say. True when they were not. */
  recountShard(shard: number): boolean {
    return this.tree.recountShard(shard);
  }

  #loadFrontier(): void {
    // The frontier object stays: others hold it.
    this.#frontier.replace(loadFrontier(this.#store));
  }
}
