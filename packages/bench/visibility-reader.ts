/**
 * Sees the writes of another region as its readers would: by reading.
 *
 * It looks when something has come and not at intervals, so that the looking adds nothing to what is
 * measured; and a read waits until what it shows is durable, as every read does.
 */
import type { ProfileId } from "@atoll/core";
import type { RegionService } from "@atoll/replica";

export const NO_SESSION = { token: undefined, waitMs: 0, handling: "strict" } as const;

/** The profile that write n of a region changes. */
export function visibleIn(region: string, n: number, profiles: number): ProfileId {
  return `${region}-${n % profiles}` as ProfileId;
}

/** Follows the writes of one other region, one by one. */
export class VisibilityReader {
  readonly region: string;
  readonly seenMs: number[] = [];
  readonly #service: RegionService;
  readonly #profiles: number;
  readonly #wallMs: () => number;
  #looking = false;
  #again = false;
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  constructor(options: {
    readonly service: RegionService;
    readonly region: string;
    readonly profiles: number;
    readonly wallMs: () => number;
  }) {
    this.#service = options.service;
    this.region = options.region;
    this.#profiles = options.profiles;
    this.#wallMs = options.wallMs;
  }

  until(count: number): Promise<void> {
    if (this.seenMs.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
    });
  }

  /** Reads on from the last write that was seen, until one is not there yet. */
  look(): void {
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    void this.#lookOn().finally(() => {
      this.#looking = false;
    });
  }

  async #lookOn(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      while (await this.#sees(this.seenMs.length)) this.seenMs.push(this.#wallMs());
    }
    const waiting = this.#waiting;
    if (waiting !== undefined && this.seenMs.length >= waiting.count) {
      this.#waiting = undefined;
      waiting.resolve();
    }
  }

  async #sees(n: number): Promise<boolean> {
    const id = visibleIn(this.region, n, this.#profiles);
    const answer = await this.#service.read(id, NO_SESSION);
    if (answer.kind === "absent") return false;
    const headline = /"headline":"(\d+)"/.exec(answer.profile.json)?.[1];
    return headline !== undefined && Number(headline) >= n;
  }
}
