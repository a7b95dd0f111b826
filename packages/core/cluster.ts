/**
 * What all replicas of one cluster agree on before they exchange a byte of data.
 *
 * Two replicas whose clusters differ in any of this would still exchange changes and never agree on a
 * root, so the handshake compares it and refuses by name.
 */
import type { ClusterKeys } from "./keys.ts";
import type { RegionCode, RegionName } from "./ids.ts";

export interface Region {
  readonly name: RegionName;
  readonly code: RegionCode;
}

export interface Cluster {
  readonly id: string;
  /** A power of two, fixed when the cluster is created. */
  readonly shardCount: number;
  readonly regions: readonly Region[];
  /** Regions that have left: what they wrote stays theirs, and nobody links with them or waits for them. */
  readonly former?: readonly Region[];
  readonly keys: ClusterKeys;
}

/** Whoever may have written something: those that have left, too. */
export function regionByCode(cluster: Cluster, code: RegionCode): Region | undefined {
  const isIt = (region: Region): boolean => region.code === code;
  return cluster.regions.find(isIt) ?? cluster.former?.find(isIt);
}

/** Of the regions that are there. */
export function regionByName(cluster: Cluster, name: string): Region | undefined {
  return cluster.regions.find((region) => region.name === name);
}
