/**
 * The truth check: do two replicas hold the same, proven from the documents and not from the log?
 *
 *     lower code              higher code
 *     COMPARE-OPEN   ──▶                     cut, root of everything at or below it
 *                    ◀──  COMPARE-SAME       equal: done, one small message each way
 *                    ◀──  COMPARE-NODES      or the children of the root; see descent.ts
 *
 * The log cannot see its own losses: a flipped bit, a restored file, an entry counted and not applied.
 * The sums can, because they follow from the documents. They are compared at a cut, one timestamp per
 * region up to which both sides hold everything, and never at "now": a write under way would look like
 * divergence, and a pair that is never at rest would never be compared.
 *
 * Where the log is trimmed, the entries above a cut that lies too far back are not known any more, so a
 * region that was away for long cannot be compared at what both cover. Then the cut is what *either*
 * covers: each side compares all that it holds at or below it, differences are sent both ways, and once the
 * roots are equal each side may take the other's lanes as held (lane-adoption.ts). The same cut is taken
 * when what both cover stands still: then entries wait for a change that only documents have.
 *
 * Every comparison ends with equal roots, or is repeated at the same cut until they are; what is still
 * different after that is reported, and tried again in the next period at a new cut.
 */
import type { Hlc, LogEntry, Random, RegionCode, RegionVector } from "@atoll/core";
import {
  VECTOR_ZERO,
  joinVectors,
  limits,
  missingRegions,
  originRegion,
  unreachable,
  vectorAt,
} from "@atoll/core";
import type { Announced } from "./announced.ts";
import type { Asked } from "./comparison-answers.ts";
import { ComparisonAnswers } from "./comparison-answers.ts";
import { ComparisonOutlet } from "./comparison-outlet.ts";
import type { ComparisonCounts, ComparisonStatus } from "./comparison-verdicts.ts";
import { ComparisonVerdicts } from "./comparison-verdicts.ts";
import type { Progress } from "./opened-comparison.ts";
import { OpenedComparison } from "./opened-comparison.ts";
import type { SyncEffect } from "./effects.ts";
import { LaneAdoption } from "./lane-adoption.ts";
import type { CompareLanes, ComparisonMessage } from "./messages.ts";
import type { Peers } from "./peers.ts";
import { Standstill } from "./standstill.ts";
import type { SyncView } from "./sync-view.ts";

interface Pair {
  nextMs: number;
  /** What was exchanged and is not proven yet: a cut must cover it to be worth comparing at. */
  unproven: RegionVector | undefined;
  disturbedMs: number;
  opened: OpenedComparison | undefined;
  /** One of us lacks what the other has only in documents. */
  isTrimmed: boolean;
  /** What the peer said a cut must be at or above. */
  theirHorizon: RegionVector;
  /** No comparison at a union of cuts before. */
  unionMs: number;
  /** The newest comparison at a union that ended with equal roots. */
  equalUnion: number | undefined;
  readonly standstill: Standstill;
}

export class AntiEntropy {
  readonly #view: SyncView;
  readonly #announced: Pick<Announced, "coverage" | "cutWith" | "contig" | "said">;
  readonly #random: Random;
  readonly #verdicts: ComparisonVerdicts;
  readonly #outlet: ComparisonOutlet;
  readonly #answers: ComparisonAnswers;
  readonly #adoption: LaneAdoption;
  readonly #pairs = new Map<RegionCode, Pair>();
  #lastId = 0;

  constructor(
    view: SyncView,
    rooms: {
      readonly peers: Pick<Peers, "linkTo" | "versionOf">;
      readonly announced: Pick<Announced, "coverage" | "cutWith" | "contig" | "said">;
    },
    random: Random,
  ) {
    const { peers, announced } = rooms;
    this.#view = view;
    this.#announced = announced;
    this.#random = random;
    const verdicts = new ComparisonVerdicts(view.cluster);
    const outlet = new ComparisonOutlet(view, peers);
    this.#verdicts = verdicts;
    this.#outlet = outlet;
    const adoption = new LaneAdoption(view, { announced, outlet });
    this.#adoption = adoption;
    this.#answers = new ComparisonAnswers(view, { announced, verdicts, outlet, adoption });
  }

  /** What happened since the start. */
  get counts(): Readonly<ComparisonCounts> {
    return this.#verdicts.counts;
  }

