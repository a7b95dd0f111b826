/**
 * Push: what was written here goes to every live peer at once, and a heartbeat behind it.
 *
 *     commit ──▶ outbox of each peer ──▶ BATCH … BATCH HEARTBEAT     one ordered stream
 *
 * Only our own entries are pushed, and only when they continue what the peer has: a peer that is behind
 * catches up from the log, and pushing over its head would only fill its waiting room. The log is the
 * only buffer: a link that does not drain, or a peer that takes no more for now, loses its outbox, never
 * an entry, because the heartbeat says what there is and the peer asks for it. Until it drains nothing
 * is put into its outbox, so a slow peer costs a few numbers.
 *
 * Heartbeats also confirm: whoever sent fresh entries is told within milliseconds that they are durable
 * here, because a writer may be waiting for that; everything else waits for the beat.
 */
import type { Lane, LogEntry, RegionCode, RegionVector } from "@atoll/core";
import { LaneMap, entryBytes, isPlaceless, joinVectors, limits } from "@atoll/core";
import type { Announced } from "./announced.ts";
import { encodeMessage } from "./codec.ts";
import type { Credit } from "./credit.ts";
import type { SyncEffect } from "./effects.ts";
import type { Announcement, Heartbeat } from "./messages.ts";
import type { Peers } from "./peers.ts";
import { PushPace } from "./push-pace.ts";
import type { SyncView } from "./sync-view.ts";
import type { LinkId } from "./transport.ts";

interface Outbox {
  entries: LogEntry[];
  bytes: number;
  /** Highest number of each of our lanes that the peer has or that is on its way. */
  readonly sent: LaneMap<number>;
  /** Lanes whose frontier has moved since the last heartbeat. */
  readonly moved: LaneMap<true>;
  readonly pace: PushPace;
  /** The link or its credit is exhausted: nothing is pushed until both have recovered. */
  slow: boolean;
  flushedMs: number;
  heartbeatMs: number;
  /** The peer's fresh entries have become durable here, and it does not know yet. */
  unconfirmed: boolean;
  /** The peer's newest `sentMs` and when it came, to be echoed. */
  echo: { readonly sentMs: number; readonly receivedMs: number } | undefined;
  rttMs: number | undefined;
}

export class Gossip {
  readonly #view: SyncView;
  readonly #peers: Peers;
  readonly #announced: Announced;
  readonly #credit: Credit;
  readonly #outboxes = new Map<RegionCode, Outbox>();
  /** The newest batch as it was encoded: the other peers mostly get the same. */
  #encoded: { entries: readonly LogEntry[]; version: number; frame: Uint8Array } | undefined;

  constructor(
    view: SyncView,
    rooms: { readonly peers: Peers; readonly announced: Announced; readonly credit: Credit },
  ) {
    this.#view = view;
    this.#peers = rooms.peers;
    this.#announced = rooms.announced;
    this.#credit = rooms.credit;
  }

