/**
 * Two replicas agree to talk: both say HELLO, both prove that they know the cluster's secret.
 *
 *     A ── HELLO a ──▶ B      proof(X) = HMAC-SHA256(linkKey, "atoll link"
 *     A ◀── HELLO b ── B                   ‖ SHA-256(HELLO of X) ‖ SHA-256(HELLO of the peer)
 *     A ── PROOF ──▶ B                     ‖ claim of X)
 *     A ◀── PROOF ── B        both sides live
 *
 * A proof is about both HELLOs, byte by byte, and about the claim beside it. So nobody in between can
 * bring two releases down to an older protocol, alter an origin, or invent what has been seen of one, which
 * would make a replica take a new name; and a proof fits no other link, because of the nonces, and no other
 * direction. The handshake authenticates the ends of a link, not the bytes that follow: on untrusted
 * networks the link itself needs TLS.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Cluster } from "@atoll/core";
import { claimBytes } from "./codec.ts";
import type { Claim, Hello, Proof } from "./messages.ts";
import type { SyncView } from "./sync-view.ts";
import type { VersionRange } from "./version.ts";

export const TREE_EPOCH = 1;

/** What a process says of itself on every link. */
export interface Speaker {
  readonly versions: VersionRange;
  /** 16 bytes, made once per process. */
  readonly instance: Uint8Array;
}

export function helloOf(view: SyncView, speaker: Speaker, nonce: Uint8Array): Hello {
  return {
    kind: "hello",
    versionMin: speaker.versions.min,
    versionMax: speaker.versions.max,
    clusterId: view.cluster.id,
    region: view.region.code,
    origin: view.origin,
    shardCount: view.cluster.shardCount,
    genesisHash: view.genesisHash,
    treeEpoch: TREE_EPOCH,
    nonce,
    instance: speaker.instance,
  };
}

/** What a proof remembers of a HELLO: a frame may be as long as a later version likes. */
export function helloDigest(frame: Uint8Array): Uint8Array {
  return createHash("sha256").update(frame).digest();
}

export interface Hellos {
  /** Digests of the frames, `helloDigest`. */
  readonly prover: Uint8Array;
  readonly verifier: Uint8Array;
}

export function proofOf(cluster: Cluster, hellos: Hellos, claim: Claim): Proof {
  const { welcome, seen } = claim;
  return { kind: "proof", welcome, seen, mac: macOf(cluster, hellos, claim) };
}

export function proofHolds(cluster: Cluster, hellos: Hellos, proof: Proof): boolean {
  const expected = macOf(cluster, hellos, proof);
  return expected.length === proof.mac.length && timingSafeEqual(expected, proof.mac);
}

function macOf(cluster: Cluster, { prover, verifier }: Hellos, claim: Claim): Uint8Array {
  return createHmac("sha256", cluster.keys.linkKey)
    .update("atoll link")
    .update(prover)
    .update(verifier)
    .update(claimBytes(claim))
    .digest();
}
