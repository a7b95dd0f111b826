/**
 * Is this cluster well? One judgement for `atoll status` and for the scripts that ask it.
 *
 * Unequal roots alone are no illness: while writes are under way two regions always differ. A region
 * says `differs` about a peer only after comparing at a moment that both had reached.
 */
import type { RegionStatus } from "@atoll/server";

export interface RegionReport {
  readonly endpoint: string;
  /** Undefined when it does not answer. */
  readonly status: RegionStatus | undefined;
}

/** What is wrong, one reason a line; empty when all is well. */
export function clusterFaults(reports: readonly RegionReport[]): string[] {
  return reports.flatMap(({ endpoint, status }) => {
    if (status === undefined) return [`${endpoint} does not answer`];
    const { region, ready, counts, peers } = status;
    const faults: string[] = [];
    if (!ready) faults.push(`${region} is not ready`);
    if (counts.quarantined > 0)
      faults.push(`${region} has ${counts.quarantined} quarantined changes`);
    for (const peer of peers) {
      if (peer.state !== "live")
        faults.push(`${region}: the link to ${peer.region} is ${peer.state}`);
      if (peer.root === "differs") faults.push(`${region} and ${peer.region} have diverged`);
    }
    return faults;
  });
}
