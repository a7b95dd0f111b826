/**
 * Pull: what a peer holds and we do not is asked for by range, of any peer, for any origin.
 *
 *     A ─╳─ C        C hears from B that B holds A's entries, waits a moment for A itself,
 *      \   /         then asks B: a cut A–C heals through B.
 *        B
 *
 * One question per peer at a time, and no lane asked of two peers at once. An answer is bounded, and
 * the next question follows from what is still missing then, so there is nothing to resume and nothing
 * to remember about a peer that is gone.
 */
import type { Lane, LogEntry, RegionCode, SeqRange } from "@atoll/core";
import { LaneMap, entryBytes, limits, originRegion } from "@atoll/core";
import type { Announced } from "./announced.ts";
import { encodeMessage } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import type { Gossip } from "./gossip.ts";
import { batchesOf } from "./gossip.ts";
import type { LaneRange, Need } from "./messages.ts";
import type { Peers } from "./peers.ts";
import type { SyncView } from "./sync-view.ts";

interface Question {
  readonly id: number;
  readonly deadlineMs: number;
  readonly asked: readonly { readonly lane: Lane; readonly contig: number }[];
}

export class CatchUp {
  readonly #view: SyncView;
  readonly #peers: Peers;
  readonly #announced: Announced;
  readonly #gossip: Gossip;
  readonly #questions = new Map<RegionCode, Question>();
  /** Lanes in some open question. */
  readonly #asked = new LaneMap<RegionCode>();
  /** Lanes that an answer did not move: left alone until then, or until a peer says more. */
  readonly #barren = new LaneMap<{ readonly untilMs: number }>();
  #nextId = 1;

  constructor(view: SyncView, peers: Peers, announced: Announced, gossip: Gossip) {
    this.#view = view;
    this.#peers = peers;
    this.#announced = announced;
    this.#gossip = gossip;
  }

  closed(peer: RegionCode): void {
    this.#forget(peer);
  }

  /** Nothing is being asked of this peer and nothing it holds is missing here. */
  idle(peer: RegionCode): boolean {
    return !this.#questions.has(peer) && this.#announced.behind(peer).next().done === true;
  }

  /** Asks each live peer for what it holds and we do not. */
  ask(nowMs: number, out: SyncEffect[]): void {
    for (const [peer, question] of this.#questions) {
      if (nowMs >= question.deadlineMs) this.#forget(peer);
    }
    for (const peer of this.#peers.live()) {
      if (!this.#questions.has(peer)) this.#askPeer(peer, nowMs, out);
    }
  }

  /** The peer has sent what it had; whatever did not move is not asked for again at once. */
  served(peer: RegionCode, id: number, nowMs: number, out: SyncEffect[]): void {
    const question = this.#questions.get(peer);
    if (question?.id !== id) return;
    this.#forget(peer);
    for (const { lane, contig } of question.asked) {
      if (this.#view.frontier.contig(lane) > contig) this.#barren.delete(lane);
      else this.#barren.set(lane, { untilMs: nowMs + limits.NEED_TIMEOUT_MS });
    }
    this.ask(nowMs, out);
  }

  /** Answers a peer's question from the log, parents before children, within one budget. */
  answer(peer: RegionCode, need: Need, out: SyncEffect[]): void {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return;
    const version = this.#peers.versionOf(peer);
    let budget = limits.NEED_BYTES_MAX;
    for (const group of byShard(need.ranges)) {
      if (budget <= 0) break;
      const entries: LogEntry[] = [];
      for (const range of group) {
        const found = this.#view.readLog(range, this.#extended(range), budget);
        for (const entry of found) budget -= entryBytes(entry);
        entries.push(...found);
        const last = found.at(-1);
        if (last?.origin === this.#view.origin) this.#gossip.served(peer, range, last.seq);
        if (budget <= 0) break;
      }
      entries.sort((a, b) => a.hlc - b.hlc || a.seq - b.seq); // timestamps respect causality
      for (const batch of batchesOf(entries)) {
        const frame = encodeMessage({ kind: "batch", repair: false, entries: batch }, version);
        out.push({ kind: "send", link, frame });
      }
    }
    out.push({
      kind: "send",
      link,
      frame: encodeMessage({ kind: "served", id: need.id }, version),
    });
  }

  #askPeer(peer: RegionCode, nowMs: number, out: SyncEffect[]): void {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return;
    const ranges: LaneRange[] = [];
    const asked: { lane: Lane; contig: number }[] = [];
    for (const { lane, upTo, sinceMs } of this.#announced.behind(peer)) {
      if (nowMs < sinceMs + this.#patienceMs(peer, lane)) continue;
      if (nowMs < (this.#barren.get(lane)?.untilMs ?? 0)) continue;
      if (this.#asked.get(lane) !== undefined) continue;
      const missing = this.#view.missing(lane, upTo, nowMs);
      if (missing.length === 0) continue;
      for (const range of missing) ranges.push({ ...lane, ...range });
      asked.push({ lane, contig: this.#view.frontier.contig(lane) });
      if (ranges.length >= limits.NEED_RANGES_MAX) break;
    }
    if (ranges.length === 0) return;
    const id = this.#nextId++;
    for (const { lane } of asked) this.#asked.set(lane, peer);
    this.#questions.set(peer, { id, asked, deadlineMs: nowMs + limits.NEED_TIMEOUT_MS });
    const need: Need = { kind: "need", id, ranges: ranges.slice(0, limits.NEED_RANGES_MAX) };
    out.push({ kind: "send", link, frame: encodeMessage(need, this.#peers.versionOf(peer)) });
  }

  /** An entry usually comes from its own region a moment after others speak of it. */
  #patienceMs(peer: RegionCode, lane: Lane): number {
    const home = originRegion(lane.origin);
    const onItsWay = home !== peer && this.#peers.linkTo(home) !== undefined;
    return onItsWay ? limits.HOLE_PATIENCE_MS : 0;
  }

  /** Of our own lanes everything there is by now, so that push can go on where the answer ends. */
  #extended(range: LaneRange): SeqRange {
    if (range.origin !== this.#view.origin) return range;
    return { lo: range.lo, hi: Math.max(range.hi, this.#view.frontier.contig(range)) };
  }

  #forget(peer: RegionCode): void {
    for (const { lane } of this.#questions.get(peer)?.asked ?? []) this.#asked.delete(lane);
    this.#questions.delete(peer);
  }
}

/** Documents lie in one shard, so dependencies never cross from one group to another. */
function byShard(ranges: readonly LaneRange[]): LaneRange[][] {
  const groups = new Map<number, LaneRange[]>();
  for (const range of ranges) {
    const group = groups.get(range.shard);
    if (group === undefined) groups.set(range.shard, [range]);
    else group.push(range);
  }
  return [...groups.values()];
}
