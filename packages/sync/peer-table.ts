/**
 * What is known of each other region, and finding one's way among them.
 */
import type { Cluster, Random, Region, RegionCode } from "@atoll/core";
import type { Link } from "./links.ts";
import type { Loss } from "./loss.ts";
import { Redial } from "./redial.ts";
import type { LinkId } from "./transport.ts";

export type PeerState = "down" | "connecting" | "handshake" | "live" | "paused";

export interface Peer {
  readonly region: Region;
  dialable: boolean;
  /** A registry names the peers and does not name it: no link is held with it. */
  withdrawn: boolean;
  readonly redial: Redial;
  paused: boolean;
  /** Live. */
  link: Link | undefined;
  /** Monotonic: when anything came from there last, on any link, of whoever calls itself so. */
  heardMs: number | undefined;
  /** How the last live link ended; undefined while one is live, and before the first. */
  loss: Loss | undefined;
  lastFailure: string | undefined;
  /** While it refuses us because another process serves our region: what it says. */
  twin: string | undefined;
  /** The refusal that was logged last: the same one is not logged at every redial. */
  logged: string | undefined;
}

export interface PeerLinkStatus {
  readonly region: Region;
  readonly state: PeerState;
  /** Monotonic: anything, on any link. It is no proof of who spoke, only that something comes through. */
  readonly lastHeardMs: number | undefined;
  /** Monotonic; undefined unless live. */
  readonly liveMs: number | undefined;
  readonly loss: Loss | undefined;
  readonly lastFailure: string | undefined;
}

export class PeerTable {
  readonly #peers = new Map<RegionCode, Peer>();

  constructor(
    cluster: Cluster,
    {
      own,
      dialable,
      random,
    }: {
      readonly own: RegionCode;
      readonly dialable: ReadonlySet<RegionCode>;
      readonly random: Random;
    },
  ) {
    for (const region of cluster.regions) {
      if (region.code === own) continue;
      this.#peers.set(region.code, {
        region,
        dialable: dialable.has(region.code),
        withdrawn: false,
        redial: new Redial(random.fork(`redial ${region.name}`)),
        paused: false,
        link: undefined,
        heardMs: undefined,
        loss: undefined,
        lastFailure: undefined,
        twin: undefined,
        logged: undefined,
      });
    }
  }

  all(): Peer[] {
    return [...this.#peers.values()];
  }

  get(region: RegionCode | undefined): Peer | undefined {
    return region === undefined ? undefined : this.#peers.get(region);
  }

  /** The region that was dialled with this id. */
  diallerOf(id: LinkId): Peer | undefined {
    return this.all().find(({ redial }) => redial.isOf(id));
  }

  /** Regions with a live link, ascending. */
  live(): RegionCode[] {
    return this.all()
      .filter((peer) => peer.link !== undefined)
      .map((peer) => peer.region.code)
      .sort((a, b) => a - b);
  }

  status(links: readonly Link[]): PeerLinkStatus[] {
    return this.all().map((peer) => ({
      region: peer.region,
      state: stateOf(peer, links),
      lastHeardMs: peer.heardMs,
      liveMs: peer.link?.liveMs,
      loss: peer.loss,
      lastFailure: peer.lastFailure,
    }));
  }
}

function stateOf(peer: Peer, links: readonly Link[]): PeerState {
  if (peer.paused) return "paused";
  if (peer.link !== undefined) return "live";
  const { code } = peer.region;
  if (links.some((link) => link.region === code && link.ended === undefined)) return "handshake";
  return peer.redial.isUnderWay ? "connecting" : "down";
}
