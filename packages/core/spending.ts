/**
 * What a region's clients have used of their rates, as regions tell each other.
 *
 * A limit is one number for the whole cluster, and each region counts alone. So each tells the others what
 * it let through, a few times a second, and takes from its own buckets what they tell. That is neither
 * exact nor durable, and need not be: what is lost on the way was only a little too generous. A region
 * that hears nobody cannot know what the others let through, and keeps to its share.
 *
 * Buckets are named by a digest: a name may be as long as its issuer likes, and need not travel.
 */
export interface Spending {
  /** 64 bits. */
  readonly bucket: bigint;
  /** Requests. */
  readonly count: number;
}

/** Whoever limits. */
export interface SpendingExchange {
  /** What was let through here since this was last asked. */
  takeSpent(): readonly Spending[];
  /** What was let through elsewhere. */
  hear(spent: readonly Spending[]): void;
  /** So many of the cluster's regions tell each other now, this one included. */
  sharedBy(regions: number, of: number): void;
}
