/**
 * Answers to NEEDs: read from the log slice by slice, as the link takes them.
 *
 *     NEED ──▶ cursor ── slice ── slice ── … ── TRIMMED? SERVED
 *                 ▲         only while little waits in the link and the peer's credit leaves room,
 *                 │         and never without a pause in which everything else may be sent
 *                 └── a new NEED of the same peer takes the place of the old one
 *
 * An answer may be as long as an outage. Produced in one gulp it would delay every heartbeat and every
 * fresh entry behind it, and fill the memory of a link that is slower than the log; a cursor is a list
 * of ranges. A slice that turns out too large for the credit is read again when more was granted.
 * Part of the credit is left alone here, so that fresh entries never stop for old ones.
 */
import type { RegionCode } from "@atoll/core";
import { limits, sometimes } from "@atoll/core";
import { encodeMessage } from "./codec.ts";
import type { Credit } from "./credit.ts";
import type { SyncEffect } from "./effects.ts";
import type { Gossip } from "./gossip.ts";
import type { LogPosition } from "./log-slice.ts";
import { LOG_START, isAtEnd, readSlice } from "./log-slice.ts";
import type { LaneRange, Message, Need, NeedRange } from "./messages.ts";
import type { Peers } from "./peers.ts";
import type { SyncView } from "./sync-view.ts";
import type { LinkId } from "./transport.ts";

interface Cursor {
  readonly need: Need;
  position: LogPosition;
  /** Asked for and not in the log. */
  readonly holes: LaneRange[];
  /** No slice before this moment. */
  resumeMs: number;
  /** Grows while the link does not drain, so that a slow link is not asked a thousand times. */
  pauseMs: number;
  /** What the next slice needs, once that is known. */
  neededBytes: number;
}

export class Answers {
  readonly #view: SyncView;
  readonly #peers: Peers;
  readonly #gossip: Gossip;
  readonly #credit: Credit;
  readonly #toldTrimmed: (peer: RegionCode, nowMs: number) => void;
  readonly #cursors = new Map<RegionCode, Cursor>();

  /** `toldTrimmed`: a peer has been told that the log has not all that it asked for. */
  constructor(
    view: SyncView,
    rooms: {
      readonly peers: Peers;
      readonly gossip: Gossip;
      readonly credit: Credit;
      readonly toldTrimmed: (peer: RegionCode, nowMs: number) => void;
    },
  ) {
    const { peers, gossip, credit } = rooms;
    this.#toldTrimmed = rooms.toldTrimmed;
    this.#view = view;
    this.#peers = peers;
    this.#gossip = gossip;
    this.#credit = credit;
  }

  /** An answer to this peer is under way. */
  isBusy(peer: RegionCode): boolean {
    return this.#cursors.has(peer);
  }

  closed(peer: RegionCode): void {
    this.#cursors.delete(peer);
  }

  start(peer: RegionCode, asked: Need, nowMs: number): void {
    const need = { ...asked, ranges: asked.ranges.map((range) => this.#open(peer, asked, range)) };
    const pauseMs = limits.ANSWER_PAUSE_MS;
    const about = { need, position: LOG_START, holes: [], pauseMs, neededBytes: 1 };
    this.#cursors.set(peer, { ...about, resumeMs: nowMs });
  }

  /** One slice for each peer that can take one. */
  pump(nowMs: number, out: SyncEffect[]): void {
    for (const [peer, cursor] of this.#cursors) {
      const link = this.#peers.linkTo(peer);
      if (link === undefined) this.#cursors.delete(peer);
      else if (nowMs < cursor.resumeMs) wakeAt(cursor.resumeMs, nowMs, out);
      else if (this.#view.backlogBytes(link) > limits.ANSWER_BACKLOG_BYTES_MAX) {
        sometimes("answer paused behind a backlog");
        cursor.pauseMs = Math.min(2 * cursor.pauseMs, limits.TICK_MS);
        this.#pause(cursor, nowMs, out);
      } else this.#slice(peer, link, cursor, nowMs, out);
    }
  }

  /**
   * Where push goes on. Newest first: at once, so that fresh entries need not wait for the old ones of
   * their lane. Oldest first: at the end of the range, because until then they would only wait there.
   */
  #open(peer: RegionCode, { oldestFirst }: Need, range: NeedRange): NeedRange {
    if (range.open !== true || range.origin !== this.#view.origin) return range;
    if (oldestFirst === true) {
      this.#gossip.rewind(peer, range, range.hi);
      return range;
    }
    const hi = Math.max(range.hi, this.#view.frontier.contig(range));
    this.#gossip.served(peer, range, hi);
    return { ...range, hi, open: false };
  }

  #slice(peer: RegionCode, link: LinkId, cursor: Cursor, nowMs: number, out: SyncEffect[]): void {
    const room = this.#credit.room(peer) - limits.LINK_CREDIT_RESERVE_BYTES;
    if (room < cursor.neededBytes) return; // goes on with the next grant
    const { need } = cursor;
    const slice = readSlice(this.#view, need.ranges, cursor.position);
    if (slice.entries.length > 0) {
      const { entries } = slice;
      const frame = this.#encode(peer, { kind: "batch", repair: false, answer: true, entries });
      cursor.neededBytes = frame.length;
      if (room < frame.length) return;
      this.#credit.sent(peer, frame.length);
      out.push({ kind: "send", link, frame });
    }
    cursor.neededBytes = 1;
    cursor.position = { next: slice.next, current: slice.current };
    cursor.holes.push(...slice.holes);
    for (const { lane, upTo } of slice.ended) this.#gossip.served(peer, lane, upTo);
    if (isAtEnd(need.ranges, slice)) return this.#finish(peer, link, cursor, nowMs, out);
    cursor.pauseMs = limits.ANSWER_PAUSE_MS;
    this.#pause(cursor, nowMs, out);
  }

  #finish(
    peer: RegionCode,
    link: LinkId,
    { need, holes }: Cursor,
    nowMs: number,
    out: SyncEffect[],
  ): void {
    this.#cursors.delete(peer);
    const { id } = need;
    if (holes.length > 0 && this.#peers.versionOf(peer) > 1) {
      const ranges = holes.slice(0, limits.NEED_RANGES_MAX);
      const frame = this.#encode(peer, { kind: "trimmed", id, ranges });
      out.push({ kind: "send", link, frame });
      this.#toldTrimmed(peer, nowMs);
    }
    out.push({ kind: "send", link, frame: this.#encode(peer, { kind: "served", id }) });
  }

  #pause(cursor: Cursor, nowMs: number, out: SyncEffect[]): void {
    cursor.resumeMs = nowMs + cursor.pauseMs;
    wakeAt(cursor.resumeMs, nowMs, out);
  }

  #encode(peer: RegionCode, message: Message): Uint8Array {
    return encodeMessage(message, this.#peers.versionOf(peer));
  }
}

function wakeAt(atMs: number, nowMs: number, out: SyncEffect[]): void {
  out.push({ kind: "wake", delayMs: atMs - nowMs });
}
