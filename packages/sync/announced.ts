/**
 * What each live peer has said it holds, and what that makes of us: how far behind it we are, and
 * therefore which part of the past we cover.
 *
 *     peer says   lanes (shard, origin) up to contig, and "with these, everything up to vector"
 *     we know     as soon as we hold the same lanes of region r's origins, everything up to vector[r]
 *
 * The rule does not ask who brought the entries: a region that is cut off from us is covered through
 * any peer that reaches it. An entry that was lost, waits for its parents or was set aside keeps the
 * coverage back, which is what makes losses and reconnects harmless.
 *
 * The first saying on a link is of everything, the others of what has moved since. Where frames overtake one
 * another, as a network may make them, what moved is kept until that first one comes, and counts beside it.
 *
 * What a peer says of another region has to be fetched, and meanwhile it says more. If only its newest saying
 * counted, a region that is written without pause would never be covered through anybody else. So one saying
 * per region is kept as a goal until it is reached, and then the newest is the next.
 */
import type { Frontier, Hlc, Lane, RegionCode, RegionVector } from "@atoll/core";
import { LaneMap, VECTOR_ZERO, joinVectors, limits, originRegion, vectorAt } from "@atoll/core";
import type { Heartbeat } from "./messages.ts";
import type { SyncView } from "./sync-view.ts";

/** For whoever wants to know what a peer does not need any more. */
export interface KnownHoldings {
  /** Monotonic: when it last spoke. */
  readonly heardMs: number;
  /** Per region, up to where it covers it. */
  readonly vector: RegionVector;
  contig(lane: Lane): number;
}

interface Saying {
  heardMs: number;
  vector: RegionVector;
  readonly contigs: LaneMap<number>;
  /** Lanes in which the peer is ahead of us, and since when. */
  readonly behind: LaneMap<{ readonly sinceMs: number }>;
  /** Of regions in whose lanes the peer is ahead: what we are on the way to. */
  readonly goals: Map<RegionCode, Goal>;
}

/** With these lanes, everything up to `hlc`. */
interface Goal {
  readonly hlc: Hlc;
  readonly lanes: readonly (Lane & { readonly upTo: number })[];
}

export class Announced {
  readonly #frontier: Frontier;
  readonly #peers = new Map<RegionCode, Saying>();
  /** What was said on a link before all was. Oldest first. */
  readonly #early = new Map<RegionCode, Heartbeat[]>();
  /** Of peers that are gone: what waits for them is counted against what they last confirmed. */
  readonly #earlier = new Map<RegionCode, Saying>();
  readonly #own: RegionCode;
  readonly #shardCount: number;
  #coverage: RegionVector;
  #confirmations = 0;

  constructor(view: Pick<SyncView, "cluster" | "frontier" | "region" | "coverage">) {
    this.#frontier = view.frontier;
    this.#shardCount = view.cluster.shardCount;
    this.#own = view.region.code;
    this.#coverage = view.coverage();
  }

  /** Everything of each other region up to here is held. Goes back only by `restart`. */
  get coverage(): RegionVector {
    return this.#coverage;
  }

  /** Grows whenever a peer says that it holds more than it had said. */
  get confirmations(): number {
    return this.#confirmations;
  }

  /** What a peer said on an earlier link holds no more: it may have lost it since. */
  reset(peer: RegionCode): void {
    const saying = this.#peers.get(peer);
    if (saying !== undefined) this.#earlier.set(peer, saying);
    this.#peers.delete(peer);
    this.#early.delete(peer);
  }

  /** What was applied and not committed is undone, and with it whatever it covered. */
  restart(coverage: RegionVector): void {
    this.#coverage = coverage;
  }

  /** Where this peer and we can be compared: what both are known to cover. */
  cutWith(peer: RegionCode): RegionVector {
    const theirs = this.#peers.get(peer)?.vector ?? VECTOR_ZERO;
    const cut = new Map<RegionCode, Hlc>();
    for (const [region, hlc] of theirs) {
      // Our own part is what the peer covers of us.
      const ours = region === this.#own ? hlc : vectorAt(this.#coverage, region);
      cut.set(region, ours < hlc ? ours : hlc);
    }
    return cut;
  }

  /** True once the peer has said everything it holds. */
  knows(peer: RegionCode): boolean {
    return this.#peers.has(peer);
  }

