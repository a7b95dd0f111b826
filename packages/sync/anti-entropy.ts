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
 * Every comparison ends with equal roots, or is repeated at the same cut until they are; what is still
 * different after that is reported, and tried again in the next period at a new cut.
 */
import type { Hlc, LogEntry, Random, RegionCode, RegionVector } from "@atoll/core";
import {
  TREE_ROOT,
  VECTOR_ZERO,
  hlcToMs,
  joinVectors,
  limits,
  missingRegions,
  originRegion,
  regionByCode,
  sumsEqual,
  unreachable,
  vectorAt,
} from "@atoll/core";
import type { Announced } from "./announced.ts";
import { encodeMessage } from "./codec.ts";
import { answerChanges, answerDocuments, answerNodes, digestOf } from "./comparison.ts";
import { Descent, fanBitsFor } from "./descent.ts";
import type { SyncEffect } from "./effects.ts";
import { batchesOf } from "./gossip.ts";
import type {
  AskChanges,
  AskDocuments,
  AskNodes,
  CompareNodes,
  CompareOpen,
  ComparisonMessage,
  WantChanges,
} from "./messages.ts";
import type { Peers } from "./peers.ts";
import type { CutView, SyncView } from "./sync-view.ts";

export type Comparison = "unknown" | "equal" | "differs";

export interface ComparisonStatus {
  readonly result: Comparison;
  /** Monotonic; undefined when never compared on this link. */
  readonly comparedMs: number | undefined;
  /** Everything up to here was equal when it was last compared; undefined when it never was. */
  readonly provenCut: RegionVector | undefined;
}

/** What happened since the start. */
export interface ComparisonCounts {
  opened: number;
  equal: number;
  /** Roots that differed. */
  descents: number;
  /** … and nothing was found to be different: a cut that was none. Stays 0. */
  falseDescents: number;
  /** Changes sent or asked for. */
  repairs: number;
  /** Comparisons that ended with different roots. */
  unresolved: number;
  /** Answers to questions that were never asked, or long ago. */
  ignored: number;
}

/** A comparison that we opened. */
interface Opened {
  readonly cut: RegionVector;
  id: number;
  pass: number;
  descent: Descent | undefined;
  /** Some pass found a difference, so that this was no false alarm. */
  foundAny: boolean;
  bytes: number;
  heardMs: number;
}

interface Pair {
  nextMs: number;
  /** What was exchanged and is not proven yet: a cut must cover it to be worth comparing at. */
  unproven: RegionVector | undefined;
  disturbedMs: number;
  result: Comparison;
  comparedMs: number | undefined;
  provenCut: RegionVector | undefined;
  opened: Opened | undefined;
}

export class AntiEntropy {
  readonly counts: ComparisonCounts = {
    opened: 0,
    equal: 0,
    descents: 0,
    falseDescents: 0,
    repairs: 0,
    unresolved: 0,
    ignored: 0,
  };
  readonly #view: SyncView;
  readonly #peers: Pick<Peers, "linkTo" | "versionOf">;
  readonly #announced: Pick<Announced, "coverage" | "cutWith">;
  readonly #random: Random;
  readonly #pairs = new Map<RegionCode, Pair>();
  #lastId = 0;

  constructor(
    view: SyncView,
    rooms: {
      readonly peers: Pick<Peers, "linkTo" | "versionOf">;
      readonly announced: Pick<Announced, "coverage" | "cutWith">;
    },
    random: Random,
  ) {
    this.#view = view;
    this.#peers = rooms.peers;
    this.#announced = rooms.announced;
    this.#random = random;
  }

