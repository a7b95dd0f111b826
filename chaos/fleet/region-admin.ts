/** What a region says of itself to its operators, as far as we read it. */
import { delay, systemClock } from "@atoll/core";
import type { RegionPlan } from "./region-plan.ts";
import { adminUrl } from "./region-plan.ts";

const STATUS_MS_MAX = 2_000;
const VERIFY_MS_MAX = 60_000;
const VERIFY_LOOK_MS = 100;

export interface PeerStatus {
  readonly region: string;
  /** connecting, handshake, live, paused or down. */
  readonly state: string;
  readonly lagMs: number | null;
  /** Entries that they have and we lack, and that we have and they have not confirmed. */
  readonly behind: number | null;
  readonly ahead: number | null;
  readonly root: "equal" | "differs" | "unknown";
  readonly lastFailure: string | null;
}

export interface RegionStatus {
  readonly region: string;
  readonly origin: string;
  readonly incarnation: number;
  readonly ready: boolean;
  readonly counts: Readonly<
    Record<"documents" | "changes" | "pending" | "quarantined" | "scrubFaults", number>
  >;
  readonly root: string;
  readonly peers: readonly PeerStatus[];
  readonly antiEntropy: Readonly<Record<string, number>>;
}

export interface VerifyReport {
  readonly state: string;
  readonly faults: {
    readonly found: number;
    /** Set right here, or left for peers to fill. */
    readonly repaired: number;
    /** The first of them. */
    readonly listed: readonly unknown[];
  };
}

export class RegionAdmin {
  readonly #url: string;

  constructor(plan: RegionPlan) {
    this.#url = adminUrl(plan);
  }

  /** Undefined when it does not answer. */
  async status(timeoutMs = STATUS_MS_MAX): Promise<RegionStatus | undefined> {
    return (await this.#get("/admin/v1/status", timeoutMs)) as RegionStatus | undefined;
  }

  async metrics(): Promise<string | undefined> {
    try {
      const signal = AbortSignal.timeout(STATUS_MS_MAX);
      const answer = await fetch(`${this.#url}/metrics`, { signal });
      return answer.status === 200 ? await answer.text() : undefined;
    } catch {
      return undefined;
    }
  }

  /** Cuts or heals a link as an operator does. */
  async setPeerState(region: string, state: "active" | "paused"): Promise<void> {
    await fetch(`${this.#url}/admin/v1/peers/${region}/state`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ state }),
    });
  }

  /** Reads everything it has stored again, and says what is damaged. Undefined when it does not end. */
  async verify(): Promise<VerifyReport | undefined> {
    const headers = { "content-type": "application/json" };
    await fetch(`${this.#url}/admin/v1/verify`, { method: "POST", headers, body: "{}" });
    const untilMs = systemClock.monotonicMs() + VERIFY_MS_MAX;
    while (systemClock.monotonicMs() < untilMs) {
      const report = (await this.#get("/admin/v1/verify", STATUS_MS_MAX)) as
        VerifyReport | undefined;
      if (report !== undefined && report.state !== "running") return report;
      await delay(VERIFY_LOOK_MS);
    }
    return undefined;
  }

  async #get(path: string, timeoutMs: number): Promise<unknown> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await fetch(`${this.#url}${path}`, { signal });
      return answer.status === 200 ? await answer.json() : undefined;
    } catch {
      return undefined;
    }
  }
}