  /** A link went live: says everything that is held here. */
  opened(peer: RegionCode, nowMs: number, out: SyncEffect[]): void {
    const outbox: Outbox = {
      entries: [],
      bytes: 0,
      sent: new LaneMap(),
      moved: new LaneMap(),
      pace: new PushPace(),
      slow: false,
      flushedMs: 0,
      heartbeatMs: nowMs,
      unconfirmed: false,
      echo: undefined,
      rttMs: undefined,
    };
    this.#outboxes.set(peer, outbox);
    const lanes: Announcement[] = [];
    for (const [lane, { contig }] of this.#view.frontier.lanes()) lanes.push({ ...lane, contig });
    this.#sendHeartbeat(peer, outbox, { full: true, lanes }, nowMs, out);
  }

  closed(peer: RegionCode): void {
    this.#outboxes.delete(peer);
  }

  /** `entries` have their place for good; those of our own origin are pushed. */
  committed(entries: readonly LogEntry[], nowMs: number, out: SyncEffect[]): void {
    for (const [peer, outbox] of this.#outboxes) {
      for (const entry of entries) {
        if (isPlaceless(entry)) continue; // it moves no lane
        outbox.moved.set(entry, true);
        if (entry.origin === this.#view.origin) this.#offer(peer, outbox, entry, nowMs);
      }
      this.#beat(peer, outbox, nowMs, out);
    }
  }

  /** Lanes whose frontier moves without an entry: peers are told. */
  adopted(lanes: readonly Lane[]): void {
    for (const outbox of this.#outboxes.values()) {
      for (const { shard, origin } of lanes) outbox.moved.set({ shard, origin }, true);
    }
  }

  /** Batches of this peer are durable here; `fresh` ones are confirmed at once. */
  taken(peer: RegionCode, fresh: boolean, nowMs: number, out: SyncEffect[]): void {
    const outbox = this.#outboxes.get(peer);
    if (outbox === undefined) return;
    outbox.unconfirmed ||= fresh;
    const waitMs = this.#heartbeatDueMs(peer, outbox) - nowMs;
    if (waitMs <= limits.ACK_DELAY_MS) out.push({ kind: "wake", delayMs: Math.max(0, waitMs) });
  }

  /** The peer has said what it holds of our lanes. */
  heard(peer: RegionCode, heartbeat: Heartbeat, nowMs: number): void {
    const outbox = this.#outboxes.get(peer);
    if (outbox === undefined) return;
    this.#credit.granted(peer, heartbeat.grantBytes);
    outbox.echo = { sentMs: heartbeat.sentMs, receivedMs: nowMs };
    if (heartbeat.echoMs > 0) outbox.rttMs = Math.max(0, nowMs - heartbeat.echoMs);
    for (const lane of heartbeat.lanes) {
      if (lane.origin === this.#view.origin) this.served(peer, lane, lane.contig);
    }
  }

  /** The peer has, or will have received, everything of a lane up to here. */
  served(peer: RegionCode, lane: Lane, upTo: number): void {
    const sent = this.#outboxes.get(peer)?.sent;
    if (sent !== undefined && upTo > (sent.get(lane) ?? 0)) sent.set(lane, upTo);
  }

  /** Nothing is pushed behind this place until the peer has been served up to there. */
  rewind(peer: RegionCode, lane: Lane, upTo: number): void {
    const sent = this.#outboxes.get(peer)?.sent;
    if (sent !== undefined) sent.set(lane, Math.min(upTo, sent.get(lane) ?? 0));
  }

  /** When there is something to say at a tick. */
  dueMs(): number {
    let dueMs = Infinity;
    for (const [peer, outbox] of this.#outboxes) {
      if (outbox.entries.length > 0) return 0;
      dueMs = Math.min(dueMs, this.#heartbeatDueMs(peer, outbox));
    }
    return dueMs;
  }

  tick(nowMs: number, out: SyncEffect[]): void {
    for (const [peer, outbox] of this.#outboxes) this.#beat(peer, outbox, nowMs, out);
  }

  rttMs(peer: RegionCode): number | undefined {
    return this.#outboxes.get(peer)?.rttMs;
  }

  /** Nothing of ours waits to be sent or announced to this peer. */
  idle(peer: RegionCode): boolean {
    const outbox = this.#outboxes.get(peer);
    return outbox !== undefined && outbox.entries.length === 0 && outbox.moved.size === 0;
  }

  /** Fresh entries for this peer wait in the log and not here. */
  isSlow(peer: RegionCode): boolean {
    return this.#outboxes.get(peer)?.slow === true;
  }

  #offer(peer: RegionCode, outbox: Outbox, entry: LogEntry, nowMs: number): void {
    if (!this.#announced.knows(peer)) return; // it has not said yet where it stands
    if (this.#staysSlow(peer, outbox)) return;
    if (entry.seq !== (outbox.sent.get(entry) ?? 0) + 1) return; // it is catching up from the log
    outbox.sent.set(entry, entry.seq);
    outbox.entries.push(entry);
    outbox.bytes += entryBytes(entry);
    outbox.pace.add(1, nowMs);
  }

  #beat(peer: RegionCode, outbox: Outbox, nowMs: number, out: SyncEffect[]): void {
    if (outbox.entries.length > 0) this.#flushWhenDue(peer, outbox, nowMs, out);
    const waitMs = this.#heartbeatDueMs(peer, outbox) - nowMs;
    if (waitMs <= 0) this.#heartbeat(peer, outbox, nowMs, out);
    else if (waitMs <= limits.ACK_DELAY_MS) out.push({ kind: "wake", delayMs: waitMs });
  }

  #flushWhenDue(peer: RegionCode, outbox: Outbox, nowMs: number, out: SyncEffect[]): void {
    const full =
      outbox.bytes >= limits.BATCH_BYTES_MAX || outbox.entries.length >= limits.BATCH_ENTRIES_MAX;
    const waitMs = outbox.flushedMs + outbox.pace.delayMs(nowMs) - nowMs;
    if (!full && waitMs > 0) out.push({ kind: "wake", delayMs: waitMs });
    else this.#flush(peer, outbox, nowMs, out);
  }

  #flush(peer: RegionCode, outbox: Outbox, nowMs: number, out: SyncEffect[]): void {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return;
    const entries = outbox.entries;
    outbox.entries = [];
    outbox.bytes = 0;
    outbox.flushedMs = nowMs;
    outbox.slow = this.#view.backlogBytes(link) > limits.LINK_BACKLOG_BYTES_MAX;
    for (const batch of batchesOf(entries)) {
      if (!outbox.slow) outbox.slow = !this.#push(peer, link, batch, out);
      if (outbox.slow) unsend(outbox, batch);
    }
    this.#heartbeat(peer, outbox, nowMs, out);
  }

  /** False when the peer's credit is exhausted. */
  #push(peer: RegionCode, link: LinkId, entries: readonly LogEntry[], out: SyncEffect[]): boolean {
    const frame = this.#encode(entries, this.#peers.versionOf(peer));
    if (frame.length > this.#credit.room(peer)) return false;
    this.#credit.sent(peer, frame.length);
    out.push({ kind: "send", link, frame });
    return true;
  }

  #encode(entries: readonly LogEntry[], version: number): Uint8Array {
    const last = this.#encoded;
    const isSame =
      last?.version === version &&
      last.entries.length === entries.length &&
      last.entries.every((entry, i) => entry === entries[i]);
    if (isSame) return last.frame;
    const frame = encodeMessage({ kind: "batch", repair: false, answer: false, entries }, version);
    this.#encoded = { entries, version, frame };
    return frame;
  }

  /** A slow link is one until half of what slowed it is gone: otherwise it would be so by turns. */
  #staysSlow(peer: RegionCode, outbox: Outbox): boolean {
    const link = this.#peers.linkTo(peer);
    if (!outbox.slow || link === undefined) return outbox.slow;
    outbox.slow =
      this.#credit.room(peer) < limits.LINK_CREDIT_BYTES / 2 ||
      this.#view.backlogBytes(link) > limits.LINK_BACKLOG_BYTES_MAX / 2;
    return outbox.slow;
  }

  #heartbeatDueMs(peer: RegionCode, outbox: Outbox): number {
    const untoldBytes = this.#credit.untoldBytes(peer);
    const isUrgent = outbox.unconfirmed || untoldBytes > limits.LINK_CREDIT_BYTES / 4;
    if (isUrgent) return outbox.heartbeatMs + limits.ACK_DELAY_MS;
    const isActive = outbox.moved.size > 0 || untoldBytes > 0;
    return outbox.heartbeatMs + (isActive ? limits.HEARTBEAT_ACTIVE_MS : limits.HEARTBEAT_IDLE_MS);
  }

