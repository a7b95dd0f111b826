/**
 * How replicas converge: one step function, `(event, now) → effects`.
 *
 * Routes each event to the machine that knows it, and holds nothing of its own:
 *
 *     peers         who is live            gossip         push and heartbeats
 *     announced     what they hold         catch-up       pull what is missing, and answer
 *     own origin    what they hold of us   anti-entropy   prove that it is the same
 *     credit        what they take
 *
 * What goes to one peer is one ordered stream, and the order of urgency is: heartbeats, fresh entries,
 * answers, comparisons. Each gives way to the one before.
 *
 * `nowMs` is a monotonic clock. Nothing here waits, sends or stores; the driver does.
 */
import type { Lane, Random, RegionCode, RegionVector, Spending } from "@atoll/core";
import { limits, unreachable, vectorAt } from "@atoll/core";
import type { KnownHoldings } from "./announced.ts";
import { Announced } from "./announced.ts";
import { AntiEntropy } from "./anti-entropy.ts";
import type { Comparison, ComparisonCounts } from "./comparison-verdicts.ts";
import { CatchUp } from "./catch-up.ts";
import { decodeFrame, encodeMessage } from "./codec.ts";
import { Credit } from "./credit.ts";
import type { SyncEffect, SyncEvent, Taken } from "./effects.ts";
import { Gossip } from "./gossip.ts";
import type { Batch, Message } from "./messages.ts";
import { OwnOrigin, seenOf } from "./own-origin.ts";
import type { PeerLinkStatus } from "./peer-table.ts";
import { Peers } from "./peers.ts";
import type { SyncView } from "./sync-view.ts";
import { TickPlan } from "./tick-plan.ts";
import type { LinkId } from "./transport.ts";
import type { VersionRange } from "./version.ts";
import { VERSIONS_SPOKEN } from "./version.ts";

export interface PeerStatus extends PeerLinkStatus {
  /** Entries that the peer holds and we do not, and the other way round; undefined when unknown. */
  readonly distance: { readonly behind: number; readonly ahead: number } | undefined;
  readonly rttMs: number | undefined;
  readonly comparison: Comparison;
  /** Monotonic; undefined when never compared on this link. */
  readonly comparedMs: number | undefined;
  /** Everything up to here was equal when it was last compared. */
  readonly provenCut: RegionVector | undefined;
}

/** From which version on rates are spoken about. */
const SPENT_VERSION = 4;

/** A message as it came. */
interface Frame {
  readonly link: LinkId;
  readonly bytes: Uint8Array;
}

export class Sync {
  readonly #view: SyncView;
  readonly #peers: Peers;
  readonly #announced: Announced;
  readonly #ownOrigin: OwnOrigin;
  readonly #credit = new Credit();
  readonly #gossip: Gossip;
  readonly #catchUp: CatchUp;
  readonly #antiEntropy: AntiEntropy;
  readonly #plan = new TickPlan();
  #unknownMessages = 0;

