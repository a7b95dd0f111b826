/**
 * Who this database is, and when it must become somebody else.
 *
 * An incarnation is one continuous life of one database file. After a stop that was not orderly nobody
 * knows what the last moments did, so the next process writes under a new origin and a new Automerge
 * actor: a sequence number or an (actor, seq) pair that is used twice diverges for ever, and partly in
 * silence, whereas an origin costs a few bytes. After an orderly stop the origin stays and the actor's
 * random part is new all the same: a copy of such a file, restored later, looks orderly too, and a reused
 * (actor, seq) is the one fault that a document cannot be healed of.
 */
import type { Cluster, Hlc, Random, Region } from "@atoll/core";
import { AtollError, ByteWriter, HLC_ZERO, newOrigin, toHex } from "@atoll/core";
import type { Store, StoredIdentity } from "@atoll/store";

export interface IdentityOptions {
  readonly cluster: Cluster;
  readonly region: Region;
  readonly genesisHash: Uint8Array;
  readonly random: Random;
}

/** Reads or makes the identity and marks the database as in use. Throws `incompatible-data`. */
export function openIdentity(store: Store, options: IdentityOptions): StoredIdentity {
  const stored = store.readIdentity();
  if (stored !== undefined) refuseForeign(stored, options);
  const keeps = stored?.cleanStop === true;
  return save(
    store,
    keeps
      ? { ...stored, actor: actorOf(stored.origin, options.random), cleanStop: false }
      : newIdentity(options, stored),
  );
}

/** Becomes somebody else while running. No transaction may be open. */
export function renewIdentity(
  store: Store,
  old: StoredIdentity,
  options: IdentityOptions,
): StoredIdentity {
  return save(store, newIdentity(options, old));
}

/** The same origin under a new actor: for when changes of the old one were lost from a document. */
export function withNewActor(identity: StoredIdentity, random: Random): StoredIdentity {
  return { ...identity, actor: actorOf(identity.origin, random) };
}

/** The last thing that an orderly stop writes. `last`: the highest timestamp given out. */
export function closeIdentity(store: Store, identity: StoredIdentity, last: Hlc): void {
  save(store, { ...identity, announced: last, cleanStop: true });
}

function save(store: Store, identity: StoredIdentity): StoredIdentity {
  store.begin();
  try {
    store.writeIdentity(identity);
    store.commit();
  } catch (error) {
    store.rollback();
    throw error;
  }
  return identity;
}

function newIdentity(options: IdentityOptions, old: StoredIdentity | undefined): StoredIdentity {
  const { cluster, region, genesisHash, random } = options;
  const incarnation = old === undefined ? 0 : old.incarnation + 1;
  const origin = newOrigin(region.code, incarnation, random);
  return {
    clusterId: cluster.id,
    region: region.name,
    shardCount: cluster.shardCount,
    genesisHash,
    incarnation,
    origin,
    actor: actorOf(origin, random),
    cleanStop: false,
    announced: old?.announced ?? HLC_ZERO, // time goes on, whatever the name
  };
}

/** 16 bytes: origin, then chance. */
function actorOf(origin: number, random: Random): Uint8Array {
  return new Uint8Array(new ByteWriter(16).u64(BigInt(origin)).raw(random.bytes(8)).finish());
}

function refuseForeign(stored: StoredIdentity, options: IdentityOptions): void {
  const { cluster, region, genesisHash } = options;
  const differences = [
    stored.clusterId !== cluster.id && `cluster "${stored.clusterId}", config "${cluster.id}"`,
    stored.region !== region.name && `region ${stored.region}, config ${region.name}`,
    stored.shardCount !== cluster.shardCount &&
      `${stored.shardCount} shards, config ${cluster.shardCount}`,
    toHex(stored.genesisHash) !== toHex(genesisHash) &&
      "a schema with other containers (mark new ones x-crdt-since: 2)",
  ].filter((difference) => difference !== false);
  if (differences.length === 0) return;
  throw new AtollError("incompatible-data", `the database is of ${differences.join("; ")}`, {
    mend: "point the config at the right data directory, or the directory at the right config",
  });
}
