/**
 * Requests that wait for their region to catch up with what their session has seen.
 *
 * Nothing is hidden from anybody: a token is checked on the way in, and only the request that brought it
 * waits (Mehdi et al., "I Can't Believe It's Not Causal!", NSDI 2017; Spirovska et al., "Optimistic
 * Causal Consistency", TPDS 2020). A waiter is woken by the heartbeat that covers it, or its deadline.
 */
import type { Clock, Cluster, RegionCode, RegionVector } from "@atoll/core";
import {
  AtollError,
  VECTOR_ZERO,
  joinVectors,
  limits,
  missingRegions,
  regionByCode,
  sometimes,
  vectorAt,
} from "@atoll/core";
import { SessionTokens } from "@atoll/sync";
import type { Wait } from "./patience.ts";
import { Patience } from "./patience.ts";

export interface SessionOptions extends Wait {
  /** Undefined for a request without a session. */
  readonly token: string | undefined;
  /** When it was not enough: fail, or serve what is here. */
  readonly handling: "strict" | "lenient";
}

export interface Admission {
  /** What the session has seen. */
  readonly seen: RegionVector;
  /** Served although this region has not caught up. */
  readonly stale: boolean;
}

export class Sessions {
  readonly #tokens: SessionTokens;
  readonly #cluster: Cluster;
  readonly #region: RegionCode;
  readonly #coverage: () => RegionVector;
  readonly #patience: Patience;

  constructor(options: {
    readonly cluster: Cluster;
    readonly region: RegionCode;
    readonly clock: Clock;
    /** What is held of the other regions, now. */
    readonly coverage: () => RegionVector;
  }) {
    this.#tokens = new SessionTokens(options.cluster);
    this.#cluster = options.cluster;
    this.#region = options.region;
    this.#coverage = options.coverage;
    this.#patience = new Patience(options.clock);
  }

  get waiting(): number {
    return this.#patience.size;
  }

  token(vector: RegionVector): string {
    return this.#tokens.encode(vector);
  }

  /** Of all that these have seen; what is no token has seen nothing. */
  join(tokens: readonly string[]): string {
    const vectors = tokens.map((token) => {
      const parsed = this.#tokens.parse(token);
      return parsed.kind === "fault" ? VECTOR_ZERO : parsed.vector;
    });
    return this.token(vectors.reduce(joinVectors, VECTOR_ZERO));
  }

  /** At once when this region has caught up. Throws malformed-request; rejects session-not-available. */
  admit(options: SessionOptions): Admission | Promise<Admission> {
    if (options.token === undefined) return { seen: VECTOR_ZERO, stale: false };
    const parsed = this.#tokens.parse(options.token);
    if (parsed.kind === "fault") throw malformedToken(parsed.reason);
    const seen = parsed.vector;
    if (this.#missing(seen).length === 0) return { seen, stale: false };
    if (this.#patience.size >= limits.SESSION_WAITERS_MAX) {
      throw new AtollError("overloaded", "too many sessions wait for this region to catch up", {
        retryAfterSeconds: 1,
      });
    }
    return this.#wait(seen, options);
  }

  /** Wakes those whose region has caught up. */
  covered(): void {
    this.#patience.look();
  }

  /** Wakes everybody: the process is about to stop. */
  close(): void {
    this.#patience.close();
  }

  async #wait(seen: RegionVector, options: SessionOptions): Promise<Admission> {
    sometimes("session waits for coverage");
    const waitMs = Math.min(options.waitMs, limits.SESSION_WAIT_MS_MAX);
    const isCovered = (): boolean => this.#missing(seen).length === 0;
    if (await this.#patience.until(isCovered, { waitMs, signal: options.signal })) {
      return { seen, stale: false };
    }
    if (options.handling === "lenient") return { seen, stale: true };
    throw this.#unavailable(seen, this.#missing(seen));
  }

  /** Regions of which we hold less than the session has seen. Our own writes are always here. */
  #missing(seen: RegionVector): RegionCode[] {
    return missingRegions(this.#coverage(), seen).filter((region) => region !== this.#region);
  }

  /** The region whose writes are newest comes first: it is the likeliest to have the others' too. */
  #unavailable(seen: RegionVector, missing: readonly RegionCode[]): AtollError {
    sometimes("session wait ended in vain");
    const newestFirst = [...missing].sort((a, b) => vectorAt(seen, b) - vectorAt(seen, a));
    const names = newestFirst.map(
      (code) => regionByCode(this.#cluster, code)?.name ?? `region ${code}`,
    );
    return new AtollError(
      "session-not-available",
      `this region has not yet received what the session has seen of ${names.join(", ")}`,
      { missingRegions: names, retryAfterSeconds: 1 },
    );
  }
}

export function malformedToken(reason: string): AtollError {
  return new AtollError("malformed-request", `Session-Token: ${reason}`, {
    mend: "send the token as it was returned, or none to start a new session",
  });
}
