/**
 * The other regions: who is dialled, who is who, who is gone.
 *
 *     down ──dial──▶ connecting ──linkUp──▶ handshake ──HELLO, PROOF──▶ live
 *       ▲                │                      │                        │
 *       └──── backoff ───┴───── refused ────────┴── silence, linkDown ───┘        paused: an operator
 *
 * One link per pair of regions. The region with the lower code dials; after a heal both may, and the
 * two sides agree on which link survives because they apply the same rule: the one that the lower code
 * dialled, unless it has gone silent. Nothing here removes data or members: a peer that is down is only not talked to.
 */
import type { Random, RegionCode, RegionName } from "@atoll/core";
import { hlcToMs, must, sometimes, unreachable } from "@atoll/core";
import { admit, refuseHello, refuseTwin, versionsOf } from "./admission.ts";
import type { SyncEffect } from "./effects.ts";
import type { Reason } from "./endings.ts";
import { Endings } from "./endings.ts";
import type { Speaker } from "./handshake.ts";
import { helloDigest, helloOf, proofOf } from "./handshake.ts";
import type { Link } from "./links.ts";
import { Links, isLive } from "./links.ts";
import type { Hello, LaneSeen, Proof } from "./messages.ts";
import type { Peer, PeerLinkStatus } from "./peer-table.ts";
import { PeerTable } from "./peer-table.ts";
import type { SyncView } from "./sync-view.ts";
import type { LinkId } from "./transport.ts";
import { agreedVersion } from "./version.ts";

const PAUSED: Reason = { code: "paused", detail: "paused by an operator" };
/** Version 1 knows no code of its own for it, and does the same for this one: it waits and tries again. */
const WITHDRAWN: Reason = { code: "paused", detail: "not among the registered peers" };

export interface PeersOptions {
  readonly view: SyncView;
  readonly random: Random;
  /** Regions whose address is known here. */
  readonly dialable: ReadonlySet<RegionCode>;
  readonly speaker: Speaker;
  /** What has been seen of the origin of somebody who says this HELLO. */
  readonly seenOf: (hello: Hello) => readonly LaneSeen[];
  /** A region has no live link any more, as of now. */
  readonly lost: (region: RegionCode) => void;
}

export class Peers {
  readonly #view: SyncView;
  readonly #options: PeersOptions;
  readonly #peers: PeerTable;
  readonly #links: Links;
  readonly #endings: Endings;
  /** The origin that was last found to be rolled back. */
  #rolledBack: number | undefined;

