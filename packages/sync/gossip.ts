/**
 * Push: what was written here goes to every live peer at once, and a heartbeat behind it.
 *
 *     commit ──▶ outbox of each peer ──▶ BATCH … BATCH HEARTBEAT     one ordered stream
 *
 * Only our own entries are pushed, and only when they continue what the peer has: a peer that is behind
 * catches up from the log, and pushing over its head would only fill its waiting room. The log is the
 * only buffer: a link that does not drain loses its outbox, never an entry, because the heartbeat says
 * what there is and the peer asks for it.
 */
import type { Lane, LogEntry, RegionCode, RegionVector } from "@atoll/core";
import { LaneMap, entryBytes, joinVectors, limits } from "@atoll/core";
import type { Announced } from "./announced.ts";
import { encodeMessage } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import type { Announcement, Heartbeat } from "./messages.ts";
import type { Peers } from "./peers.ts";
import type { SyncView } from "./sync-view.ts";

interface Outbox {
  entries: LogEntry[];
  bytes: number;
  /** Highest number of each of our lanes that the peer has or that is on its way. */
  readonly sent: LaneMap<number>;
  /** Lanes whose frontier has moved since the last heartbeat. */
  readonly moved: LaneMap<true>;
  flushedMs: number;
  heartbeatMs: number;
  /** The peer's newest `sentMs` and when it came, to be echoed. */
  echo: { readonly sentMs: number; readonly receivedMs: number } | undefined;
  rttMs: number | undefined;
}

export class Gossip {
  readonly #view: SyncView;
  readonly #peers: Peers;
  readonly #announced: Announced;
  readonly #outboxes = new Map<RegionCode, Outbox>();

  constructor(view: SyncView, peers: Peers, announced: Announced) {
    this.#view = view;
    this.#peers = peers;
    this.#announced = announced;
  }

  /** A link went live: says everything that is held here. */
  opened(peer: RegionCode, nowMs: number, out: SyncEffect[]): void {
    const outbox: Outbox = {
      entries: [],
      bytes: 0,
      sent: new LaneMap(),
      moved: new LaneMap(),
      flushedMs: 0,
      heartbeatMs: nowMs,
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

  /** `entries` are durable; those of our own origin are pushed. */
  committed(entries: readonly LogEntry[], nowMs: number, out: SyncEffect[]): void {
    for (const [peer, outbox] of this.#outboxes) {
      for (const entry of entries) {
        outbox.moved.set(entry, true);
        if (entry.origin === this.#view.origin) this.#offer(peer, outbox, entry);
      }
      this.#flushWhenDue(peer, outbox, nowMs, out);
    }
  }

  /** The peer has said what it holds of our lanes. */
  heard(peer: RegionCode, heartbeat: Heartbeat, nowMs: number): void {
    const outbox = this.#outboxes.get(peer);
    if (outbox === undefined) return;
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

  tick(nowMs: number, out: SyncEffect[]): void {
    for (const [peer, outbox] of this.#outboxes) {
      this.#flushWhenDue(peer, outbox, nowMs, out);
      const period = outbox.moved.size > 0 ? limits.HEARTBEAT_ACTIVE_MS : limits.HEARTBEAT_IDLE_MS;
      if (nowMs - outbox.heartbeatMs >= period) this.#heartbeat(peer, outbox, nowMs, out);
    }
  }

  rttMs(peer: RegionCode): number | undefined {
    return this.#outboxes.get(peer)?.rttMs;
  }

  /** Nothing of ours waits to be sent or announced to this peer. */
  idle(peer: RegionCode): boolean {
    const outbox = this.#outboxes.get(peer);
    return outbox !== undefined && outbox.entries.length === 0 && outbox.moved.size === 0;
  }

  #offer(peer: RegionCode, outbox: Outbox, entry: LogEntry): void {
    if (!this.#announced.knows(peer)) return; // it has not said yet where it stands
    if (entry.seq !== (outbox.sent.get(entry) ?? 0) + 1) return; // it is catching up from the log
    outbox.sent.set(entry, entry.seq);
    outbox.entries.push(entry);
    outbox.bytes += entryBytes(entry);
  }

  #flushWhenDue(peer: RegionCode, outbox: Outbox, nowMs: number, out: SyncEffect[]): void {
    if (outbox.entries.length === 0) return;
    const full =
      outbox.bytes >= limits.BATCH_BYTES_MAX || outbox.entries.length >= limits.BATCH_ENTRIES_MAX;
    const waitMs = outbox.flushedMs + limits.PUSH_DELAY_MS - nowMs;
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
    if (this.#view.backlogBytes(link) > limits.LINK_BACKLOG_BYTES_MAX) {
      for (const entry of entries) {
        const sent = outbox.sent.get(entry) ?? 0;
        outbox.sent.set(entry, Math.min(sent, entry.seq - 1));
      }
    } else {
      for (const batch of batchesOf(entries)) {
        const version = this.#peers.versionOf(peer);
        const frame = encodeMessage({ kind: "batch", repair: false, entries: batch }, version);
        out.push({ kind: "send", link, frame });
      }
    }
    this.#heartbeat(peer, outbox, nowMs, out);
  }

  #heartbeat(peer: RegionCode, outbox: Outbox, nowMs: number, out: SyncEffect[]): void {
    const lanes: Announcement[] = [];
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
    const heartbeat: Heartbeat = {
      kind: "heartbeat",
      full,
      lanes,
      vector: joinVectors(this.#announced.coverage, own),
      sentMs: Math.round(nowMs),
      echoMs: echo === undefined ? 0 : Math.round(echo.sentMs + (nowMs - echo.receivedMs)),
    };
    const frame = encodeMessage(heartbeat, this.#peers.versionOf(peer));
    out.push({ kind: "send", link, frame });
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
