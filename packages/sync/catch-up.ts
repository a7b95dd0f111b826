/**
 * Pull: what a peer holds and we do not is asked for by range, of any peer, for any origin.
 *
 *     A ─╳─ C        C hears from B that B holds A's entries, waits a moment for A itself,
 *      \   /         then asks B: a cut A–C heals through B.
 *        B
 *
 * One question per peer at a time, and no lane asked of two peers at once. The next question follows
 * from what is still missing then, so there is nothing to resume and nothing to remember about a peer
 * that is gone. A question stays open as long as entries come, and may be asked of another peer when
 * none has come for a while.
 *
 * The newest ranges are asked for first: readers want fresh data, and an entry whose parents are here
 * already can be applied at once. That turns against us after a long outage on few documents: each
 * newest entry then waits for all older ones, and the whole outage would pass through the waiting room.
 * So when most of an answer had to wait, that peer is asked oldest first until we have caught up with
 * it; its running answer is replaced, not waited for. What was on its way by then comes twice, so until a first
 * answer has helped no more than a sample is asked for.
 */
import type { Lane, RegionCode, SeqRange } from "@atoll/core";
import { LaneMap, limits, originRegion, regionByCode } from "@atoll/core";
import type { Announced } from "./announced.ts";
import { Answers } from "./answers.ts";
import { encodeMessage } from "./codec.ts";
import type { Credit } from "./credit.ts";
import type { SyncEffect } from "./effects.ts";
import type { Gossip } from "./gossip.ts";
import type { Batch, LaneRange, Need, NeedRange, Trimmed } from "./messages.ts";
import type { MissingLane } from "./need-order.ts";
import { foremost, newestFirst, oldestFirst, outside } from "./need-order.ts";
import type { Peers } from "./peers.ts";
import type { SyncView } from "./sync-view.ts";

interface Question {
  readonly id: number;
  readonly asked: readonly MissingLane[];
  deadlineMs: number;
  /** Entries of the answer so far. */
  received: number;
  /** Entries that waited for a parent when the question was asked. */
  readonly waitingBefore: number;
}

interface TrimmedLane {
  readonly ranges: readonly SeqRange[];
  readonly untilMs: number;
}

export class CatchUp {
  readonly #view: SyncView;
  readonly #peers: Peers;
  readonly #announced: Announced;
  readonly #answers: Answers;
  readonly #isTrimmed: (peer: RegionCode, nowMs: number) => void;
  readonly #questions = new Map<RegionCode, Question>();
  /** Lanes in some open question. */
  readonly #asked = new LaneMap<RegionCode>();
  /** Lanes that an answer did not move: left alone until then, or until a peer says more. */
  readonly #barren = new LaneMap<{ readonly untilMs: number }>();
  readonly #oldestFirst = new Set<RegionCode>();
  /** Peers whose newest entries could mostly be applied as they came. */
  readonly #newestHelp = new Set<RegionCode>();
  readonly #trimmed = new Map<RegionCode, LaneMap<TrimmedLane>>();
  #nextId = 1;

  constructor(
    view: SyncView,
    rooms: {
      readonly peers: Peers;
      readonly announced: Announced;
      readonly gossip: Gossip;
      readonly credit: Credit;
      /** The log has not all that one of us asked for. */
      readonly isTrimmed: (peer: RegionCode, nowMs: number) => void;
    },
  ) {
    this.#view = view;
    this.#peers = rooms.peers;
    this.#announced = rooms.announced;
    this.#isTrimmed = rooms.isTrimmed;
    this.#answers = new Answers(view, { ...rooms, toldTrimmed: rooms.isTrimmed });
  }

  closed(peer: RegionCode): void {
    this.#forget(peer);
    this.#forgetOrder(peer);
    this.#trimmed.delete(peer);
    this.#answers.closed(peer);
  }

  /** Nothing is being asked of this peer and nothing it holds is missing here. */
  idle(peer: RegionCode): boolean {
    return !this.#questions.has(peer) && this.#isCaughtUp(peer);
  }

