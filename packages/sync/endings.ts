/**
 * How a link ends, and what follows for the region behind it.
 *
 *     we refuse       told to the peer, with a reason         ┐
 *     we are refused  the peer has told us one                ├──▶ lost, if it was the live one;
 *     reset           nothing to tell                         │    dialled again after a pause
 *     the transport   it is gone already, or never was there  ┘
 *
 * All of that follows at once. The transport may need half a minute to be sure of a deaf peer, and a region
 * that waited for it would stay cut off for as long. What is wrong is logged when it changes and not at every
 * redial, or a mistake in one config would fill the logs of two regions until somebody looks.
 */
import type { Cluster, RegionCode } from "@atoll/core";
import { regionByCode } from "@atoll/core";
import type { SyncEffect } from "./effects.ts";
import type { Link, Links } from "./links.ts";
import type { LossCause } from "./loss.ts";
import { causeOfBeingRefused, causeOfRefusing } from "./loss.ts";
import type { RefusalCode } from "./messages.ts";
import type { PeerTable } from "./peer-table.ts";
import type { LinkId } from "./transport.ts";

export interface Reason {
  readonly code: RefusalCode;
  readonly detail: string;
}

/** As it is told to people, and as a cause. */
export interface Ending {
  readonly cause: LossCause;
  readonly detail: string;
}

export class Endings {
  readonly #cluster: Cluster;
  readonly #links: Links;
  readonly #peers: PeerTable;
  readonly #lost: (region: RegionCode) => void;

  constructor(options: {
    readonly cluster: Cluster;
    readonly links: Links;
    readonly peers: PeerTable;
    /** A region has no live link any more, as of now. */
    readonly lost: (region: RegionCode) => void;
  }) {
    this.#cluster = options.cluster;
    this.#links = options.links;
    this.#peers = options.peers;
    this.#lost = options.lost;
  }

  refuse(link: Link, reason: Reason, nowMs: number, out: SyncEffect[]): void {
    if (link.ended !== undefined) return;
    if (levelOf(reason) === "warn") this.#log(link, "link-refused", reason, out);
    this.#links.send(link, { kind: "refusal", code: reason.code, detail: reason.detail }, out);
    this.end(link, { cause: causeOfRefusing(reason), detail: reason.detail }, nowMs, out);
  }

  /** The peer has refused us. */
  refused(link: Link, reason: Reason, nowMs: number, out: SyncEffect[]): void {
    if (link.ended !== undefined) return;
    const { code, detail } = reason;
    // Whoever has not proved himself could say it to take us out of service.
    const isTwin = code === "identity" && link.proven;
    const event = isTwin ? "identity-refused" : "link-refused-by-peer";
    this.#log(link, event, { code, detail }, out);
    const cause = causeOfBeingRefused(reason);
    this.end(link, { cause, detail: `refused by peer: ${detail}` }, nowMs, out);
    const peer = this.#peers.get(link.region);
    if (isTwin && peer !== undefined) peer.twin = detail;
  }

  end(link: Link, ending: Ending, nowMs: number, out: SyncEffect[]): void {
    if (link.ended !== undefined) return;
    this.#links.end(link, ending.detail, out);
    this.#detach(link, ending, nowMs, out);
  }

  /** The transport says that it is gone, or that the dial came to nothing. */
  gone(id: LinkId, reason: string, nowMs: number, out: SyncEffect[]): void {
    const link = this.#links.get(id);
    this.#links.forget(id);
    if (link !== undefined) {
      if (link.ended === undefined) {
        this.#detach(link, { cause: "broken", detail: reason }, nowMs, out);
      }
      return;
    }
    const peer = this.#peers.diallerOf(id);
    if (peer === undefined) return;
    peer.redial.ended(id, 0, nowMs);
    peer.twin = undefined;
    if (peer.link === undefined) peer.lastFailure = reason;
  }

  #detach(link: Link, { cause, detail }: Ending, nowMs: number, out: SyncEffect[]): void {
    const peer = this.#peers.get(link.region);
    if (peer === undefined) return;
    const wasLive = peer.link === link;
    if (wasLive || peer.redial.isOf(link.id)) {
      peer.redial.ended(link.id, nowMs - (link.liveMs ?? nowMs), nowMs);
      peer.twin = undefined;
    }
    if (wasLive) peer.link = undefined;
    if (peer.link === undefined) peer.lastFailure = detail;
    if (!wasLive) return;
    peer.loss = { cause, detail, atMs: nowMs };
    const fields = { region: peer.region.name, reason: detail };
    out.push({ kind: "report", level: "info", event: "link-lost", fields });
    this.#lost(peer.region.code);
  }

  #log(link: Link, event: string, { code, detail }: Reason, out: SyncEffect[]): void {
    const peer = this.#peers.get(link.region);
    const text = `${event} ${code} ${detail}`;
    if (peer?.logged === text) return;
    if (peer !== undefined) peer.logged = text;
    const level = event === "identity-refused" ? "error" : levelOf({ code });
    const { region: number } = link;
    const name = number === undefined ? "unknown" : regionByCode(this.#cluster, number)?.name;
    const fields = { region: name ?? `region ${number}`, code, detail };
    out.push({ kind: "report", level, event, fields });
  }
}

/** Ends that are in the order of things are not warned of. */
function levelOf({ code }: Pick<Reason, "code">): "info" | "warn" {
  return code === "duplicate" || code === "leaving" || code === "paused" ? "info" : "warn";
}
