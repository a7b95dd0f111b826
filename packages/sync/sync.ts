/**
 * How replicas converge: one step function, `(event, now) → effects`.
 *
 * Routes each event to the machine that knows it, and holds nothing of its own:
 *
 *     peers         who is live            gossip         push and heartbeats
 *     announced     what they hold         catch-up       pull what is missing, and answer
 *     credit        what they take         anti-entropy   prove that it is the same
 *
 * What goes to one peer is one ordered stream, and the order of urgency is: heartbeats, fresh entries,
 * answers, comparisons. Each gives way to the one before.
 *
 * `nowMs` is a monotonic clock. Nothing here waits, sends or stores; the driver does.
 */
import type { Random, RegionCode, RegionVector } from "@atoll/core";
import { unreachable } from "@atoll/core";
import { Announced } from "./announced.ts";
import { AntiEntropy } from "./anti-entropy.ts";
import type { Comparison } from "./anti-entropy.ts";
import { CatchUp } from "./catch-up.ts";
import { decodeFrame } from "./codec.ts";
import { Credit } from "./credit.ts";
import type { SyncEffect, SyncEvent, Taken } from "./effects.ts";
import { Gossip } from "./gossip.ts";
import type { Batch, Heartbeat, Message } from "./messages.ts";
import type { PeerLinkStatus } from "./peers.ts";
import { Peers } from "./peers.ts";
import type { SyncView } from "./sync-view.ts";
import type { LinkId } from "./transport.ts";

export interface PeerStatus extends PeerLinkStatus {
  /** Entries that the peer holds and we do not, and the other way round; undefined when unknown. */
  readonly distance: { readonly behind: number; readonly ahead: number } | undefined;
  readonly rttMs: number | undefined;
  readonly comparison: Comparison;
  /** Monotonic; undefined when never compared on this link. */
  readonly comparedMs: number | undefined;
}

/** Where a message came from, and what it weighed. */
interface Frame {
  readonly link: LinkId;
  readonly bytes: number;
}

export class Sync {
  readonly #view: SyncView;
  readonly #peers: Peers;
  readonly #announced: Announced;
  readonly #credit = new Credit();
  readonly #gossip: Gossip;
  readonly #catchUp: CatchUp;
  readonly #antiEntropy: AntiEntropy;
  #unknownMessages = 0;