  #heartbeat(peer: RegionCode, outbox: Outbox, nowMs: number, out: SyncEffect[]): void {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return;
    if (this.#view.backlogBytes(link) > limits.LINK_BACKLOG_BYTES_MAX) {
      outbox.heartbeatMs = nowMs; // would only wait there: it is said when the link drains
      return;
    }
    const lanes: Announcement[] = [];
    // Coverage counts on what is staged: who hears of it must hear of the lanes, too.
    for (const { shard, origin } of this.#view.staged()) outbox.moved.set({ shard, origin }, true);
    for (const [lane] of outbox.moved.entries()) {
      lanes.push({ ...lane, contig: this.#view.frontier.contig(lane) });
    }
    outbox.moved.clear();
    this.#sendHeartbeat(peer, outbox, { full: false, lanes }, nowMs, out);
  }

  #sendHeartbeat(
    peer: RegionCode,
    outbox: Outbox,
    { full, lanes }: { readonly full: boolean; readonly lanes: readonly Announcement[] },
    nowMs: number,
    out: SyncEffect[],
  ): void {
    const link = this.#peers.linkTo(peer);
    if (link === undefined) return;
    const own: RegionVector = new Map([[this.#view.region.code, this.#view.stamp()]]);
    const { echo } = outbox;
    outbox.heartbeatMs = nowMs;
    outbox.unconfirmed = false;
    const heartbeat: Heartbeat = {
      kind: "heartbeat",
      full,
      lanes,
      vector: joinVectors(this.#announced.coverage, own),
      sentMs: Math.round(nowMs),
      echoMs: echo === undefined ? 0 : Math.round(echo.sentMs + (nowMs - echo.receivedMs)),
      grantBytes: this.#credit.grant(peer),
    };
    const frame = encodeMessage(heartbeat, this.#peers.versionOf(peer));
    out.push({ kind: "send", link, frame });
  }
}

/** They were not sent after all: their lanes are to be asked for. */
function unsend(outbox: Outbox, entries: readonly LogEntry[]): void {
  for (const entry of entries) {
    const sent = outbox.sent.get(entry) ?? 0;
    outbox.sent.set(entry, Math.min(sent, entry.seq - 1));
  }
}

/** Cuts a run of entries into batches that keep both bounds; one entry is always allowed. */
export function batchesOf(entries: readonly LogEntry[]): LogEntry[][] {
  const batches: LogEntry[][] = [];
  let batch: LogEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = entryBytes(entry);
    const full = bytes + size > limits.BATCH_BYTES_MAX || batch.length >= limits.BATCH_ENTRIES_MAX;
    if (full && batch.length > 0) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(entry);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
