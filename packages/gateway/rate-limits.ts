/**
 * The rates of principals: one limit for the cluster, kept by every region as well as it can know.
 *
 *     linked with all     everybody's requests are taken from every region's bucket    the whole rate
 *     with some           theirs and ours, of the part that falls to us all            (1 + some) / all
 *     cut off             ours alone                                                   1 / all
 *
 * So the sum over all regions stays near the limit whichever way the cluster falls apart, and one region
 * that gets all of a client's requests lets the whole rate through. What two regions let through in the
 * same instant is seen by neither: the excess is owed, and paid before the next request.
 */
import { createHash } from "node:crypto";
import type { Clock, Spending, SpendingExchange } from "@atoll/core";
import { limits } from "@atoll/core";
import type { Allowance, Rate } from "./token-bucket.ts";
import { TokenBuckets } from "./token-bucket.ts";

/** What may be limited, in requests of one principal, in all regions together. */
export interface Rates {
  readonly reads?: Rate | undefined;
  readonly writes?: Rate | undefined;
}

export type RateKind = "reads" | "writes";

export interface RateAnswer extends Allowance {
  /** As in RateLimit-Policy. */
  readonly policy: string;
}

interface Limited {
  readonly policy: string;
  readonly buckets: TokenBuckets<bigint>;
}

export class RateLimits implements SpendingExchange {
  readonly #limited: Readonly<Record<RateKind, Limited | undefined>>;
  /** Digests are made once for each name. */
  readonly #bucketByName = new Map<string, bigint>();
  #spent = new Map<bigint, number>();

  constructor(rates: Rates, clock: Clock) {
    this.#limited = {
      reads: limitedBy("reads", rates.reads, clock),
      writes: limitedBy("writes", rates.writes, clock),
    };
  }

  /** Undefined: not limited. */
  take(kind: RateKind, name: string): RateAnswer | undefined {
    const limited = this.#limited[kind];
    if (limited === undefined) return undefined;
    const bucket = this.#bucketOf(kind, name);
    const allowance = limited.buckets.take(bucket);
    if (allowance.allowed) this.#note(bucket);
    return { ...allowance, policy: limited.policy };
  }

  takeSpent(): readonly Spending[] {
    const spent = [...this.#spent].map(([bucket, count]) => ({ bucket, count }));
    this.#spent = new Map();
    return spent;
  }

  hear(spent: readonly Spending[]): void {
    for (const { bucket, count } of spent) {
      const kind: RateKind = (bucket & 1n) === 1n ? "writes" : "reads";
      this.#limited[kind]?.buckets.charge(bucket, count);
    }
  }

  /** The same, of a process of this region: the other regions are to know of it, too. */
  hearFromOurs(spent: readonly Spending[]): void {
    this.hear(spent);
    for (const { bucket, count } of spent) this.#note(bucket, count);
  }

  sharedBy(regions: number, of: number): void {
    for (const limited of Object.values(this.#limited)) limited?.buckets.share(regions / of);
  }

  /** What does not fit into one message is not told: only the busiest matter. */
  #note(bucket: bigint, more = 1): void {
    const count = this.#spent.get(bucket);
    if (count === undefined && this.#spent.size >= limits.SPENT_BUCKETS_MAX) return;
    this.#spent.set(bucket, (count ?? 0) + more);
  }

  #bucketOf(kind: RateKind, name: string): bigint {
    const key = `${kind} ${name}`;
    let bucket = this.#bucketByName.get(key);
    if (bucket === undefined) {
      const digest = createHash("sha256").update(`atoll rate\0${name}`).digest().readBigUInt64LE();
      bucket = (digest & ~1n) | (kind === "writes" ? 1n : 0n); // its kind is its lowest bit
      if (this.#bucketByName.size >= limits.RATE_NAMES_MAX) this.#bucketByName.clear();
      this.#bucketByName.set(key, bucket);
    }
    return bucket;
  }
}

function limitedBy(kind: RateKind, rate: Rate | undefined, clock: Clock): Limited | undefined {
  if (rate === undefined) return undefined;
  const windowSeconds = Math.max(1, Math.round(rate.burst / rate.perSecond));
  return {
    policy: `"${kind}";q=${rate.burst};w=${windowSeconds}`,
    buckets: new TokenBuckets({ clock, rate, namesMax: limits.RATE_NAMES_MAX }),
  };
}

/** The header fields of draft-ietf-httpapi-ratelimit-headers. */
export function rateHeaders(kind: RateKind, { policy, remaining, resetMs }: RateAnswer) {
  return {
    "RateLimit-Policy": policy,
    RateLimit: `"${kind}";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`,
  };
}
