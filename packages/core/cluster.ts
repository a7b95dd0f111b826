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
  readonly keys: ClusterKeys;
}

export function regionByCode(cluster: Cluster, code: RegionCode): Region | undefined {
  return cluster.regions.find((region) => region.code === code);
}

export function regionByName(cluster: Cluster, name: string): Region | undefined {
  return cluster.regions.find((region) => region.name === name);
}