  hear(peer: RegionCode, heartbeat: Heartbeat, nowMs: number): void {
    let saying = this.#peers.get(peer);
    if (saying === undefined) {
      if (!heartbeat.full) return this.#keepEarly(peer, heartbeat);
      saying = {
        heardMs: nowMs,
        vector: VECTOR_ZERO,
        contigs: new LaneMap(),
        behind: new LaneMap(),
        goals: new Map(),
      };
      this.#peers.set(peer, saying);
    }
    saying.heardMs = nowMs;
    for (const said of [heartbeat, ...(this.#early.get(peer) ?? [])]) {
      this.#add(saying, said, nowMs);
    }
    this.#early.delete(peer);
    this.#cover(saying);
  }

  /** Nothing to add it to yet. One that is dropped is made good when its lanes move again, or by the next link. */
  #keepEarly(peer: RegionCode, heartbeat: Heartbeat): void {
    const early = this.#early.get(peer) ?? [];
    early.push(heartbeat);
    this.#early.set(peer, early.slice(-limits.HEARTBEATS_EARLY_MAX));
  }

  #add(saying: Saying, heartbeat: Heartbeat, nowMs: number): void {
    saying.vector = joinVectors(saying.vector, heartbeat.vector);
    for (const lane of heartbeat.lanes) {
      if (lane.shard >= this.#shardCount) continue; // nobody could ever bring what it speaks of
      if (lane.contig <= (saying.contigs.get(lane) ?? 0)) continue;
      saying.contigs.set(lane, lane.contig);
      this.#confirmations++;
      if (lane.contig > this.#frontier.contig(lane) && saying.behind.get(lane) === undefined) {
        saying.behind.set(lane, { sinceMs: nowMs });
      }
    }
  }

  /** To be called when our frontier has moved. */
  advance(): void {
    for (const saying of this.#peers.values()) this.#cover(saying);
  }

  contig(peer: RegionCode, lane: Lane): number {
    return this.#peers.get(peer)?.contigs.get(lane) ?? 0;
  }

  /** Peers that say that they hold a lane up to here. */
  holders(lane: Lane, seq: number): RegionCode[] {
    const holders: RegionCode[] = [];
    for (const [peer, { contigs }] of this.#peers) {
      if ((contigs.get(lane) ?? 0) >= seq) holders.push(peer);
    }
    return holders;
  }

  /** What a peer said of a lane at any time, also on an earlier link; 0 when nothing. */
  lastSaid(peer: RegionCode, lane: Lane): number {
    const earlier = this.#earlier.get(peer)?.contigs.get(lane) ?? 0;
    return Math.max(this.contig(peer, lane), earlier);
  }

  /** Up to where the peer has said that it covers each region, on this link. */
  said(peer: RegionCode): RegionVector {
    return this.#peers.get(peer)?.vector ?? VECTOR_ZERO;
  }

  /** What a region is known to hold, from this link or the one before; undefined when it never spoke. */
  known(peer: RegionCode): KnownHoldings | undefined {
    const saying = this.#peers.get(peer) ?? this.#earlier.get(peer);
    if (saying === undefined) return undefined;
    const { vector, heardMs } = saying;
    return { vector, heardMs, contig: (lane) => saying.contigs.get(lane) ?? 0 };
  }

  /** Lanes in which this peer holds more than we do. */
  *behind(peer: RegionCode): Generator<{ lane: Lane; upTo: number; sinceMs: number }> {
    const saying = this.#peers.get(peer);
    if (saying === undefined) return;
    for (const [lane, { sinceMs }] of saying.behind.entries()) {
      const upTo = saying.contigs.get(lane) ?? 0;
      if (upTo > this.#frontier.contig(lane)) yield { lane, upTo, sinceMs };
    }
  }

  /**
   * Entries that the peer holds and we do not, and the other way round; of a peer that is gone, by what
   * it said last. Undefined for one that never said anything.
   */
  distance(peer: RegionCode): { behind: number; ahead: number } | undefined {
    const saying = this.#peers.get(peer) ?? this.#earlier.get(peer);
    if (saying === undefined) return undefined;
    let behind = 0;
    let ahead = 0;
    for (const [lane, contig] of saying.contigs.entries()) {
      behind += Math.max(0, contig - this.#frontier.contig(lane));
    }
    for (const [lane, { contig }] of this.#frontier.lanes()) {
      ahead += Math.max(0, contig - (saying.contigs.get(lane) ?? 0));
    }
    return { behind, ahead };
  }

  #cover(saying: Saying): void {
    const missing = new Map<RegionCode, Goal["lanes"][number][]>();
    for (const [lane] of [...saying.behind.entries()]) {
      const upTo = saying.contigs.get(lane) ?? 0;
      if (!this.#lacks({ ...lane, upTo })) {
        saying.behind.delete(lane);
        continue;
      }
      const region = originRegion(lane.origin);
      const lanes = missing.get(region);
      if (lanes === undefined) missing.set(region, [{ ...lane, upTo }]);
      else lanes.push({ ...lane, upTo });
    }
    const covered = new Map<RegionCode, Hlc>();
    for (const [region, hlc] of saying.vector) {
      const lanes = missing.get(region);
      const goal = saying.goals.get(region);
      if (lanes === undefined) {
        covered.set(region, hlc);
        saying.goals.delete(region);
      } else if (goal === undefined) {
        saying.goals.set(region, { hlc, lanes });
      } else if (!goal.lanes.some((lane) => this.#lacks(lane))) {
        covered.set(region, goal.hlc);
        saying.goals.set(region, { hlc, lanes });
      }
    }
    this.#coverage = joinVectors(this.#coverage, covered);
  }

  #lacks(lane: Goal["lanes"][number]): boolean {
    return lane.upTo > this.#frontier.contig(lane);
  }
}