  opened(peer: RegionCode, nowMs: number): void {
    this.#pairs.set(peer, {
      nextMs: nowMs + limits.ANTI_ENTROPY_PERIOD_MS,
      unproven: this.#held(),
      disturbedMs: -Infinity,
      result: "unknown",
      comparedMs: undefined,
      provenCut: undefined,
      opened: undefined,
    });
  }

  closed(peer: RegionCode): void {
    this.#pairs.delete(peer);
  }

  status(peer: RegionCode): ComparisonStatus {
    const pair = this.#pairs.get(peer);
    return {
      result: pair?.result ?? "unknown",
      comparedMs: pair?.comparedMs,
      provenCut: pair?.provenCut,
    };
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

  /** Opens a comparison with a peer when one is due. The lower code asks. */
  tick(peer: RegionCode, nowMs: number, out: SyncEffect[]): void {
    const pair = this.#pairs.get(peer);
    if (pair === undefined || this.#view.region.code > peer) return;
    if (pair.opened !== undefined) {
      if (nowMs - pair.opened.heardMs > limits.ANTI_ENTROPY_ANSWER_MS_MAX) {
        this.#end(pair, nowMs);
      }
      return;
    }
    const cut = this.#announced.cutWith(peer);
    if (nowMs < pair.nextMs && !isProvable(pair, cut, nowMs)) return;
    pair.unproven = undefined;
    this.#postpone(pair, nowMs);
    const opened: Opened = {
      cut,
      id: 0,
      pass: 0,
      descent: undefined,
      foundAny: false,
      bytes: 0,
      heardMs: nowMs,
    };
    pair.opened = opened;
    this.counts.opened++;
    this.#open(peer, pair, opened, nowMs, out);
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
        return this.#answerOpen(peer, message, nowMs, out);
      case "want-changes":
        return this.#answerWants(peer, message, out);
      case "ask-nodes":
      case "ask-documents":
      case "ask-changes": {
        const cut = this.#cutFor(message.cut);
        const { id } = message;
        if (typeof cut === "string") {
          this.#send(peer, { kind: "compare-stale", id, reason: cut }, out);
          return;
        }
        this.#send(peer, answer(cut, message, this.#view, out), out);
        return;
      }
      default:
        return this.#hearAnswer(peer, message, bytes, nowMs, out);
    }
  }

  #hearAnswer(
    peer: RegionCode,
    message: Exclude<
      ComparisonMessage,
      { kind: "compare-open" | "want-changes" | "ask-nodes" | "ask-documents" | "ask-changes" }
    >,
    bytes: number,
    nowMs: number,
    out: SyncEffect[],
  ): void {
    const pair = this.#pairs.get(peer);
    const opened = pair?.opened;
    if (pair === undefined || opened === undefined) {
      this.counts.ignored++;
      return;
    }
    if (message.kind === "compare-stale") {
      if (message.id !== opened.id && opened.descent === undefined) {
        this.counts.ignored++;
        return;
      }
      pair.nextMs = Math.min(pair.nextMs, nowMs + limits.ANTI_ENTROPY_RETRY_MS);
      return this.#end(pair, nowMs);
    }
    opened.heardMs = nowMs;
    opened.bytes += bytes;
    if (message.id === opened.id && opened.descent === undefined) {
      if (message.kind === "compare-same") return this.#same(pair, opened, nowMs);
      if (message.kind === "compare-nodes") {
        return this.#differs(peer, pair, opened, message, nowMs, out);
      }
    }
    const cut = this.#view.cut(opened.cut);
    if (cut === undefined) return this.#end(pair, nowMs);
    const known =
      message.kind !== "compare-same" && opened.descent?.answered(message, cut, out) === true;
    if (!known) this.counts.ignored++;
    else this.#go(peer, pair, opened, nowMs, out);
  }

  #open(peer: RegionCode, pair: Pair, opened: Opened, nowMs: number, out: SyncEffect[]): void {
    const cut = this.#view.cut(opened.cut);
    if (cut === undefined) {
      pair.nextMs = Math.min(pair.nextMs, nowMs + limits.ANTI_ENTROPY_RETRY_MS);
      return this.#end(pair, nowMs);
    }
    const { sum, changes } = cut.root;
    opened.id = ++this.#lastId;
    opened.descent = undefined;
    const { id } = opened;
    this.#send(peer, { kind: "compare-open", id, cut: opened.cut, root: sum, changes }, out);
  }

  #answerOpen(peer: RegionCode, message: CompareOpen, nowMs: number, out: SyncEffect[]): void {
    const { id } = message;
    const cut = this.#cutFor(message.cut);
    if (typeof cut === "string") {
      this.#send(peer, { kind: "compare-stale", id, reason: cut }, out);
      return;
    }
    const { sum, changes } = cut.root;
    const pair = this.#pairs.get(peer);
    if (sumsEqual(sum, message.root)) {
      if (pair !== undefined) this.#conclude(pair, message.cut, nowMs);
      this.#send(peer, { kind: "compare-same", id }, out);
      return;
    }
    if (pair !== undefined) this.#doubt(peer, pair, nowMs, out);
    const group = cut
      .children(TREE_ROOT, fanBitsFor(changes - message.changes))
      .map((node) => ({ changes: node.changes, digest: digestOf(node.sum, false) }));
    this.#send(peer, { kind: "compare-nodes", id, wide: false, groups: [group] }, out);
  }

  #answerWants(peer: RegionCode, { id, elements }: WantChanges, out: SyncEffect[]): void {
    const missing: number[] = [];
    const entries = elements.flatMap((element, place) => {
      const found = this.#view.findElement(BigInt.asIntN(64, element));
      if (found.length === 0) missing.push(place);
      return found;
    });
    entries.sort((a, b) => a.hlc - b.hlc || a.seq - b.seq);
    this.#repair(peer, entries, out);
    this.#send(peer, { kind: "wanted", id, missing }, out);
  }

  #same(pair: Pair, opened: Opened, nowMs: number): void {
    if (opened.pass > 0 && !opened.foundAny) this.counts.falseDescents++;
    this.#conclude(pair, opened.cut, nowMs);
    this.#end(pair, nowMs);
  }

  #differs(
    peer: RegionCode,
    pair: Pair,
    opened: Opened,
    { groups }: CompareNodes,
    nowMs: number,
    out: SyncEffect[],
  ): void {
    this.#doubt(peer, pair, nowMs, out);
    const cut = this.#view.cut(opened.cut);
    const group = groups[0];
    if (opened.pass === 0) this.counts.descents++;
    const isExhausted = opened.bytes > limits.ANTI_ENTROPY_BYTES_MAX;
    if (opened.pass >= limits.ANTI_ENTROPY_PASSES_MAX) {
      this.counts.unresolved++;
      const fields = { region: this.#nameOf(peer), cut: readable(opened.cut) };
      out.push({ kind: "report", level: "error", event: "comparison-unresolved", fields });
    }
    if (
      cut === undefined ||
      group === undefined ||
      isExhausted ||
      opened.pass >= limits.ANTI_ENTROPY_PASSES_MAX
    ) {
      return this.#end(pair, nowMs);
    }
    // The digests of the first pass agreed although the roots did not: 64 bits were not enough.
    const wide = opened.pass > 0 && !opened.foundAny;
    const descent = new Descent({
      view: this.#view,
      cut: opened.cut,
      wide,
      nextId: () => ++this.#lastId,
    });
    opened.descent = descent;
    opened.pass++;
    if (wide) descent.beginWide();
    else descent.begin(group, cut);
    this.#go(peer, pair, opened, nowMs, out);
  }

  /** Sends what was found and asks on; at the end, compares again at the same cut. */
  #go(peer: RegionCode, pair: Pair, opened: Opened, nowMs: number, out: SyncEffect[]): void {
    const { descent } = opened;
    if (descent === undefined) return;
    this.#repair(peer, descent.takeFound(), out);
    const questions = descent.takeQuestions();
    for (const question of questions) opened.bytes += this.#send(peer, question, out);
    const isExhausted =
      opened.bytes > limits.ANTI_ENTROPY_BYTES_MAX ||
      descent.repairs > limits.ANTI_ENTROPY_REPAIRS_MAX;
    if (!descent.isDone && !isExhausted) return;
    if (descent.foundAny) opened.foundAny = true;
    this.counts.repairs += descent.repairs;
    if (!isExhausted) return this.#open(peer, pair, opened, nowMs, out);
    // What was repaired does not differ any more, so the next comparison goes on where this one ends.
    pair.nextMs = Math.min(pair.nextMs, nowMs + limits.ANTI_ENTROPY_RETRY_MS);
    this.#end(pair, nowMs);
  }

  #end(pair: Pair, nowMs: number): void {
    pair.opened = undefined;
    if (pair.nextMs <= nowMs) this.#postpone(pair, nowMs);
  }

  #conclude(pair: Pair, cut: RegionVector, nowMs: number): void {
    this.counts.equal++;
    pair.result = "equal";
    pair.comparedMs = nowMs;
    pair.provenCut = cut;
  }

  #doubt(peer: RegionCode, pair: Pair, nowMs: number, out: SyncEffect[]): void {
    if (pair.result !== "differs") {
      const fields = { region: this.#nameOf(peer) };
      out.push({ kind: "report", level: "warn", event: "roots-differ", fields });
    }
    pair.result = "differs";
    pair.comparedMs = nowMs;
  }

  /** Everything that is held here now. */
  #held(): RegionVector {
    const own = new Map([[this.#view.region.code, this.#view.stamp()]]);
    return joinVectors(this.#announced.coverage, own);
  }

  /** The copy at a peer's cut, or why it cannot be compared there. */
  #cutFor(vector: RegionVector): CutView | "not-covered" | "tail" {
    if (missingRegions(this.#held(), vector).length > 0) return "not-covered";
    return this.#view.cut(vector) ?? "tail";
  }

  #repair(peer: RegionCode, entries: readonly LogEntry[], out: SyncEffect[]): void {
    const link = this.#peers.linkTo(peer);
    if (link === undefined || entries.length === 0) return;
    for (const batch of batchesOf(entries)) {
      const frame = encodeMessage(
        { kind: "batch", repair: true, entries: batch },
        this.#peers.versionOf(peer),
      );
      out.push({ kind: "send", link, frame });
    }
    const fields = { region: this.#nameOf(peer), entries: entries.length };
    out.push({ kind: "report", level: "warn", event: "repair-sent", fields });
  }

  #postpone(pair: Pair, nowMs: number): void {
    pair.nextMs = nowMs + limits.ANTI_ENTROPY_PERIOD_MS * (0.8 + 0.4 * this.#random.float());
  }

  #nameOf(peer: RegionCode): string {
    return regionByCode(this.#view.cluster, peer)?.name ?? `region ${peer}`;
  }

  /** Returns the size of the frame. */
  #send(peer: RegionCode, message: ComparisonMessage, out: SyncEffect[]): number {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return 0;
    const frame = encodeMessage(message, this.#peers.versionOf(peer));
    out.push({ kind: "send", link, frame });
    return frame.length;
  }
}

/** The pair has fallen quiet, and the cut covers what has not been proven. */
function isProvable({ unproven, disturbedMs }: Pair, cut: RegionVector, nowMs: number): boolean {
  if (unproven === undefined || nowMs - disturbedMs < limits.ANTI_ENTROPY_REST_MS) return false;
  return missingRegions(cut, unproven).length === 0;
}

function answer(
  cut: CutView,
  question: AskNodes | AskDocuments | AskChanges,
  { cluster }: SyncView,
  out: SyncEffect[],
): ComparisonMessage {
  switch (question.kind) {
    case "ask-nodes":
      return answerNodes(cut, question);
    case "ask-documents":
      return answerDocuments(cut, question, cluster, out);
    case "ask-changes":
      return answerChanges(cut, question, cluster, out);
    default:
      return unreachable(question);
  }
}

/** Region code → RFC 3339, for a log line. */
function readable(cut: RegionVector): Record<string, string> {
  return Object.fromEntries(
    [...cut].map(([region, hlc]) => [region, new Date(hlcToMs(hlc)).toISOString()]),
  );
}