  constructor(options: {
    readonly view: SyncView;
    readonly random: Random;
    /** Regions whose address is known here. */
    readonly dialable: ReadonlySet<RegionCode>;
  }) {
    const { view, random, dialable } = options;
    this.#view = view;
    this.#peers = new Peers(view, random.fork("peers"), dialable);
    this.#announced = new Announced(view.frontier);
    const rooms = { peers: this.#peers, announced: this.#announced, credit: this.#credit };
    this.#gossip = new Gossip(view, rooms);
    this.#catchUp = new CatchUp(view, { ...rooms, gossip: this.#gossip });
    this.#antiEntropy = new AntiEntropy(view, this.#peers, random.fork("anti-entropy"));
  }

  /** What is held of every other region. */
  get coverage(): RegionVector {
    return this.#announced.coverage;
  }

  /** Messages of a kind this version does not know. */
  get unknownMessages(): number {
    return this.#unknownMessages;
  }

  status(): PeerStatus[] {
    return this.#peers.status().map((link) => {
      const { result, comparedMs } = this.#antiEntropy.comparison(link.region.code);
      return {
        ...link,
        distance: this.#announced.distance(link.region.code),
        rttMs: this.#gossip.rttMs(link.region.code),
        comparison: result,
        comparedMs,
      };
    });
  }

  step(event: SyncEvent, nowMs: number): SyncEffect[] {
    const out: SyncEffect[] = [];
    switch (event.kind) {
      case "start":
      case "tick":
        this.#tick(nowMs, out);
        break;
      case "link-dialled":
        this.#peers.dialled(event.region, event.link);
        break;
      case "link-up":
        this.#peers.linkUp(event.link, nowMs, out);
        break;
      case "link-down":
        this.#lost(this.#peers.linkDown(event.link, event.reason, nowMs, out));
        break;
      case "frame":
        this.#frame(event.link, event.bytes, nowMs, out);
        break;
      case "committed":
        this.#announced.advance();
        this.#gossip.committed(event.entries, nowMs, out);
        this.#catchUp.ask(nowMs, out);
        if (event.entries.length > 0) this.#antiEntropy.disturbed(nowMs);
        this.#catchUp.pump(nowMs, out);
        break;
      case "taken":
        this.#taken(event, nowMs, out);
        break;
      case "pause":
        this.#peers.pause(event.region, out);
        break;
      case "resume":
        this.#peers.resume(event.region, out);
        break;
      case "reset":
        this.#peers.reset(event.reason, out);
        break;
      case "leave":
        this.#peers.leave(out);
        break;
      default:
        unreachable(event);
    }
    return out;
  }

  #tick(nowMs: number, out: SyncEffect[]): void {
    this.#peers.tick(nowMs, out);
    this.#gossip.tick(nowMs, out);
    this.#catchUp.ask(nowMs, out);
    this.#catchUp.pump(nowMs, out);
    for (const peer of this.#peers.live()) {
      if (this.#catchUp.busyServing(peer)) continue;
      const atRest = this.#announced.knows(peer) && this.#catchUp.idle(peer);
      if (atRest && this.#gossip.idle(peer)) this.#antiEntropy.compare(peer, nowMs, out);
    }
  }

  #lost(peer: RegionCode | undefined): void {
    if (peer === undefined) return;
    this.#announced.reset(peer);
    this.#gossip.closed(peer);
    this.#catchUp.closed(peer);
    this.#credit.closed(peer);
    this.#antiEntropy.closed(peer);
  }

  #frame(link: LinkId, bytes: Uint8Array, nowMs: number, out: SyncEffect[]): void {
    const decoded = decodeFrame(bytes);
    if (decoded.kind === "fault") {
      this.#peers.refuse(link, "malformed", decoded.reason, out);
    } else if (decoded.kind === "unknown") {
      this.#unknownMessages++;
    } else {
      this.#peers.heard(link, nowMs);
      this.#message({ link, bytes: bytes.length }, decoded.message, nowMs, out);
    }
  }

  #message(frame: Frame, message: Message, nowMs: number, out: SyncEffect[]): void {
    const { link } = frame;
    if (message.kind === "refusal") {
      this.#peers.refused(link, message.code, message.detail, out);
      return;
    }
    const peer = this.#peers.liveRegionOf(link);
    if (message.kind === "hello" || message.kind === "proof") {
      const opened = this.#peers.handshake(link, message, nowMs, out);
      if (opened === undefined) return;
      this.#lost(opened); // what was known from an earlier link
      this.#credit.opened(opened, this.#peers.versionOf(opened));
      this.#gossip.opened(opened, nowMs, out);
      this.#antiEntropy.opened(opened, nowMs);
    } else if (peer === undefined) {
      this.#peers.refuse(link, "proof", `${message.kind} before the handshake`, out);
    } else {
      this.#live(peer, frame, message, nowMs, out);
    }
  }

  #live(
    peer: RegionCode,
    frame: Frame,
    message: Exclude<Message, { kind: "hello" | "proof" | "refusal" }>,
    nowMs: number,
    out: SyncEffect[],
  ): void {
    switch (message.kind) {
      case "heartbeat":
        this.#notice(peer, message, out);
        this.#announced.hear(peer, message, nowMs);
        this.#gossip.heard(peer, message, nowMs);
        this.#catchUp.ask(nowMs, out);
        this.#catchUp.pump(nowMs, out);
        return;
      case "batch":
        return this.#batch(peer, frame, message, nowMs, out);
      case "need":
        this.#catchUp.answer(peer, message, nowMs);
        this.#catchUp.pump(nowMs, out);
        return;
      case "trimmed":
        return this.#catchUp.onTrimmed(peer, message, nowMs, out);
      case "served":
        return this.#catchUp.served(peer, message.id, nowMs, out);
      case "compare-roots":
        return this.#antiEntropy.onRoots(peer, message, nowMs, out);
      case "compare-result":
        return this.#antiEntropy.onResult(peer, message, nowMs, out);
      case "compare-shards":
        return this.#antiEntropy.onShards(peer, message, nowMs, out);
      case "compare-documents":
        return this.#antiEntropy.onDocuments(peer, message, out);
      case "compare-changes":
        return this.#antiEntropy.onChanges(peer, message, nowMs, out);
      case "want-changes":
        return this.#antiEntropy.onWants(peer, message, out);
      default:
        unreachable(message);
    }
  }

  #batch(peer: RegionCode, frame: Frame, batch: Batch, nowMs: number, out: SyncEffect[]): void {
    const { link } = frame;
    const { entries, repair } = batch;
    const bytes = repair ? 0 : frame.bytes;
    if (!this.#credit.received(peer, bytes)) {
      return this.#peers.refuse(link, "malformed", "more bytes than were granted", out);
    }
    this.#catchUp.received(peer, batch, nowMs);
    const fresh = !repair && batch.answer !== true;
    const taken = { kind: "taken", link, bytes, fresh } as const;
    out.push({ kind: "ingest", from: peer, entries, repair, taken });
  }

  #taken({ link, bytes, fresh }: Taken, nowMs: number, out: SyncEffect[]): void {
    const peer = this.#peers.liveRegionOf(link);
    if (peer === undefined) return;
    this.#credit.taken(peer, bytes);
    this.#gossip.taken(peer, fresh, nowMs, out);
  }

  /**
   * Nobody can hold more of our origin than we do, unless our file was restored from a copy. What is
   * missing comes back by catch-up, as entries of an origin that is no longer ours.
   */
  #notice(peer: RegionCode, heartbeat: Heartbeat, out: SyncEffect[]): void {
    const { origin, frontier } = this.#view;
    let entries = 0;
    for (const lane of heartbeat.lanes) {
      if (lane.origin === origin) entries += Math.max(0, lane.contig - frontier.contig(lane));
    }
    if (entries > 0) out.push({ kind: "rolled-back", by: peer, entries });
  }
}
