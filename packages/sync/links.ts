/**
 * The connections that are open, and when one of them counts as dead.
 *
 *     heard    ▏    ▏    ▏                      a heartbeat each HEARTBEAT_IDLE_MS, at least
 *              └────┴────┴────┬────┬──▶ time
 *                             1    2  intervals of silence: down
 *
 * A link that was cut in silence, in one direction or in both, looks alive to TCP for many minutes, so a
 * link is what was heard on it. But who was himself asleep has heard nothing and must not blame others for
 * it (Lifeguard: Dadgar, Phillips and Currey, arXiv 1707.00788): when a tick comes late, every link is
 * excused for the time that this process lost, until the next thing is heard on it.
 *
 * Ending a link takes effect at once; the transport may need half a minute to be sure of a deaf peer.
 */
import type { Origin, RegionCode, RegionName } from "@atoll/core";
import { limits } from "@atoll/core";
import { encodeMessage } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import { silenceText } from "./loss.ts";
import type { Hello, Message } from "./messages.ts";
import type { LinkId } from "./transport.ts";

export interface Link {
  readonly id: LinkId;
  readonly dialledByUs: boolean;
  /** Known from the start for a link we dialled, from the HELLO otherwise. */
  region: RegionCode | undefined;
  /** Whom the link's certificate names; undefined for a link without one. */
  readonly identity: RegionName | undefined;
  /** Who we said we are. */
  readonly origin: Origin;
  /** Digest of our HELLO's frame, and of the peer's: what the proofs are about. */
  ourHello: Uint8Array;
  peerHello: Uint8Array;
  hello: Hello | undefined;
  /** What is spoken, known with the peer's HELLO. */
  version: number | undefined;
  /** The peer knows the cluster's secret: what it says counts. */
  proven: boolean;
  /** Since when, monotonic; undefined unless live. */
  liveMs: number | undefined;
  /** Since when by the calendar, for people. */
  liveSince: string;
  /** Told to close, and why; what still arrives on it is ignored. */
  ended: string | undefined;
  readonly openedMs: number;
  lastHeardMs: number;
  /** Part of the silence that was our own. */
  excusedMs: number;
}

export class Links {
  readonly #links = new Map<LinkId, Link>();
  readonly #versionMin: number;

  constructor(versionMin: number) {
    this.#versionMin = versionMin;
  }

  get size(): number {
    return this.#links.size;
  }

  open(options: {
    readonly id: LinkId;
    readonly dialled: RegionCode | undefined;
    readonly identity: RegionName | undefined;
    readonly origin: Origin;
    readonly nowMs: number;
  }): Link {
    const { id, dialled, identity, origin, nowMs } = options;
    const link: Link = {
      id,
      dialledByUs: dialled !== undefined,
      region: dialled,
      identity,
      origin,
      ourHello: new Uint8Array(),
      peerHello: new Uint8Array(),
      hello: undefined,
      version: undefined,
      proven: false,
      liveMs: undefined,
      liveSince: "",
      ended: undefined,
      openedMs: nowMs,
      lastHeardMs: nowMs,
      excusedMs: 0,
    };
    this.#links.set(id, link);
    return link;
  }

  get(id: LinkId): Link | undefined {
    return this.#links.get(id);
  }

  all(): Link[] {
    return [...this.#links.values()];
  }

  forget(id: LinkId): void {
    this.#links.delete(id);
  }

  heard(id: LinkId, nowMs: number): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    link.lastHeardMs = nowMs;
    link.excusedMs = 0;
  }

  /** When the first of them is overdue, unless something is heard. */
  dueMs(): number {
    let dueMs = Infinity;
    for (const { ended, liveMs, lastHeardMs, openedMs, excusedMs } of this.#links.values()) {
      if (ended !== undefined) continue;
      const fromMs = liveMs === undefined ? openedMs : lastHeardMs;
      const patienceMs =
        liveMs === undefined ? limits.HANDSHAKE_MS_MAX : limits.LINK_SILENCE_MS_MAX;
      dueMs = Math.min(dueMs, fromMs + patienceMs + excusedMs);
    }
    return dueMs;
  }

  /**
   * To be called at every tick, which came later than planned by so much; returns the links that must end, with
   * the reason.
   */
  overdue(nowMs: number, lateMs: number): { readonly link: Link; readonly reason: string }[] {
    if (lateMs > limits.STALL_MS_MIN) this.#excuse(lateMs);
    const overdue: { link: Link; reason: string }[] = [];
    for (const link of this.#links.values()) {
      if (link.ended !== undefined) continue;
      const silentMs = nowMs - link.lastHeardMs;
      if (link.liveMs === undefined) {
        const takenMs = nowMs - link.openedMs - link.excusedMs;
        if (takenMs > limits.HANDSHAKE_MS_MAX)
          overdue.push({ link, reason: "handshake timed out" });
      } else if (silentMs - link.excusedMs > limits.LINK_SILENCE_MS_MAX) {
        overdue.push({ link, reason: silenceText(silentMs) });
      }
    }
    return overdue;
  }

  send(link: Link, message: Message, out: SyncEffect[]): Uint8Array {
    const frame = encodeMessage(message, link.version ?? this.#versionMin);
    out.push({ kind: "send", link: link.id, frame });
    return frame;
  }

  end(link: Link, reason: string, out: SyncEffect[]): void {
    if (link.ended !== undefined) return;
    link.ended = reason;
    out.push({ kind: "close", link: link.id, reason });
  }

  #excuse(lateMs: number): void {
    for (const link of this.#links.values()) link.excusedMs += lateMs;
  }
}

/** Neither in its handshake nor over. */
export function isLive(link: Link | undefined): link is Link & { readonly liveMs: number } {
  return link?.liveMs !== undefined && link.ended === undefined;
}