  constructor(options: PeersOptions) {
    const { view, random, dialable, speaker } = options;
    this.#options = options;
    this.#view = view;
    this.#links = new Links(speaker.versions.min);
    this.#peers = new PeerTable(view.cluster, { own: view.region.code, dialable, random });
    const { cluster } = view;
    const [links, peers] = [this.#links, this.#peers];
    this.#endings = new Endings({ cluster, links, peers, lost: options.lost });
  }

  /** Regions with a live link, ascending. */
  live(): RegionCode[] {
    return this.#peers.live();
  }

  /** The live link to a region. */
  linkTo(region: RegionCode): LinkId | undefined {
    return this.#peers.get(region)?.link?.id;
  }

  /** The version spoken with a region; without a live link the lowest that is spoken here. */
  versionOf(region: RegionCode): number {
    return this.#peers.get(region)?.link?.version ?? this.#options.speaker.versions.min;
  }

  /** The version of every frame on this link; undefined until the peer's HELLO. */
  agreedOn(id: LinkId): number | undefined {
    return this.#links.get(id)?.version;
  }

  /** The region behind a live link; undefined for every other. */
  liveRegionOf(id: LinkId): RegionCode | undefined {
    const link = this.#links.get(id);
    return isLive(link) ? link.region : undefined;
  }

  /** What a peer says that refuses us because another process serves our region. */
  get twin(): string | undefined {
    const peer = this.#peers.all().find(({ twin }) => twin !== undefined);
    return peer && `${peer.region.name} says: ${peer.twin}`;
  }

  /** Connections of any state, to anybody. */
  get linkCount(): number {
    return this.#links.size;
  }

  status(): PeerLinkStatus[] {
    return this.#peers.status(this.#links.all());
  }

  /** When there is something to do at a tick. */
  dueMs(): number {
    const dials = this.#peers.all().filter((peer) => this.#dials(peer));
    return Math.min(this.#links.dueMs(), ...dials.map(({ redial }) => redial.dueMs));
  }

  /** `lateMs`: by how much the tick came later than planned. */
  tick(nowMs: number, lateMs: number, out: SyncEffect[]): void {
    for (const { link, reason } of this.#links.overdue(nowMs, lateMs)) {
      sometimes("link overdue");
      // Told, because the other direction may work: a transport that waits to be answered would not tell.
      this.#endings.refuse(link, { code: "leaving", detail: reason }, nowMs, out);
    }
    for (const peer of this.#peers.all()) {
      if (this.#dials(peer) && peer.redial.isDue(nowMs)) this.#dial(peer, out);
    }
  }

  dialled(region: RegionCode, id: LinkId): void {
    this.#peers.get(region)?.redial.dialled(id);
  }

  /** `identity`: whom the link's certificate names. */
  linkUp(id: LinkId, identity: RegionName | undefined, nowMs: number, out: SyncEffect[]): void {
    const dialled = this.#peers.diallerOf(id)?.region.code;
    const link = this.#links.open({ id, dialled, identity, origin: this.#view.origin, nowMs });
    const { random, speaker } = this.#options;
    const hello = helloOf(this.#view, speaker, random.bytes(16));
    link.ourHello = helloDigest(this.#links.send(link, hello, out));
  }

  linkDown(id: LinkId, reason: string, nowMs: number, out: SyncEffect[]): void {
    this.#endings.gone(id, reason, nowMs, out);
  }

  heard(id: LinkId, nowMs: number): void {
    this.#links.heard(id, nowMs);
    const peer = this.#peers.get(this.#links.get(id)?.region);
    if (peer !== undefined) peer.heardMs = nowMs;
  }

  /** `frame`: the message as it came. Returns the region whose link has just become live. */
  handshake(
    id: LinkId,
    { message, frame }: { readonly message: Hello | Proof; readonly frame: Uint8Array },
    nowMs: number,
    out: SyncEffect[],
  ): RegionCode | undefined {
    const link = this.#links.get(id);
    if (link === undefined || isLive(link) || link.ended !== undefined) return undefined;
    if (message.kind === "hello") {
      link.peerHello = link.hello === undefined ? helloDigest(frame) : link.peerHello;
      this.#hello(link, message, nowMs, out);
    } else if (link.hello === undefined) {
      this.#endings.refuse(link, { code: "proof", detail: "proof before hello" }, nowMs, out);
    } else {
      return this.#proof(link, link.hello, message, nowMs, out);
    }
    return undefined;
  }

  /** The peer ended the link and said why. */
  refused(id: LinkId, reason: Reason, nowMs: number, out: SyncEffect[]): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#endings.refused(link, reason, nowMs, out);
  }

  /** Ends a link for a fault of the peer's. */
  refuse(id: LinkId, reason: Reason, nowMs: number, out: SyncEffect[]): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#endings.refuse(link, reason, nowMs, out);
  }

  /** What a registry says replaces whatever was known: who is new is dialled, who is gone is let go. */
  registered(regions: ReadonlySet<RegionCode>, nowMs: number, out: SyncEffect[]): void {
    for (const peer of this.#peers.all()) {
      const isNamed = regions.has(peer.region.code);
      if (isNamed === peer.dialable && isNamed !== peer.withdrawn) continue;
      peer.dialable = isNamed;
      peer.withdrawn = !isNamed;
      const { name: region } = peer.region;
      out.push(report("info", isNamed ? "peer-registered" : "peer-withdrawn", { region }));
      if (isNamed) {
        peer.redial.reset();
        if (this.#dials(peer) && !peer.redial.isUnderWay) this.#dial(peer, out);
      } else this.#hangUp(peer, WITHDRAWN, nowMs, out);
    }
  }

  pause(region: RegionCode, nowMs: number, out: SyncEffect[]): void {
    const peer = this.#peers.get(region);
    if (peer === undefined || peer.paused) return;
    peer.paused = true;
    out.push(report("warn", "peer-paused", { region: peer.region.name }));
    this.#hangUp(peer, PAUSED, nowMs, out);
  }

  resume(region: RegionCode, out: SyncEffect[]): void {
    const peer = this.#peers.get(region);
    if (peer === undefined || !peer.paused) return;
    peer.paused = false;
    peer.redial.reset();
    out.push(report("info", "peer-resumed", { region: peer.region.name }));
    if (peer.dialable && peer.link === undefined && !peer.redial.isUnderWay) {
      this.#dial(peer, out); // whichever side dials by rule may be deep in its backoff
    }
  }

  /** Ends every link; they are dialled again after their backoff. */
  reset(reason: string, nowMs: number, out: SyncEffect[]): void {
    for (const link of this.#links.all()) {
      this.#endings.end(link, { cause: "reset", detail: reason }, nowMs, out);
    }
  }

  leave(nowMs: number, out: SyncEffect[]): void {
    for (const link of this.#links.all())
      this.#endings.refuse(link, { code: "leaving", detail: "stopping" }, nowMs, out);
  }

  #hello(link: Link, hello: Hello, nowMs: number, out: SyncEffect[]): void {
    if (link.hello !== undefined) {
      return this.#endings.refuse(link, { code: "malformed", detail: "second hello" }, nowMs, out);
    }
    const { speaker, seenOf } = this.#options;
    link.region ??= hello.region; // also of one that is refused: its operator looks for the reason
    const refused = refuseHello(this.#view, speaker, link, hello);
    if (refused !== undefined) return this.#endings.refuse(link, refused, nowMs, out);
    const peer = must(this.#peers.get(hello.region), "a region of the config");
    peer.heardMs = nowMs;
    link.hello = hello;
    link.version = agreedVersion(speaker.versions, versionsOf(hello));
    if (peer.paused) return this.#endings.refuse(link, PAUSED, nowMs, out);
    if (peer.withdrawn) return this.#endings.refuse(link, WITHDRAWN, nowMs, out);
    const twin = refuseTwin(peer, hello);
    const claim = { welcome: twin === undefined, seen: twin === undefined ? seenOf(hello) : [] };
    const hellos = { prover: link.ourHello, verifier: link.peerHello };
    this.#links.send(link, proofOf(this.#view.cluster, hellos, claim), out);
    if (twin !== undefined) this.#endings.refuse(link, twin, nowMs, out);
  }

  #proof(
    link: Link,
    hello: Hello,
    proof: Proof,
    nowMs: number,
    out: SyncEffect[],
  ): RegionCode | undefined {
    const peer = this.#peers.get(hello.region);
    if (peer === undefined || link.proven) return undefined;
    const admission = admit({ view: this.#view, peer, link, hello, proof, nowMs });
    link.proven = admission.kind !== "refused" || admission.code !== "proof";
    switch (admission.kind) {
      case "refused":
        this.#endings.refuse(link, admission, nowMs, out);
        return undefined;
      case "unwelcome":
        return undefined;
      case "rolled-back":
        this.#rollBack(link, peer, admission.entries, nowMs, out);
        return undefined;
      case "admitted": {
        const { replaces } = admission;
        if (replaces)
          this.#endings.refuse(
            replaces,
            { code: "duplicate", detail: "replaced by a newer link" },
            nowMs,
            out,
          );
        this.#enliven(peer, link, nowMs, out);
        return hello.region;
      }
      default:
        return unreachable(admission);
    }
  }

  /** The link ends before anything is said on it, and the next one is opened under a new name. */
  #rollBack(link: Link, peer: Peer, entries: number, nowMs: number, out: SyncEffect[]): void {
    const { origin } = this.#view;
    out.push({ kind: "rolled-back", by: peer.region.code, entries });
    this.#endings.refuse(link, { code: "leaving", detail: "takes a new incarnation" }, nowMs, out);
    // At once, but once: a new name that could not be saved is noticed again after a pause.
    if (origin !== this.#rolledBack) peer.redial.soon();
    this.#rolledBack = origin;
  }

  #enliven(peer: Peer, link: Link, nowMs: number, out: SyncEffect[]): void {
    link.liveMs = nowMs;
    link.liveSince = new Date(hlcToMs(this.#view.stamp())).toISOString();
    peer.link = link;
    peer.lastFailure = undefined;
    peer.loss = undefined;
    peer.twin = undefined;
    peer.logged = undefined;
    const { name: region } = peer.region;
    out.push(report("info", "link-live", { region, version: link.version }));
  }

  #dials(peer: Peer): boolean {
    if (peer.paused || !peer.dialable || peer.link !== undefined) return false;
    return this.#view.region.code < peer.region.code || peer.redial.insists;
  }

  /** Every link with a region, of any state. */
  #hangUp({ region }: Peer, reason: Reason, nowMs: number, out: SyncEffect[]): void {
    for (const link of this.#links.all()) {
      if (link.region === region.code) this.#endings.refuse(link, reason, nowMs, out);
    }
  }

  #dial(peer: Peer, out: SyncEffect[]): void {
    peer.redial.begin();
    out.push({ kind: "dial", region: peer.region.code });
  }
}

function report(
  level: "info" | "warn",
  event: string,
  fields: Record<string, unknown>,
): SyncEffect {
  return { kind: "report", level, event, fields };
}
