/**
 * Who is let in.
 *
 *     HELLO ──▶ may we talk at all?      version, cluster, region, an operator's pause
 *               are you the second?      one process per region: answered with a proof that says so
 *     PROOF ──▶ do you know the secret, and of us only what we know ourselves?
 *               which of two links between us stays?
 *
 * One process per region, because two writers behind one name are the one thing that nobody can merge. A
 * process that was killed keeps its successor out until its link counts as silent. The refusal of a second
 * one comes after our proof, because it takes a process out of service, and a stranger could say it too.
 */
import type { Cluster, Region, RegionCode } from "@atoll/core";
import { limits, regionByCode, toHex } from "@atoll/core";
import type { Reason } from "./endings.ts";
import type { Speaker } from "./handshake.ts";
import { TREE_EPOCH, proofHolds } from "./handshake.ts";
import type { Link } from "./links.ts";
import type { Hello, Proof, RefusalCode } from "./messages.ts";
import { entriesUnknown } from "./own-origin.ts";
import type { SyncView } from "./sync-view.ts";
import type { VersionRange } from "./version.ts";
import { agreedVersion } from "./version.ts";

export interface Refused extends Reason {
  readonly kind: "refused";
}

export type Admission =
  | Refused
  /** We are the ones who are not welcome; the refusal that follows says why. */
  | { readonly kind: "unwelcome" }
  /** They have seen entries of ours that are not here. */
  | { readonly kind: "rolled-back"; readonly entries: number }
  | { readonly kind: "admitted"; readonly replaces: Link | undefined };

interface PeerNow {
  readonly region: Region;
  readonly paused: boolean;
  /** Live. */
  readonly link: Link | undefined;
}

/** Why this replica must not talk to one that says so; undefined when it may. */
export function refuseHello(
  view: SyncView,
  { versions }: Speaker,
  link: Link,
  hello: Hello,
): Refused | undefined {
  const { cluster, region } = view;
  if (agreedVersion(versions, versionsOf(hello)) === undefined) {
    const theirs = `${hello.versionMin}-${hello.versionMax}`;
    const ours = `${versions.min}-${versions.max}`;
    return refused("version", `protocol ${theirs} offered, ${ours} spoken`);
  }
  if (hello.clusterId !== cluster.id) {
    return refused("cluster", `cluster "${hello.clusterId}" is not "${cluster.id}"`);
  }
  if (hello.shardCount !== cluster.shardCount) {
    return refused("cluster", `${hello.shardCount} shards, not ${cluster.shardCount}`);
  }
  if (hello.treeEpoch !== TREE_EPOCH) {
    return refused("cluster", `tree epoch ${hello.treeEpoch}, not ${TREE_EPOCH}`);
  }
  if (toHex(hello.genesisHash) !== toHex(view.genesisHash)) {
    return refused("cluster", "another profile schema: the genesis changes differ");
  }
  if (hello.region === region.code) {
    return refused("identity", `two replicas call themselves ${region.name}`);
  }
  const named = regionByCode(cluster, hello.region);
  if (named === undefined) {
    return refused("identity", `region code ${hello.region} is not in the config`);
  }
  if (!cluster.regions.includes(named)) {
    return refused("identity", `${named.name} has left the cluster: it was decommissioned`);
  }
  if (link.identity !== undefined && link.identity !== nameOf(cluster, hello.region)) {
    const detail = `its certificate is of ${link.identity}, its HELLO of ${nameOf(cluster, hello.region)}`;
    return refused("identity", detail);
  }
  if (link.region !== undefined && link.region !== hello.region) {
    const [dialled, met] = [link.region, hello.region].map((code) => nameOf(cluster, code));
    return refused("identity", `dialled ${dialled}, met ${met}`);
  }
  return undefined;
}

/** Of a HELLO that may be answered: why its sender is not welcome. */
export function refuseTwin(peer: PeerNow, hello: Hello): Refused | undefined {
  const first = peer.link?.hello;
  if (peer.link === undefined || first === undefined) return undefined;
  const [there, here] = [toHex(first.instance), toHex(hello.instance)];
  if (there === here) return undefined;
  const since = `${there.slice(0, 8)} is linked since ${peer.link.liveSince}`;
  const name = peer.region.name;
  return refused(
    "identity",
    `two processes serve ${name}: ${since}, you are ${here.slice(0, 8)}; stop one`,
  );
}

export function admit(options: {
  readonly view: SyncView;
  readonly peer: PeerNow;
  readonly link: Link;
  readonly hello: Hello;
  readonly proof: Proof;
  readonly nowMs: number;
}): Admission {
  const { view, peer, link, hello, proof, nowMs } = options;
  const hellos = { prover: link.peerHello, verifier: link.ourHello };
  if (!proofHolds(view.cluster, hellos, proof)) return refused("proof", "wrong cluster secret");
  if (!proof.welcome) return { kind: "unwelcome" };
  if ((proof.seen.at(-1)?.shard ?? 0) >= view.cluster.shardCount) {
    return refused("malformed", "a shard that is none");
  }
  // A link on which we gave another name has nothing to say of this one: that was noticed elsewhere.
  const entries = link.origin === view.origin ? entriesUnknown(view, proof.seen) : 0;
  if (entries > 0) return { kind: "rolled-back", entries };
  const twin = refuseTwin(peer, hello); // it may have come in between
  if (twin !== undefined) return twin;
  if (peer.link !== undefined && keeps(view, peer.link, link, nowMs)) {
    return refused("duplicate", "a link is live already");
  }
  return { kind: "admitted", replaces: peer.link };
}

/** True when the older of two links to one region survives. Symmetric: both sides decide alike. */
function keeps(view: SyncView, older: Link, newer: Link, nowMs: number): boolean {
  const silent = nowMs - older.lastHeardMs > limits.HEARTBEAT_IDLE_MS * 1.5;
  return !silent && lowerDialled(view, older) && !lowerDialled(view, newer);
}

function lowerDialled(view: SyncView, link: Link): boolean {
  return link.dialledByUs === view.region.code < (link.region ?? 0);
}

export function versionsOf(hello: Hello): VersionRange {
  return { min: hello.versionMin, max: hello.versionMax };
}

function refused(code: RefusalCode, detail: string): Refused {
  return { kind: "refused", code, detail };
}

function nameOf(cluster: Cluster, code: RegionCode): string {
  return regionByCode(cluster, code)?.name ?? `region ${code}`;
}
