/**
 * The running account: what is held of every lane, what that covers, and the sums that prove it.
 *
 * All of it moves with the open transaction. What has changed is written once per group, just before it
 * commits, and after a rollback the account is read again from what was committed.
 */
import type {
  Cluster,
  Hlc,
  Lane,
  LogEntry,
  RegionCode,
  RegionVector,
  SeqRange,
  Sum,
} from "@atoll/core";
import {
  Frontier,
  LaneMap,
  VECTOR_ZERO,
  assert,
  isAtollError,
  joinVectors,
  originRegion,
  vectorAt,
} from "@atoll/core";
import type { BucketRow, DocumentPlace, LogSize, Store } from "@atoll/store";
import { loadStanding } from "./frontier-recovery.ts";
import type { Account, AccountChange } from "./tree.ts";
import { Tree } from "./tree.ts";

export class Ledger {
  readonly tree: Tree;
  readonly #store: Store;
  readonly #shardCount: number;
  readonly #frontier = new Frontier();
  #movedLanes = new LaneMap<true>();
  /** Places in the log that hold back their lane although the entry was received: until when. */
  #aside = new LaneMap<Map<number, number>>();
  #coverage: RegionVector;
  #isCoverageMoved = false;
  #trimmed = new LaneMap<number>();
  #adopted = new LaneMap<number>();
  #horizon: RegionVector = VECTOR_ZERO;
  #isHorizonMoved = false;
  /** What is stored of trimming was damaged: all of it is written anew. */
  #isTrimmedDerived = false;

  constructor(store: Store, cluster: Cluster) {
    this.#store = store;
    this.#shardCount = cluster.shardCount;
    this.tree = new Tree(store, cluster);
    this.#coverage = this.coverage;
    this.#loadStanding();
  }

  get frontier(): Frontier {
    return this.#frontier;
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

  /** Places of a lane at or below may have no row in the log, although they are held. */
  trimmedThrough(lane: Lane): number {
    return this.#trimmed.get(lane) ?? 0;
  }

  /** All lanes of which something is trimmed, with how far. */
  trimmedLanes(): Generator<readonly [Lane, number]> {
    return this.#trimmed.entries();
  }

  /**
   * Per region, a timestamp that no change without a row lies above. What lies above a cut is found in
   * the log alone, so sums are exact at cuts at or above it, and nowhere else.
   */
  get horizon(): RegionVector {
    return this.#horizon;
  }

  /** Rows up to here go, of which the newest was written at `hlc`. Needs an open group. */
  trim(lane: Lane, through: number, hlc: Hlc): LogSize {
    assert(through <= this.#frontier.contig(lane), "only what is held without gaps is trimmed");
    const removed = this.#store.trimLog(lane, through);
    this.#trimmed.set(lane, Math.max(through, this.trimmedThrough(lane)));
    this.raiseHorizon(originRegion(lane.origin), hlc);
    return removed;
  }

  /** A change without a row is here now, written at `hlc` or before. */
  raiseHorizon(region: RegionCode, hlc: Hlc): void {
    if (hlc <= vectorAt(this.#horizon, region)) return;
    this.#horizon = joinVectors(this.#horizon, new Map([[region, hlc]]));
    this.#isHorizonMoved = true;
  }

  /** All of 1 … upTo is proven to be here, with or without its rows. True when that is news. */
  adopt(lane: Lane, upTo: number): boolean {
    if (!this.#frontier.lane(lane).adopt(upTo)) return false;
    this.#movedLanes.set(lane, true);
    this.#trimmed.set(lane, Math.max(upTo, this.trimmedThrough(lane)));
    this.#adopted.set(lane, upTo);
    return true;
  }

  /** An entry is applied. */
  hold(entry: LogEntry): void {
    this.#frontier.lane(entry).add(entry.seq);
    this.#movedLanes.set(entry, true);
    this.#aside.get(entry)?.delete(entry.seq);
  }

  /**
   * Entries lo … hi of a lane were lost, or never were: they are gaps from now on. Not what is trimmed:
   * the log is not asked about it, and if its change is lost, comparing finds that.
   */
  lose(lane: Lane, range: SeqRange): boolean {
    const lo = Math.max(range.lo, this.trimmedThrough(lane) + 1);
    if (lo > range.hi) return false;
    const wasHeld = this.#frontier.lane(lane).remove(lo, range.hi);
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
    if (this.#isTrimmedDerived) this.#store.clearTrimmed();
    const trimmed = this.#isTrimmedDerived ? this.#trimmed : this.#adopted;
    for (const [lane, through] of trimmed.entries()) this.#store.writeTrimmed(lane, through);
    if (this.#isHorizonMoved || this.#isTrimmedDerived) this.#store.writeHorizon(this.#horizon);
    this.#adopted.clear();
    this.#isHorizonMoved = false;
    this.#isTrimmedDerived = false;
    if (this.#isCoverageMoved) this.#store.writeCoverage(this.#coverage);
    this.#isCoverageMoved = false;
  }

  /** Forgets everything that is not committed. */
  reload(): void {
    this.tree.reload();
    this.#loadStanding();
    this.#movedLanes = new LaneMap();
    this.#adopted = new LaneMap();
    this.#isHorizonMoved = false;
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

  #loadStanding(): void {
    const { frontier, trimmed, horizon, isDerived } = loadStanding(this.#store, this.#shardCount);
    this.#frontier.replace(frontier); // the object stays: others hold it
    this.#trimmed = trimmed;
    this.#horizon = horizon;
    this.#isTrimmedDerived = isDerived;
  }
}