  opened(peer: RegionCode, nowMs: number): void {
    this.#pairs.set(peer, {
      nextMs: nowMs + limits.ANTI_ENTROPY_PERIOD_MS,
      unproven: this.#answers.held(),
      disturbedMs: -Infinity,
      opened: undefined,
      isTrimmed: false,
      theirHorizon: VECTOR_ZERO,
      unionMs: nowMs + limits.ANTI_ENTROPY_RETRY_MS,
      equalUnion: undefined,
      standstill: new Standstill(),
    });
  }

  /** One of us was told that part of what it lacks is in documents alone: they are compared at once. */
  trimmed(peer: RegionCode, nowMs: number): void {
    const pair = this.#pairs.get(peer);
    if (pair === undefined || !this.#outlet.speaksOfTrimming(peer)) return;
    pair.isTrimmed = true;
    pair.unionMs = Math.min(pair.unionMs, nowMs + limits.ANTI_ENTROPY_REST_MS);
  }

  /**
   * Looks whether what both of us cover stands still, and has documents compared if it does. To be called at
   * every tick; `isAsking`: the log is still asked.
   */
  noticeStandstill(peer: RegionCode, isAsking: boolean, nowMs: number): void {
    const pair = this.#pairs.get(peer);
    if (pair === undefined) return;
    if (isAsking) return pair.standstill.forget();
    const either = joinVectors(this.#answers.held(), this.#announced.said(peer));
    const isNoticed = pair.standstill.isNoticed(this.#announced.cutWith(peer), either, nowMs);
    if (isNoticed) this.trimmed(peer, nowMs);
  }

  /** The next comparison is due now, level or not. Of the two sides only the lower code has one to make. */
  hasten(peer: RegionCode, nowMs: number): void {
    const pair = this.#pairs.get(peer);
    if (pair === undefined) return;
    pair.nextMs = nowMs - limits.ANTI_ENTROPY_PERIOD_MS;
    pair.unionMs = Math.min(pair.unionMs, nowMs);
  }

  closed(peer: RegionCode): void {
    this.#pairs.delete(peer);
    this.#verdicts.forget(peer);
  }

  status(peer: RegionCode): ComparisonStatus {
    return this.#verdicts.of(peer);
  }

  /** Entries were applied: they are proven as soon as the pair falls quiet. */
  disturbed(entries: readonly LogEntry[], nowMs: number): void {
    const newest = new Map<RegionCode, Hlc>();
    for (const { origin, hlc } of entries) {
      const region = originRegion(origin);
      if (hlc > vectorAt(newest, region)) newest.set(region, hlc);
    }
    for (const pair of this.#pairs.values()) {
      pair.unproven = joinVectors(pair.unproven ?? VECTOR_ZERO, newest);
      pair.disturbedMs = nowMs;
    }
  }

  /** When `tick` has something to do with a peer with which we are level. */
  dueMs(peer: RegionCode): number {
    const pair = this.#pairs.get(peer);
    if (pair === undefined || this.#view.region.code > peer) return Infinity;
    if (pair.opened !== undefined) return pair.opened.heardMs + limits.ANTI_ENTROPY_ANSWER_MS_MAX;
    const meet = this.#announced.cutWith(peer);
    if (this.#unionWith(peer, pair, meet) !== undefined) return pair.unionMs;
    return Math.min(pair.nextMs, provableMs(pair, meet));
  }

  /**
   * Opens a comparison with a peer when one is due. The lower code asks. Not level, one side lacks what the
   * other is known to have: the log comes first, but not for ever, because a place may stay missing.
   */
  tick(peer: RegionCode, isLevel: boolean, nowMs: number, out: SyncEffect[]): void {
    const pair = this.#pairs.get(peer);
    if (pair === undefined || this.#view.region.code > peer) return;
    if (pair.opened !== undefined) {
      if (nowMs - pair.opened.heardMs > limits.ANTI_ENTROPY_ANSWER_MS_MAX) {
        this.#end(pair, nowMs);
      }
      return;
    }
    const meet = this.#announced.cutWith(peer);
    const union = this.#unionWith(peer, pair, meet);
    if (union !== undefined) {
      if (nowMs < pair.unionMs) return;
    } else {
      if (!isLevel && nowMs < pair.nextMs + limits.ANTI_ENTROPY_PERIOD_MS) return;
      if (nowMs < pair.nextMs && nowMs < provableMs(pair, meet)) return;
      pair.unproven = undefined;
    }
    const cut = union ?? meet;
    this.#postpone(pair, nowMs);
    const opened = new OpenedComparison(
      {
        view: this.#view,
        outlet: this.#outlet,
        verdicts: this.#verdicts,
        peer,
        cut,
        union: union !== undefined,
        nextId: () => ++this.#lastId,
      },
      nowMs,
    );
    pair.opened = opened;
    this.#verdicts.counts.opened++;
    this.#goOn(pair, opened, opened.open(out), nowMs);
  }

  /**
   * Where what both cover lies below a horizon, or where one of us lacks what only documents have: the cut
   * at which everything lies that either side covers. The side that has come back compares all that it
   * holds at or below it. Undefined when the usual cut will do.
   */
  #unionWith(peer: RegionCode, pair: Pair, meet: RegionVector): RegionVector | undefined {
    if (!this.#outlet.speaksOfTrimming(peer)) return undefined;
    const horizon = joinVectors(this.#view.horizon(), pair.theirHorizon);
    if (!pair.isTrimmed && missingRegions(meet, horizon).length === 0) return undefined;
    const covered = joinVectors(this.#answers.held(), this.#announced.said(peer));
    return joinVectors(covered, horizon);
  }

  /** `bytes`: the size of its frame. */
  hear(
    peer: RegionCode,
    message: ComparisonMessage,
    bytes: number,
    nowMs: number,
    out: SyncEffect[],
  ): void {
    switch (message.kind) {
      case "compare-open":
      case "want-changes":
      case "ask-nodes":
      case "ask-documents":
      case "ask-changes":
        return this.#answers.answer(peer, message, nowMs, out);
      case "compare-lanes":
        return this.#hearLanes(peer, message, out);
      default:
        return this.#hearAnswer(peer, message, bytes, nowMs, out);
    }
  }

  #hearLanes(peer: RegionCode, message: CompareLanes, out: SyncEffect[]): void {
    const pair = this.#pairs.get(peer);
    if (!this.#adoption.hear(message, out)) {
      this.#verdicts.counts.ignored++;
      return;
    }
    if (pair?.equalUnion !== message.id) return; // it was the last word
    pair.equalUnion = undefined;
    this.#adoption.tell(peer, message, out);
  }

  #hearAnswer(
    peer: RegionCode,
    message: Exclude<ComparisonMessage, Asked | CompareLanes>,
    bytes: number,
    nowMs: number,
    out: SyncEffect[],
  ): void {
    const pair = this.#pairs.get(peer);
    const opened = pair?.opened;
    if (pair === undefined || opened === undefined) {
      this.#verdicts.counts.ignored++;
      return;
    }
    if (message.kind !== "compare-stale") {
      return this.#goOn(pair, opened, opened.hear(message, bytes, nowMs, out), nowMs);
    }
    if (!opened.concerns(message.id)) {
      this.#verdicts.counts.ignored++;
      return;
    }
    if (message.horizon !== undefined) {
      pair.theirHorizon = joinVectors(pair.theirHorizon, message.horizon);
    }
    this.#goOn(pair, opened, "over-for-now", nowMs);
  }

  #goOn(pair: Pair, opened: OpenedComparison, progress: Progress, nowMs: number): void {
    switch (progress) {
      case "asking":
        return;
      case "ignored":
        this.#verdicts.counts.ignored++;
        return;
      case "equal":
        if (opened.union) {
          pair.isTrimmed = false;
          pair.equalUnion = opened.id;
        }
        return this.#end(pair, nowMs);
      case "over-for-now":
        pair.nextMs = Math.min(pair.nextMs, nowMs + limits.ANTI_ENTROPY_RETRY_MS);
        return this.#end(pair, nowMs);
      case "over":
        return this.#end(pair, nowMs);
      default:
        return unreachable(progress);
    }
  }

  #end(pair: Pair, nowMs: number): void {
    if (pair.opened?.union === true) pair.unionMs = nowMs + limits.ANTI_ENTROPY_RETRY_MS;
    pair.opened = undefined;
    if (pair.nextMs <= nowMs) this.#postpone(pair, nowMs);
  }

  #postpone(pair: Pair, nowMs: number): void {
    pair.nextMs = nowMs + limits.ANTI_ENTROPY_PERIOD_MS * (0.8 + 0.4 * this.#random.float());
  }
}

/** When the pair has fallen quiet, if the cut covers what has not been proven; never if it does not. */
function provableMs({ unproven, disturbedMs }: Pair, cut: RegionVector): number {
  if (unproven === undefined || missingRegions(cut, unproven).length > 0) return Infinity;
  return disturbedMs + limits.ANTI_ENTROPY_REST_MS;
}
