/**
 * Two replicas agree to talk: both say HELLO, both prove that they know the cluster's secret.
 *
 *     A ── HELLO(nonce a) ──▶ B         proof(X) = HMAC-SHA256(linkKey,
 *     A ◀── HELLO(nonce b) ── B             "atoll link" ‖ region of X ‖ nonce of X ‖ nonce of peer)
 *     A ── PROOF ──▶ B
 *     A ◀── PROOF ── B                  both sides live
 *
 * The region is part of the proof, so a peer's own proof cannot be sent back to it. The handshake
 * authenticates the ends of a link, not its bytes: on untrusted networks the link itself needs TLS.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Cluster, RegionCode } from "@atoll/core";
import { regionByCode, toHex } from "@atoll/core";
import type { Hello, RefusalCode } from "./messages.ts";
import type { SyncView } from "./sync-view.ts";
import type { VersionRange } from "./version.ts";
import { agreedVersion } from "./version.ts";

export const TREE_EPOCH = 1;

export interface Refused {
  readonly code: RefusalCode;
  readonly detail: string;
}

export function helloOf(view: SyncView, versions: VersionRange, nonce: Uint8Array): Hello {
  return {
    kind: "hello",
    versionMin: versions.min,
    versionMax: versions.max,
    clusterId: view.cluster.id,
    region: view.region.code,
    origin: view.origin,
    shardCount: view.cluster.shardCount,
    genesisHash: view.genesisHash,
    treeEpoch: TREE_EPOCH,
    nonce,
  };
}

/** Why this replica must not talk to one that says so; undefined when it may. */
export function refuseHello(
  view: SyncView,
  versions: VersionRange,
  hello: Hello,
): Refused | undefined {
  const { cluster, region } = view;
  if (agreedVersion(versions, versionsOf(hello)) === undefined) {
    const theirs = `${hello.versionMin}-${hello.versionMax}`;
    const ours = `${versions.min}-${versions.max}`;
    return { code: "version", detail: `protocol ${theirs} offered, ${ours} spoken` };
  }
  if (hello.clusterId !== cluster.id) {
    return { code: "cluster", detail: `cluster "${hello.clusterId}" is not "${cluster.id}"` };
  }
  if (hello.shardCount !== cluster.shardCount) {
    return { code: "cluster", detail: `${hello.shardCount} shards, not ${cluster.shardCount}` };
  }
  if (hello.treeEpoch !== TREE_EPOCH) {
    return { code: "cluster", detail: `tree epoch ${hello.treeEpoch}, not ${TREE_EPOCH}` };
  }
  if (toHex(hello.genesisHash) !== toHex(view.genesisHash)) {
    return { code: "cluster", detail: "another profile schema: the genesis changes differ" };
  }
  if (hello.region === region.code) {
    return { code: "identity", detail: `two replicas call themselves ${region.name}` };
  }
  if (regionByCode(cluster, hello.region) === undefined) {
    return { code: "identity", detail: `region code ${hello.region} is not in the config` };
  }
  return undefined;
}

export function versionsOf(hello: Hello): VersionRange {
  return { min: hello.versionMin, max: hello.versionMax };
}

export function proofOf(
  cluster: Cluster,
  prover: { readonly region: RegionCode; readonly nonce: Uint8Array },
  verifierNonce: Uint8Array,
): Uint8Array {
  return createHmac("sha256", cluster.keys.linkKey)
    .update("atoll link")
    .update(Uint8Array.of(prover.region))
    .update(prover.nonce)
    .update(verifierNonce)
    .digest();
}

export function proofHolds(expected: Uint8Array, received: Uint8Array): boolean {
  return expected.length === received.length && timingSafeEqual(expected, received);
}
