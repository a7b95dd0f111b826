/**
 * One region's copy, where the other rooms meet.
 *
 *     write(edit) ─────────────┐
 *     ingest(entries) ─────────┼──▶ commit ──▶ one transaction: log, document, view, sums, frontier
 *     ingest(repair entries) ──┘                    │
 *                                         flush ────┴──▶ durable: may be answered and announced
 *
 * A local write, a change from a peer and a repair differ only in who calls the commit. Writes are staged
 * into a group and become durable together when `flush` returns; until then nobody outside may learn of
 * them. If the group fails, the transaction, the account and every cache go back to what was committed.
 */
import type {
  Clock,
  Cluster,
  DocId,
  Hlc,
  Log,
  LogEntry,
  Origin,
  ProfileId,
  Random,
  Region,
  RegionVector,
} from "@atoll/core";
import {
  AtollError,
  DEFAULT_TENANT,
  HybridClock,
  VECTOR_ZERO,
  assert,
  docIdOf,
  hlcToMs,
} from "@atoll/core";
import type { ProfileCodec, ProfileEdit } from "@atoll/profile";
import { DocumentError, isJsonObject, mergePatch, parseChangeChunk } from "@atoll/profile";
import type { DocumentPlace, DocumentRow, Store, StoredIdentity } from "@atoll/store";
import type { IngestCounts, Sender } from "./arrivals.ts";
import { Arrivals } from "./arrivals.ts";
import { Commit } from "./commit.ts";
import { DocumentCache } from "./document-cache.ts";
import { Group } from "./group.ts";
import { closeIdentity, openIdentity, renewIdentity, withNewActor } from "./identity.ts";
import { Intake } from "./intake.ts";
import { Ledger } from "./ledger.ts";
import type { Precondition } from "./precondition.ts";
import { checkPrecondition } from "./precondition.ts";
import { Quarantine } from "./quarantine.ts";
import { Renderer } from "./renderer.ts";
import { Restorer } from "./restorer.ts";
import type { Snapshot } from "./snapshot.ts";
import { Snapshots } from "./snapshot.ts";
import { WaitingRoom } from "./waiting-room.ts";

export interface ReplicaOptions {
  readonly cluster: Cluster;
  readonly region: Region;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Made once per process from the schema. */
  readonly codec: ProfileCodec;
}

export interface ReadResult {
  /** Undefined when there is no such profile. */
  readonly snapshot: Snapshot | undefined;
  /** True when the answer rests on writes that are not durable yet: hold it until `flush`. */
  readonly staged: boolean;
}

export type WriteResult =
  | {
      readonly kind: "written";
      readonly created: boolean;
      /** False when the profile already was what was asked for: nothing was recorded. */
      readonly changed: boolean;
      readonly snapshot: Snapshot;
    }
  | { readonly kind: "deleted"; readonly existed: boolean; readonly dep: RegionVector }
  | { readonly kind: "absent" };

export interface WriteOptions {
  readonly precondition: Precondition;
  /** What the writer's session has seen. */
  readonly dep: RegionVector;
  /** A merge-patch of a profile that is not here creates it. */
  readonly upsert: boolean;
}

export class Replica {
  readonly cluster: Cluster;
  readonly region: Region;
  readonly codec: ProfileCodec;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly documents: DocumentCache;
  readonly group: Group;
  readonly quarantine: Quarantine;
  readonly restorer: Restorer;
  readonly waitingRoom: WaitingRoom;
  readonly arrivals: Arrivals;
  readonly renderer: Renderer;
  readonly #options: ReplicaOptions;
  readonly #clock: Clock;
  readonly #hlc: HybridClock;
  readonly intake: Intake;
  readonly #commit: Commit;
  readonly #snapshots = new Snapshots();
  #identity: StoredIdentity;
  /** The name was left by an earlier process, and not every peer has said that it knows no more of it. */
  #isInherited: boolean;

