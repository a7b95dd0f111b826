/**
 * Writes that wait until other regions hold them, and what can be said of them when the wait is over.
 *
 *     write ─▶ durable here ─▶ wait ─┬─ enough regions have said so ─▶ met
 *                                    └─ deadline, or the stop       ─▶ what was reached, by name
 *
 * A region is counted when it has said so itself, in a heartbeat, which leaves it only after its fsync;
 * that we sent it the entry proves nothing. What it said once it is held to for as long as the write
 * waits, because a link that fails does not undo an fsync.
 *
 * A receipt is about the heads of the document as the write left it. Who has applied a change has applied
 * all that it builds on, so the heads stand for the whole content. A write that changed something is the
 * only head. One that changed nothing has the heads that were there: what they rest on may be another's
 * write of a moment ago, which no other region holds yet, and then the receipt says just that.
 */
import type { Clock, Cluster, Lane, Origin, ProfileId, RegionCode, RegionName } from "@atoll/core";
import {
  AtollError,
  assert,
  docIdOf,
  elementOf,
  limits,
  low64,
  sometimes,
  unreachable,
} from "@atoll/core";
import { headsOf } from "./heads.ts";
import type { Replica } from "./replica.ts";
import { Patience } from "./patience.ts";

/** In how many regions: this one, two, more than half, every one of the cluster. */
export type Durability = "local" | "2" | "majority" | "all";

export interface ReceiptOptions {
  readonly durability: Durability;
  /** From when the request came in. */
  readonly waitMs: number;
}

export interface Receipt {
  readonly met: boolean;
  /** What was asked for if it was met, otherwise the most that was. */
  readonly reached: Durability;
  /** In the order of the config; this region among them. */
  readonly durableIn: readonly RegionName[];
  /** Those that have not said so. They may hold it all the same. */
  readonly missingIn: readonly RegionName[];
}

/** A place in a log: everything of the lane up to here. */
export interface LogPlace extends Lane {
  readonly seq: number;
}

/** Undefined: a change that has no place in our log, so that nobody can confirm it. */
export type Foundation = readonly (LogPlace | undefined)[];

/** What a profile's content rests on, staged writes included. Empty when nothing was ever written. */
export function foundationOf(replica: Replica, id: ProfileId): Foundation {
  const { store, cluster } = replica;
  const docId = docIdOf(id);
  const heads = headsOf(store.readDocument(replica.placeOf(docId))?.heads);
  return heads.map((head) => {
    const entry = store.findChange(docId, head, low64(elementOf(cluster.keys, docId, head)));
    return entry && { shard: entry.shard, origin: entry.origin, seq: entry.seq };
  });
}

export class Receipts {
  readonly #cluster: Cluster;
  readonly #region: RegionCode;
  readonly #clock: Clock;
  readonly #holders: (lane: Lane, seq: number) => readonly RegionCode[];
  readonly #waitersMax: number;
  readonly #patience: Patience;
  /** Origins of ours of which peers remember another past. */
  readonly #doubted = new Set<Origin>();
  #reserved = 0;

  constructor(options: {
    readonly cluster: Cluster;
    readonly region: RegionCode;
    readonly clock: Clock;
    /** Other regions that say, now, that they hold a lane up to there. */
    readonly holders: (lane: Lane, seq: number) => readonly RegionCode[];
    readonly waitersMax?: number;
  }) {
    this.#cluster = options.cluster;
    this.#region = options.region;
    this.#clock = options.clock;
    this.#holders = options.holders;
    this.#patience = new Patience(options.clock);
    this.#waitersMax = options.waitersMax ?? limits.RECEIPT_WAITERS_MAX;
  }

  get waiting(): number {
    return this.#patience.size;
  }

  /**
   * Makes sure, before anything is written, that there is room to wait. Throws overloaded.
   * Returns what gives the room back; to be called once.
   */
  reserve(durability: Durability): () => void {
    if (durability === "local") return () => undefined; // never waits
    if (this.#reserved >= this.#waitersMax) {
      throw new AtollError("overloaded", "too many writes wait for other regions to hold them", {
        retryAfterSeconds: 1,
      });
    }
    this.#reserved++;
    return () => {
      this.#reserved--;
      assert(this.#reserved >= 0, "room is given back once");
    };
  }

  /**
   * The receipt of a write that is durable here. Never rejects for a region that does not answer; only
   * with the signal's reason, when nobody wants to know any more.
   */
  receiptFor(
    foundation: Foundation,
    options: ReceiptOptions & {
      /** Monotonic. */
      readonly startedMs: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Receipt | Promise<Receipt> {
    const { durability, startedMs } = options;
    const needed = regionsNeeded(durability, this.#cluster.regions.length);
    const durableIn = new Set<RegionCode>([this.#region]);
    const look = (): boolean => {
      for (const region of this.#holdersOf(foundation)) durableIn.add(region);
      return durableIn.size >= needed;
    };
    const receipt = (): Receipt => this.#receipt(durability, durableIn);
    const waitMs = Math.min(options.waitMs, limits.SESSION_WAIT_MS_MAX);
    const restMs = startedMs + waitMs - this.#clock.monotonicMs();
    const isHopeless = needed > this.#cluster.regions.length;
    if (look() || isHopeless || restMs <= 0 || this.#patience.isClosed) return receipt();
    return this.#patience.until(look, { waitMs: restMs, signal: options.signal }).then(receipt);
  }

  /** A peer has said more. */
  confirmed(): void {
    this.#patience.look();
  }

  /**
   * Peers know other entries under this origin's numbers than we do: what they say of its lanes says
   * nothing about ours, neither to those that wait nor later.
   */
  doubt(origin: Origin): void {
    this.#doubted.add(origin);
  }

  /** Everybody gets what was reached, now and from now on: the process is about to stop. */
  close(): void {
    this.#patience.close();
  }

  /** Other regions that hold all of it. */
  #holdersOf(foundation: Foundation): RegionCode[] {
    const holders = foundation.map((place) =>
      place === undefined || this.#doubted.has(place.origin) ? [] : this.#holders(place, place.seq),
    );
    const [first = [], ...others] = holders;
    return first.filter((region) => others.every((regions) => regions.includes(region)));
  }

  #receipt(asked: Durability, durableIn: ReadonlySet<RegionCode>): Receipt {
    const { regions } = this.#cluster;
    const reaches = (level: Durability): boolean =>
      regionsNeeded(level, regions.length) <= durableIn.size;
    const met = reaches(asked);
    if (!met) sometimes("receipt not met");
    return {
      met,
      reached: met ? asked : (STRONGEST_FIRST.find(reaches) ?? "local"),
      durableIn: regions.filter(({ code }) => durableIn.has(code)).map(({ name }) => name),
      missingIn: regions.filter(({ code }) => !durableIn.has(code)).map(({ name }) => name),
    };
  }
}

const STRONGEST_FIRST: readonly Durability[] = ["all", "majority", "2", "local"];

function regionsNeeded(durability: Durability, regions: number): number {
  switch (durability) {
    case "local":
      return 1;
    case "2":
      return 2;
    case "majority":
      return Math.floor(regions / 2) + 1;
    case "all":
      return regions;
    default:
      return unreachable(durability);
  }
}
