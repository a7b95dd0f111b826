/**
 * What comparing has shown: of each peer the last result, and how often what happened since the start.
 */
import type { Cluster, RegionCode, RegionVector } from "@atoll/core";
import { hlcToMs, regionByCode } from "@atoll/core";
import type { SyncEffect } from "./effects.ts";

export type Comparison = "unknown" | "equal" | "differs";

export interface ComparisonStatus {
  readonly result: Comparison;
  /** Monotonic; undefined when never compared on this link. */
  readonly comparedMs: number | undefined;
  /** Everything up to here was equal when it was last compared; undefined when it never was. */
  readonly provenCut: RegionVector | undefined;
}

export interface ComparisonCounts {
  opened: number;
  equal: number;
  /** Roots that differed. */
  descents: number;
  /** … and nothing was found to be different: a cut that was none. Stays 0. */
  falseDescents: number;
  /** Changes sent or asked for. */
  repairs: number;
  /** Comparisons that ended with different roots. */
  unresolved: number;
  /** Answers to questions that were never asked, or long ago. */
  ignored: number;
}

const UNKNOWN: ComparisonStatus = {
  result: "unknown",
  comparedMs: undefined,
  provenCut: undefined,
};

export class ComparisonVerdicts {
  readonly counts: ComparisonCounts = {
    opened: 0,
    equal: 0,
    descents: 0,
    falseDescents: 0,
    repairs: 0,
    unresolved: 0,
    ignored: 0,
  };
  readonly #cluster: Cluster;
  readonly #statuses = new Map<RegionCode, ComparisonStatus>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** What was found on an earlier link is of an earlier time. */
  forget(peer: RegionCode): void {
    this.#statuses.delete(peer);
  }

  of(peer: RegionCode): ComparisonStatus {
    return this.#statuses.get(peer) ?? UNKNOWN;
  }

  equal(peer: RegionCode, cut: RegionVector, nowMs: number): void {
    this.counts.equal++;
    this.#statuses.set(peer, { result: "equal", comparedMs: nowMs, provenCut: cut });
  }

  /** Told once, until they are equal again. */
  differs(peer: RegionCode, nowMs: number, out: SyncEffect[]): void {
    const before = this.of(peer);
    if (before.result !== "differs") {
      const fields = { region: this.#nameOf(peer) };
      out.push({ kind: "report", level: "warn", event: "roots-differ", fields });
    }
    this.#statuses.set(peer, { ...before, result: "differs", comparedMs: nowMs });
  }

  unresolved(peer: RegionCode, cut: RegionVector, out: SyncEffect[]): void {
    this.counts.unresolved++;
    const readable = [...cut].map(([code, hlc]) => [
      this.#nameOf(code),
      new Date(hlcToMs(hlc)).toISOString(),
    ]);
    const fields = { region: this.#nameOf(peer), cut: Object.fromEntries(readable) as object };
    out.push({ kind: "report", level: "error", event: "comparison-unresolved", fields });
  }

  #nameOf(code: RegionCode): string {
    return regionByCode(this.#cluster, code)?.name ?? `region ${code}`;
  }
}