  constructor(options: ReplicaOptions) {
    const { cluster, region, store, clock, log, codec } = options;
    this.cluster = cluster;
    this.region = region;
    this.store = store;
    this.codec = codec;
    this.#clock = clock;
    this.#options = options;
    this.#isInherited = store.readIdentity()?.cleanStop === true;
    this.#identity = openIdentity(store, { ...options, genesisHash: codec.genesisHash });
    this.ledger = new Ledger(store, cluster);
    if (this.ledger.mustRecount) {
      for (let shard = 0; shard < cluster.shardCount; shard++) this.ledger.recountShard(shard);
    }
    this.documents = new DocumentCache({ store, codec, actor: () => this.#identity.actor });
    this.group = new Group(store);
    this.#hlc = new HybridClock(store.lastHlc());
    this.intake = new Intake(store, cluster, codec);
    const { ledger, documents, group } = this;
    const origin = (): Origin => this.origin;
    const intake = this.intake;
    this.waitingRoom = new WaitingRoom(store, ledger, clock);
    this.quarantine = new Quarantine({ store, clock, log });
    const { quarantine } = this;
    this.restorer = new Restorer({
      cluster,
      store,
      codec,
      ledger,
      documents,
      snapshots: this.#snapshots,
      group,
      quarantine,
      clock,
      log,
      actor: () => this.#identity.actor,
      renewActor: () => this.#renewActor(),
      waitingRoom: this.waitingRoom,
    });
    const { restorer } = this;
    const commit = new Commit({
      cluster,
      store,
      ledger,
      documents,
      group,
      snapshots: this.#snapshots,
    });
    const observe = (hlc: Hlc): void => this.#hlc.observe(hlc, clock.nowMs());
    this.#commit = commit;
    this.arrivals = new Arrivals({
      origin,
      store,
      ledger,
      documents,
      group,
      intake,
      commit,
      clock,
      log,
      observe,
      quarantine,
      restorer,
      waitingRoom: this.waitingRoom,
    });
    this.renderer = new Renderer({ store, documents, group, restorer, quarantine });
  }

  get identity(): StoredIdentity {
    return this.#identity;
  }

  get origin(): Origin {
    return this.#identity.origin;
  }

  /** What became of all entries from elsewhere since the start. */
  get ingested(): Readonly<IngestCounts> {
    return this.arrivals.total;
  }

  /** A timestamp above every one of ours so far. */
  stamp(): Hlc {
    return this.#hlc.tick(this.#clock.nowMs());
  }

  placeOf(docId: DocId): DocumentPlace {
    return this.intake.placeOf(docId);
  }

  read(id: ProfileId): ReadResult {
    const place = this.placeOf(docIdOf(DEFAULT_TENANT, id));
    const staged = this.group.touches(place.docId);
    const cached = this.#snapshots.get(id);
    if (cached !== undefined) return { snapshot: cached, staged };
    const row = this.renderer.clean(place);
    return { snapshot: row && this.#snapshots.of(id, row), staged };
  }

  /** Stages an edit. Throws `AtollError` with nothing staged. */
  write(id: ProfileId, edit: ProfileEdit, options: WriteOptions): WriteResult {
    const place = this.placeOf(docIdOf(DEFAULT_TENANT, id));
    const row = this.renderer.clean(place);
    if (row?.quarantined === true) {
      throw new AtollError("document-quarantined", "this profile's document does not open here");
    }
    const current = row && this.#snapshots.of(id, row);
    checkPrecondition(options.precondition, current?.etag);
    if (current === undefined) {
      if (edit.kind === "delete") return { kind: "deleted", existed: false, dep: VECTOR_ZERO };
      if (edit.kind === "increment") return { kind: "absent" };
      if (edit.kind === "merge-patch" && !options.upsert) return { kind: "absent" };
    }
    const after = this.#edit(id, place, creating(edit, current === undefined), options.dep);
    if (edit.kind === "delete") {
      return { kind: "deleted", existed: true, dep: (after ?? row)?.dep ?? VECTOR_ZERO };
    }
    const snapshot = after === undefined ? current : this.#snapshots.of(id, after);
    assert(snapshot !== undefined, "a profile that was written can be read");
    const created = current === undefined;
    return { kind: "written", created, changed: after !== undefined, snapshot };
  }

  /** Stages what is sound of a peer's entries; the rest waits or is set aside, one by one. */
  ingest(entries: readonly LogEntry[], from: Sender): IngestCounts {
    return this.arrivals.ingest(entries, from);
  }

  /** Makes the open group durable and returns its entries. Throws `AtollError` with all undone. */
  flush(): LogEntry[] {
    if (!this.group.isOpen) return [];
    try {
      this.ledger.write();
      this.store.commit();
    } catch (error) {
      this.abandon();
      throw error;
    }
    return this.group.end();
  }

  /** Undoes the open group, in the store and in memory. */
  abandon(): void {
    this.store.rollback();
    this.group.end();
    this.forgetCaches();
    this.ledger.reload();
    this.waitingRoom.reload();
    this.quarantine.reload();
  }

  /** Reads and edits start from the store again. */
  forgetCaches(): void {
    this.#snapshots.clear();
    this.documents.clear();
  }

  /** Some background work: views and tails, and buckets that have become too full. */
  upkeep(): void {
    this.renderer.upkeep();
    if (this.ledger.tree.isCrowded) {
      this.group.open();
      this.ledger.tree.deepen();
    }
  }

  /** True while a write would use a name that may have a past which this file does not know. */
  get mustRenew(): boolean {
    return this.#isInherited;
  }

  /** Every peer has said what it has seen of us, and it is all here. */
  originProven(): void {
    this.#isInherited = false;
  }

  /**
   * Writes under a new name from now on, because the old one has a past that this file does not know.
   * Nothing may be staged.
   */
  reincarnate(): void {
    assert(!this.group.isOpen, "a group belongs to one incarnation");
    this.documents.clear(); // open documents write as the old actor
    const options = { ...this.#options, genesisHash: this.codec.genesisHash };
    this.#identity = renewIdentity(this.store, this.#identity, options);
    this.#isInherited = false;
  }

  /** The same origin, another actor: part of the open group. */
  #renewActor(): void {
    this.#identity = withNewActor(this.#identity, this.#options.random);
    this.store.writeIdentity(this.#identity);
    this.documents.clear(); // open documents write as the old actor
  }

  /** An orderly stop: everything durable, the identity may be used again. The store stays open. */
  close(): void {
    this.group.open(); // what is covered by now is worth a commit of its own
    this.flush();
    this.documents.clear();
    closeIdentity(this.store, this.#identity);
  }

  /** Undefined when the profile already was what was asked for. */
  #edit(
    id: ProfileId,
    place: DocumentPlace,
    edit: ProfileEdit,
    dep: RegionVector,
  ): DocumentRow | undefined {
    for (const seen of dep.values()) this.#hlc.observe(seen, this.#clock.nowMs());
    assert(!this.#isInherited, "nothing is written under a name that is not proven");
    const hlc = this.stamp();
    const identity = { tenant: DEFAULT_TENANT, id };
    const deletedAtMs = hlcToMs(hlc);
    const timeSeconds = Math.floor(deletedAtMs / 1000);
    try {
      const profile = this.documents.open(place, identity);
      const result = profile.edit(edit, { timeSeconds, deletedAtMs, identity });
      if (!result.changed) return undefined;
      const { hash, change, containers } = result;
      const parsed = parseChangeChunk(change);
      assert(parsed.kind === "change", "our own change parses");
      const { docId, shard } = place;
      const { origin } = this;
      const seq = this.ledger.frontier.contig({ shard, origin }) + 1;
      const entry = { shard, origin, seq, hlc, docId, hash, dep, change, containers };
      const { json, deleted, conflicts } = profile.render();
      const view = { profileId: id, json, deleted, conflicts };
      return this.#commit.apply({ entry, place, deps: parsed.deps }, view);
    } catch (error) {
      // The document may be ahead of the store: whatever it says now was never written.
      if (!(error instanceof AtollError)) this.documents.drop(place);
      if (!(error instanceof DocumentError)) throw error;
      throw new AtollError("document-quarantined", "the document refuses the edit", {}, error);
    }
  }
}

/** A patch that creates starts from nothing, also where a deleted profile lies underneath. */
function creating(edit: ProfileEdit, isAbsent: boolean): ProfileEdit {
  if (edit.kind !== "merge-patch" || !isAbsent) return edit;
  const value = mergePatch({}, edit.patch);
  assert(isJsonObject(value), "an object patched with an object is one");
  return { kind: "put", value };
}
