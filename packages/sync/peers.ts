/**
 * The links: who is dialled, who is who, who is gone.
 *
 *     down ──dial──▶ connecting ──linkUp──▶ handshake ──HELLO, PROOF──▶ live
 *       ▲                │                      │                        │
 *       └──── backoff ───┴───── refused ────────┴── silence, linkDown ───┘        paused: an operator
 *
 * One link per pair of regions. The region with the lower code dials; after a heal both may, and the
 * two sides agree on which link survives because they apply the same rule: the one that the lower code
 * dialled, unless it has gone silent. Nothing here removes data or members: a peer that is down is
 * only not talked to.
 */
import type { Random, Region, RegionCode } from "@atoll/core";
import { limits, regionByCode } from "@atoll/core";
import { redialDelayMs } from "./backoff.ts";
import { PROTOCOL_VERSION, encodeMessage } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import { helloOf, proofHolds, proofOf, refuseHello } from "./handshake.ts";
import type { Hello, Message, Proof, RefusalCode } from "./messages.ts";
import type { SyncView } from "./sync-view.ts";
import type { LinkId } from "./transport.ts";

export type PeerState = "down" | "connecting" | "handshake" | "live" | "paused";

interface Link {
  readonly id: LinkId;
  readonly dialledByUs: boolean;
  /** Known from the start for a link we dialled, from the HELLO otherwise. */
  region: RegionCode | undefined;
  nonce: Uint8Array;
  hello: Hello | undefined;
  live: boolean;
  /** Told to close; what still arrives on it is ignored. */
  ended: boolean;
  readonly openedMs: number;
  lastHeardMs: number;
}

interface Peer {
  readonly region: Region;
  readonly dialable: boolean;
  paused: boolean;
  link: Link | undefined;
  dialling: LinkId | undefined;
  attempts: number;
  redialAtMs: number;
  lastFailure: string | undefined;
}

export interface PeerLinkStatus {
  readonly region: Region;
  readonly state: PeerState;
  readonly lastHeardMs: number | undefined;
  readonly lastFailure: string | undefined;
}

export class Peers {
  readonly #view: SyncView;
  readonly #random: Random;
  readonly #peers = new Map<RegionCode, Peer>();
  readonly #links = new Map<LinkId, Link>();