  constructor(options: {
    readonly view: SyncView;
    readonly random: Random;
    /** Regions whose address is known here. */
    readonly dialable: ReadonlySet<RegionCode>;
    /** Every version of this release, unless a test plays an older or a later one. */
    readonly versions?: VersionRange;
  }) {
    const { view, random, dialable, versions = VERSIONS_SPOKEN } = options;
    this.#view = view;
    this.#ownOrigin = new OwnOrigin(view);
    this.#announced = new Announced(view);
    this.#peers = new Peers({
      view,
      random: random.fork("peers"),
      dialable,
      speaker: { versions, instance: random.fork("instance").bytes(16) },
      seenOf: (hello) => seenOf(view, this.#announced, hello),
      lost: (region) => this.#lost(region),
    });
    const rooms = { peers: this.#peers, announced: this.#announced, credit: this.#credit };
    this.#gossip = new Gossip(view, rooms);
    this.#catchUp = new CatchUp(view, {
      ...rooms,
      gossip: this.#gossip,
      isTrimmed: (peer, nowMs) => this.#antiEntropy.trimmed(peer, nowMs),
    });
    this.#antiEntropy = new AntiEntropy(view, rooms, random.fork("anti-entropy"));
  }

  /** What is held of every other region. */
  get coverage(): RegionVector {
    return this.#announced.coverage;
  }

  /**
   * Live peers that say they hold a lane up to here. They say so only after their fsync, and count only
   * what is applied, so whatever the entry builds on is on their disk too.
   */
  holders(lane: Lane, seq: number): RegionCode[] {
    const holders = this.#announced.holders(lane, seq);
    return holders.filter((peer) => this.#peers.linkTo(peer) !== undefined);
  }

  /** Grows when `holders` may have more to tell. */
  get confirmations(): number {
    return this.#announced.confirmations;
  }

  /** What a peer says that refuses us because another process serves our region. */
  get twin(): string | undefined {
    return this.#peers.twin;
  }

  /** What another region is known to hold; undefined when it has not spoken since the start. */
  known(peer: RegionCode): KnownHoldings | undefined {
    return this.#announced.known(peer);
  }

  /** When the next tick must come, as far as is known now: to be asked again after every step. */
  get nextTickMs(): number {
    return this.#plan.nextMs;
  }

  /** Messages of a kind this version does not know. */
  get unknownMessages(): number {
    return this.#unknownMessages;
  }

  /** What comparisons have found since the start. */
  get comparisons(): Readonly<ComparisonCounts> {
    return this.#antiEntropy.counts;
  }

  status(): PeerStatus[] {
    return this.#peers.status().map((link) => {
      const { result, comparedMs, provenCut } = this.#antiEntropy.status(link.region.code);
      return {
        ...link,
        distance: this.#announced.distance(link.region.code),
        rttMs: this.#gossip.rttMs(link.region.code),
        comparison: result,
        comparedMs,
        provenCut,
      };
    });
  }

  step(event: SyncEvent, nowMs: number): SyncEffect[] {
    const out: SyncEffect[] = [];
    switch (event.kind) {
      case "start":
        this.#ownOrigin.start(out);
        this.#tick(nowMs, out);
        break;
      case "tick":
        this.#tick(nowMs, out);
        break;
      case "link-dialled":
        this.#peers.dialled(event.region, event.link);
        break;
      case "link-up":
        this.#peers.linkUp(event.link, event.identity, nowMs, out);
        break;
      case "link-down":
        this.#peers.linkDown(event.link, event.reason, nowMs, out);
        break;
      case "frame":
        this.#frame(event.link, event.bytes, nowMs, out);
        break;
      case "committed":
        this.#announced.advance();
        this.#gossip.committed(event.entries, nowMs, out);
        this.#catchUp.ask(nowMs, out);
        if (event.entries.length > 0) this.#antiEntropy.disturbed(event.entries, nowMs);
        this.#catchUp.pump(nowMs, out);
        break;
      case "taken":
        this.#taken(event, nowMs, out);
        break;
      case "spend":
        this.#spend(event.spent, out);
        break;
      case "peers":
        this.#peers.registered(event.regions, nowMs, out);
        break;
      case "pause":
        this.#peers.pause(event.region, nowMs, out);
        break;
      case "resume":
        this.#peers.resume(event.region, out);
        break;
      case "compare":
        this.#antiEntropy.hasten(event.region, nowMs);
        break;
      case "reset":
        this.#announced.restart(this.#view.coverage());
        this.#peers.reset(event.reason, nowMs, out);
        break;
      case "leave":
        this.#peers.leave(nowMs, out);
        break;
      default:
        unreachable(event);
    }
    this.#plan.after(nowMs, () => this.#dueMs());
    return out;
  }

  /** Live peers that speak of rates. */
  get sharers(): readonly RegionCode[] {
    return this.#peers.live().filter((peer) => this.#peers.versionOf(peer) >= SPENT_VERSION);
  }

  /** A link that does not drain is left alone: what is not told is a little too generous, no more. */
  #spend(spent: readonly Spending[], out: SyncEffect[]): void {
    for (const peer of this.sharers) {
      const link = this.#peers.linkTo(peer);
      if (link === undefined) continue;
      if (this.#view.backlogBytes(link) > limits.LINK_BACKLOG_BYTES_MAX) continue;
      const frame = encodeMessage({ kind: "spent", spent }, this.#peers.versionOf(peer));
      out.push({ kind: "send", link, frame });
    }
  }

  #tick(nowMs: number, out: SyncEffect[]): void {
    this.#peers.tick(nowMs, this.#plan.tick(nowMs), out);
    this.#gossip.tick(nowMs, out);
    this.#catchUp.ask(nowMs, out);
    this.#catchUp.pump(nowMs, out);
    for (const peer of this.#peers.live()) {
      if (this.#catchUp.busyServing(peer)) continue;
      if (!this.#announced.knows(peer)) continue;
      this.#antiEntropy.noticeStandstill(peer, this.#catchUp.isAsking(peer), nowMs);
      this.#antiEntropy.tick(peer, this.#catchUp.idle(peer), nowMs, out);
    }
  }

  /** When a tick has something to do. What is asked for or answered is looked at at every one. */
  #dueMs(): number {
    let dueMs = Math.min(this.#peers.dueMs(), this.#gossip.dueMs());
    for (const peer of this.#peers.live()) {
      if (this.#catchUp.busyServing(peer) || !this.#catchUp.idle(peer)) return 0;
      if (this.#announced.knows(peer)) dueMs = Math.min(dueMs, this.#antiEntropy.dueMs(peer));
    }
    return dueMs;
  }

  /** A region is not linked any more. */
  #lost(peer: RegionCode): void {
    this.#announced.reset(peer);
    this.#gossip.closed(peer);
    this.#catchUp.closed(peer);
    this.#credit.closed(peer);
    this.#antiEntropy.closed(peer);
  }

  #frame(link: LinkId, bytes: Uint8Array, nowMs: number, out: SyncEffect[]): void {
    const decoded = decodeFrame(bytes, this.#peers.agreedOn(link));
    if (decoded.kind === "fault") {
      this.#peers.refuse(link, { code: "malformed", detail: decoded.reason }, nowMs, out);
    } else if (decoded.kind === "unknown") {
      this.#unknownMessages++;
    } else {
      this.#peers.heard(link, nowMs);
      this.#message({ link, bytes }, decoded.message, nowMs, out);
    }
  }

  #message(frame: Frame, message: Message, nowMs: number, out: SyncEffect[]): void {
    const { link, bytes } = frame;
    if (message.kind === "refusal") {
      this.#peers.refused(link, message, nowMs, out);
      return;
    }
    const peer = this.#peers.liveRegionOf(link);
    if (message.kind === "hello" || message.kind === "proof") {
      const opened = this.#peers.handshake(link, { message, frame: bytes }, nowMs, out);
      if (opened === undefined) return;
      this.#credit.opened(opened, this.#peers.versionOf(opened));
      this.#gossip.opened(opened, nowMs, out);
      this.#antiEntropy.opened(opened, nowMs);
    } else if (peer === undefined) {
      const detail = `${message.kind} before the handshake`;
      this.#peers.refuse(link, { code: "proof", detail }, nowMs, out);
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
        this.#ownOrigin.hear(peer, { lanes: message.lanes, isAll: message.full }, out);
        this.#announced.hear(peer, message, nowMs);
        this.#view.recall(vectorAt(message.vector, this.#view.region.code));
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
      case "spent":
        out.push({ kind: "spent", spent: message.spent });
        return;
      case "served":
        return this.#catchUp.served(peer, message.id, nowMs, out);
      default:
        this.#antiEntropy.hear(peer, message, frame.bytes.length, nowMs, out);
        for (const effect of out) if (effect.kind === "adopt") this.#gossip.adopted(effect.lanes);
    }
  }

  #batch(peer: RegionCode, frame: Frame, batch: Batch, nowMs: number, out: SyncEffect[]): void {
    const { link } = frame;
    const { entries, repair } = batch;
    const bytes = repair ? 0 : frame.bytes.length;
    if (!this.#credit.received(peer, bytes)) {
      const detail = "more bytes than were granted";
      return this.#peers.refuse(link, { code: "malformed", detail }, nowMs, out);
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
}