  /** This peer is being asked. */
  isAsking(peer: RegionCode): boolean {
    return this.#questions.has(peer);
  }

  /** An answer to this peer is under way: whatever is less urgent waits. */
  busyServing(peer: RegionCode): boolean {
    return this.#answers.isBusy(peer);
  }

  /** What we miss and this peer has trimmed from its log: only its documents can tell. */
  trimmed(peer: RegionCode): LaneRange[] {
    const trimmed: LaneRange[] = [];
    for (const [lane, { ranges }] of this.#trimmed.get(peer)?.entries() ?? []) {
      for (const range of ranges) {
        const missing = this.#view.frontier.lane(lane).missing(range.hi);
        if (missing.some(({ hi }) => hi >= range.lo)) trimmed.push({ ...lane, ...range });
      }
    }
    return trimmed;
  }

  /** Asks each live peer for what it holds and we do not. */
  ask(nowMs: number, out: SyncEffect[]): void {
    for (const [peer, question] of this.#questions) {
      if (nowMs >= question.deadlineMs) this.#forget(peer);
      else if (question.received >= limits.NEED_SAMPLE_ENTRIES && this.#mostWait(question)) {
        if (this.#turn(peer)) this.#forget(peer);
      }
    }
    for (const peer of this.#peers.live()) {
      if (!this.#questions.has(peer)) this.#askPeer(peer, nowMs, out);
    }
  }

  /** Part of an answer is here: it goes on. */
  received(peer: RegionCode, batch: Batch, nowMs: number): void {
    const question = this.#questions.get(peer);
    const isAnswer = batch.answer === true || this.#peers.versionOf(peer) === 1;
    if (question === undefined || batch.repair || !isAnswer) return;
    question.deadlineMs = nowMs + limits.NEED_TIMEOUT_MS;
    question.received += batch.entries.length;
  }

  /** The peer cannot give some of what was asked for: others are asked. */
  onTrimmed(peer: RegionCode, message: Trimmed, nowMs: number, out: SyncEffect[]): void {
    if (this.#questions.get(peer)?.id !== message.id) return;
    let byLane = this.#trimmed.get(peer);
    if (byLane === undefined) this.#trimmed.set(peer, (byLane = new LaneMap()));
    const untilMs = nowMs + limits.TRIMMED_RETRY_MS;
    const fresh = new LaneMap<SeqRange[]>();
    for (const { shard, origin, lo, hi } of message.ranges) {
      const lane = { shard, origin };
      if (this.#asked.get(lane) !== peer) continue;
      const ranges = fresh.get(lane);
      if (ranges === undefined) fresh.set(lane, [{ lo, hi }]);
      else ranges.push({ lo, hi });
    }
    for (const [lane, ranges] of fresh.entries()) {
      const earlier = byLane.get(lane)?.ranges ?? [];
      const kept = earlier.slice(0, limits.NEED_RANGES_MAX - ranges.length);
      byLane.set(lane, { ranges: [...ranges, ...kept], untilMs });
    }
    if (fresh.size > 0) this.#isTrimmed(peer, nowMs);
    const region = regionByCode(this.#view.cluster, peer)?.name ?? peer;
    const fields = { region, lanes: fresh.size, ranges: message.ranges.length };
    out.push({ kind: "report", level: "warn", event: "log-trimmed-at-peer", fields });
  }

  /** The peer has sent what it had; whatever did not move is not asked for again at once. */
  served(peer: RegionCode, id: number, nowMs: number, out: SyncEffect[]): void {
    const question = this.#questions.get(peer);
    if (question?.id !== id) return;
    if (this.#mostWait(question)) this.#turn(peer);
    else this.#newestHelp.add(peer);
    this.#forget(peer);
    for (const { lane, upTo, missing } of question.asked) {
      const left = this.#view.missing(lane, upTo, nowMs);
      if (countOf(left) < countOf(missing)) this.#barren.delete(lane);
      else this.#barren.set(lane, { untilMs: nowMs + limits.NEED_TIMEOUT_MS });
    }
    this.ask(nowMs, out);
  }

  /** Answers a peer's question from the log, as its link takes it. */
  answer(peer: RegionCode, need: Need, nowMs: number): void {
    this.#answers.start(peer, need, nowMs);
  }

  pump(nowMs: number, out: SyncEffect[]): void {
    this.#answers.pump(nowMs, out);
  }

  #askPeer(peer: RegionCode, nowMs: number, out: SyncEffect[]): void {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return;
    if (this.#isCaughtUp(peer)) return this.#forgetOrder(peer);
    const lanes = this.#missingAt(peer, nowMs);
    const isOldestFirst = this.#oldestFirst.has(peer);
    const ranges = this.#inOrder(peer, lanes).slice(0, limits.NEED_RANGES_MAX);
    if (ranges.length === 0) return;
    const id = this.#nextId++;
    for (const lane of ranges) this.#asked.set(lane, peer);
    this.#questions.set(peer, {
      id,
      asked: lanes.filter(({ lane }) => this.#asked.get(lane) === peer),
      deadlineMs: nowMs + limits.NEED_TIMEOUT_MS,
      received: 0,
      waitingBefore: this.#view.waiting,
    });
    const need: Need = { kind: "need", id, oldestFirst: isOldestFirst, ranges };
    const frame = encodeMessage(need, this.#peers.versionOf(peer));
    out.push({ kind: "send", link, frame });
  }

  #inOrder(peer: RegionCode, lanes: readonly MissingLane[]): NeedRange[] {
    if (this.#oldestFirst.has(peer)) return oldestFirst(lanes);
    const ranges = newestFirst(lanes);
    return this.#newestHelp.has(peer) ? ranges : foremost(ranges, limits.NEED_FIRST_ENTRIES);
  }

  /** Lanes that this peer may be asked for now, with what is missing. */
  #missingAt(peer: RegionCode, nowMs: number): MissingLane[] {
    const lanes: MissingLane[] = [];
    for (const { lane, upTo, sinceMs } of this.#announced.behind(peer)) {
      if (nowMs < sinceMs + this.#patienceMs(peer, lane)) continue;
      if (nowMs < (this.#barren.get(lane)?.untilMs ?? 0)) continue;
      if (this.#asked.get(lane) !== undefined) continue;
      const trimmed = this.#trimmed.get(peer)?.get(lane);
      const excluded = trimmed !== undefined && nowMs < trimmed.untilMs ? trimmed.ranges : [];
      const missing = outside(this.#view.missing(lane, upTo, nowMs), excluded);
      if (missing.length > 0) lanes.push({ lane, upTo, missing });
      if (lanes.length >= limits.NEED_RANGES_MAX) break;
    }
    return lanes;
  }

  #isCaughtUp(peer: RegionCode): boolean {
    return this.#announced.behind(peer).next().done === true;
  }

  #mostWait({ received, waitingBefore }: Question): boolean {
    return (this.#view.waiting - waitingBefore) * 2 > received;
  }

  /** From now on oldest first. True when that is new. */
  #turn(peer: RegionCode): boolean {
    if (this.#oldestFirst.has(peer)) return false;
    this.#oldestFirst.add(peer);
    return true;
  }

  /** An entry usually comes from its own region a moment after others speak of it. */
  #patienceMs(peer: RegionCode, lane: Lane): number {
    const home = originRegion(lane.origin);
    const onItsWay = home !== peer && this.#peers.linkTo(home) !== undefined;
    return onItsWay ? limits.HOLE_PATIENCE_MS : 0;
  }

  #forgetOrder(peer: RegionCode): void {
    this.#oldestFirst.delete(peer);
    this.#newestHelp.delete(peer);
  }

  #forget(peer: RegionCode): void {
    for (const { lane } of this.#questions.get(peer)?.asked ?? []) this.#asked.delete(lane);
    this.#questions.delete(peer);
  }
}

function countOf(ranges: readonly SeqRange[]): number {
  return ranges.reduce((count, { lo, hi }) => count + hi - lo + 1, 0);
}
