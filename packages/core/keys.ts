/**
 * All keys of a cluster come from one secret (HKDF-SHA-256, RFC 5869), each for one purpose.
 *
 * Replicas of one cluster share the secret; clients never learn it or anything computed with it, but
 * for the authentication codes on their session tokens.
 */
import { hkdfSync } from "node:crypto";
import type { DigestKeys } from "./digest.ts";

export interface ClusterKeys extends DigestKeys {
  /** Authenticates session tokens. 32 bytes. */
  readonly tokenKey: Uint8Array;
  /** Answers the challenge when two replicas connect. 32 bytes. */
  readonly linkKey: Uint8Array;
  /** Seals the manifests of backups. 32 bytes. */
  readonly backupKey: Uint8Array;
}

export function deriveClusterKeys(secret: string, clusterId: string, treeEpoch = 1): ClusterKeys {
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", secret, `atoll ${clusterId}`, purpose, 32));
  return {
    elementKey: derive(`element ${treeEpoch}`),
    positionKey: derive("position"),
    tokenKey: derive("session token"),
    linkKey: derive("link"),
    backupKey: derive("backup"),
  };
}

/** The seed of the key with which a region signs what it states about itself. 32 bytes. */
export function deriveSigningSeed(secret: string, clusterId: string, region: string): Uint8Array {
  const purpose = `statements of ${region}`;
  return new Uint8Array(hkdfSync("sha256", secret, `atoll ${clusterId}`, purpose, 32));
}