  /** `dialable`: regions whose address is known here. */
  constructor(view: SyncView, random: Random, dialable: ReadonlySet<RegionCode>) {
    this.#view = view;
    this.#random = random;
    for (const region of view.cluster.regions) {
      if (region.code === view.region.code) continue;
      this.#peers.set(region.code, {
        region,
        dialable: dialable.has(region.code),
        paused: false,
        link: undefined,
        dialling: undefined,
        attempts: 0,
        redialAtMs: 0,
        lastFailure: undefined,
      });
    }
  }

  /** Regions with a live link, ascending. */
  live(): RegionCode[] {
    return [...this.#peers.values()]
      .filter((peer) => peer.link?.live === true)
      .map((peer) => peer.region.code)
      .sort((a, b) => a - b);
  }

  /** The live link to a region. */
  linkTo(region: RegionCode): LinkId | undefined {
    const link = this.#peers.get(region)?.link;
    return link?.live === true ? link.id : undefined;
  }

  /** The version that both ends of the live link to a region speak. */
  versionOf(region: RegionCode): number {
    const spoken = this.#peers.get(region)?.link?.hello?.versionMax ?? PROTOCOL_VERSION;
    return Math.min(spoken, PROTOCOL_VERSION);
  }

  /** The region behind a live link; undefined for every other. */
  liveRegionOf(id: LinkId): RegionCode | undefined {
    const link = this.#links.get(id);
    return link?.live === true ? link.region : undefined;
  }

  status(): PeerLinkStatus[] {
    return [...this.#peers.values()].map((peer) => ({
      region: peer.region,
      state: stateOf(peer),
      lastHeardMs: peer.link?.lastHeardMs,
      lastFailure: peer.lastFailure,
    }));
  }

  tick(nowMs: number, out: SyncEffect[]): void {
    for (const link of this.#links.values()) {
      const silentMs = nowMs - link.lastHeardMs;
      if (link.live && silentMs > limits.LINK_SILENCE_MS_MAX) {
        this.#end(link, `silent for ${Math.round(silentMs)} ms`, out);
      } else if (!link.live && nowMs - link.openedMs > limits.HANDSHAKE_MS_MAX) {
        this.#end(link, "handshake timed out", out);
      }
    }
    for (const peer of this.#peers.values()) {
      if (this.#dials(peer) && nowMs >= peer.redialAtMs) this.#dial(peer, out);
    }
  }

  dialled(region: RegionCode, id: LinkId): void {
    const peer = this.#peers.get(region);
    if (peer !== undefined) peer.dialling = id;
  }

  linkUp(id: LinkId, nowMs: number, out: SyncEffect[]): void {
    const dialler = [...this.#peers.values()].find((peer) => peer.dialling === id);
    const link: Link = {
      id,
      dialledByUs: dialler !== undefined,
      region: dialler?.region.code,
      nonce: this.#random.bytes(16),
      hello: undefined,
      live: false,
      ended: false,
      openedMs: nowMs,
      lastHeardMs: nowMs,
    };
    this.#links.set(id, link);
    out.push(send(id, helloOf(this.#view, link.nonce)));
  }

  /** Returns the region that lost its link, if this was the one it had. */
  linkDown(id: LinkId, reason: string, nowMs: number, out: SyncEffect[]): RegionCode | undefined {
    this.#links.delete(id);
    const peer = [...this.#peers.values()].find(
      ({ link, dialling }) => link?.id === id || dialling === id,
    );
    if (peer === undefined) return undefined;
    if (peer.dialling === id) peer.dialling = undefined;
    peer.lastFailure = reason;
    peer.redialAtMs = nowMs + redialDelayMs(peer.attempts++, this.#random);
    if (peer.link?.id !== id) return undefined;
    peer.link = undefined;
    out.push(report("info", "link-lost", { region: peer.region.name, reason }));
    return peer.region.code;
  }

  heard(id: LinkId, nowMs: number): void {
    const link = this.#links.get(id);
    if (link !== undefined) link.lastHeardMs = nowMs;
  }

  /** Returns the region whose link has just become live. */
  handshake(
    id: LinkId,
    message: Hello | Proof,
    nowMs: number,
    out: SyncEffect[],
  ): RegionCode | undefined {
    const link = this.#links.get(id);
    if (link === undefined || link.live || link.ended) return undefined;
    if (message.kind === "hello") this.#hello(link, message, out);
    else if (link.hello === undefined) this.#refuse(link, "proof", "proof before hello", out);
    else return this.#proof(link, link.hello, message, nowMs, out);
    return undefined;
  }

  /** The peer ended the link and said why. */
  refused(id: LinkId, code: RefusalCode, detail: string, out: SyncEffect[]): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    const region = link.region === undefined ? "unknown" : this.#nameOf(link.region);
    const level = code === "duplicate" || code === "leaving" || code === "paused" ? "info" : "warn";
    out.push(report(level, "link-refused-by-peer", { region, code, detail }));
    this.#end(link, `refused by peer: ${detail}`, out);
  }

  /** Ends a link for a fault of the peer's. */
  refuse(id: LinkId, code: RefusalCode, detail: string, out: SyncEffect[]): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#refuse(link, code, detail, out);
  }

  pause(region: RegionCode, out: SyncEffect[]): void {
    const peer = this.#peers.get(region);
    if (peer === undefined || peer.paused) return;
    peer.paused = true;
    out.push(report("warn", "peer-paused", { region: peer.region.name }));
    for (const link of this.#links.values()) {
      if (link.region === region) this.#refuse(link, "paused", "paused by an operator", out);
    }
  }

  resume(region: RegionCode, out: SyncEffect[]): void {
    const peer = this.#peers.get(region);
    if (peer === undefined || !peer.paused) return;
    peer.paused = false;
    peer.attempts = 0;
    out.push(report("info", "peer-resumed", { region: peer.region.name }));
    if (peer.dialable && peer.link === undefined && peer.dialling === undefined) {
      this.#dial(peer, out); // whichever side dials by rule may be deep in its backoff
    }
  }

  /** Ends every link; they are dialled again after their backoff. */
  reset(reason: string, out: SyncEffect[]): void {
    for (const link of this.#links.values()) this.#end(link, reason, out);
  }

  leave(out: SyncEffect[]): void {
    for (const link of this.#links.values()) this.#refuse(link, "leaving", "stopping", out);
  }

  #hello(link: Link, hello: Hello, out: SyncEffect[]): void {
    if (link.hello !== undefined) return this.#refuse(link, "malformed", "second hello", out);
    const refused = refuseHello(this.#view, hello);
    if (refused !== undefined) return this.#refuse(link, refused.code, refused.detail, out);
    if (link.region !== undefined && link.region !== hello.region) {
      const detail = `dialled ${this.#nameOf(link.region)}, met ${this.#nameOf(hello.region)}`;
      return this.#refuse(link, "identity", detail, out);
    }
    link.hello = hello;
    link.region = hello.region;
    if (this.#peers.get(hello.region)?.paused === true) {
      return this.#refuse(link, "paused", "paused by an operator", out);
    }
    const { cluster, region } = this.#view;
    const mac = proofOf(cluster, { region: region.code, nonce: link.nonce }, hello.nonce);
    out.push(send(link.id, { kind: "proof", mac }));
  }

  #proof(
    link: Link,
    hello: Hello,
    proof: Proof,
    nowMs: number,
    out: SyncEffect[],
  ): RegionCode | undefined {
    const prover = { region: hello.region, nonce: hello.nonce };
    if (!proofHolds(proofOf(this.#view.cluster, prover, link.nonce), proof.mac)) {
      this.#refuse(link, "proof", "wrong cluster secret", out);
      return undefined;
    }
    const peer = this.#peers.get(hello.region);
    if (peer === undefined || peer.paused) return undefined;
    if (peer.link !== undefined) {
      if (this.#keeps(peer.link, link, nowMs)) {
        this.#refuse(link, "duplicate", "a link is live already", out);
        return undefined;
      }
      this.#refuse(peer.link, "duplicate", "replaced by a newer link", out);
    }
    link.live = true;
    peer.link = link;
    peer.attempts = 0;
    peer.lastFailure = undefined;
    out.push(report("info", "link-live", { region: peer.region.name }));
    return hello.region;
  }

  /** True when the older of two links to one region survives. Symmetric: both sides decide alike. */
  #keeps(older: Link, newer: Link, nowMs: number): boolean {
    const silent = nowMs - older.lastHeardMs > limits.HEARTBEAT_IDLE_MS * 3;
    return !silent && this.#lowerDialled(older) && !this.#lowerDialled(newer);
  }

  #lowerDialled(link: Link): boolean {
    return link.dialledByUs === this.#view.region.code < (link.region ?? 0);
  }

  #dials(peer: Peer): boolean {
    const idle = peer.link === undefined && peer.dialling === undefined && !peer.paused;
    return idle && peer.dialable && this.#view.region.code < peer.region.code;
  }

  #dial(peer: Peer, out: SyncEffect[]): void {
    peer.redialAtMs = Infinity; // until this attempt has ended
    out.push({ kind: "dial", region: peer.region.code });
  }

  #refuse(link: Link, code: RefusalCode, detail: string, out: SyncEffect[]): void {
    if (link.ended) return;
    if (code !== "paused" && code !== "leaving" && code !== "duplicate") {
      const region = link.region === undefined ? "unknown" : this.#nameOf(link.region);
      out.push(report("warn", "link-refused", { region, code, detail }));
    }
    out.push(send(link.id, { kind: "refusal", code, detail }));
    this.#end(link, detail, out);
  }

  #end(link: Link, reason: string, out: SyncEffect[]): void {
    if (link.ended) return;
    link.ended = true;
    link.live = false;
    out.push({ kind: "close", link: link.id, reason });
  }

  #nameOf(code: RegionCode): string {
    return regionByCode(this.#view.cluster, code)?.name ?? `region ${code}`;
  }
}

function stateOf(peer: Peer): PeerState {
  if (peer.paused) return "paused";
  if (peer.link?.live === true) return "live";
  if (peer.link !== undefined) return "handshake";
  return peer.dialling === undefined ? "down" : "connecting";
}

function send(link: LinkId, message: Message): SyncEffect {
  return { kind: "send", link, frame: encodeMessage(message) };
}

function report(
  level: "info" | "warn",
  event: string,
  fields: Record<string, unknown>,
): SyncEffect {
  return { kind: "report", level, event, fields };
}
