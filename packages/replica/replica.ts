/**
 * One region's copy, where the other rooms meet.
 *
 *     write(edit) ─────────────┐
 *     ingest(entries) ─────────┼──▶ commit ──▶ one transaction: log, document, view, sums, frontier
 *     ingest(repair entries) ──┘                    │
 *                                       end, flush ─┴──▶ durable: may be answered and announced
 *
 * A local write, a change from a peer and a repair differ only in who calls the commit. Writes are staged
 * into a group and become durable together; until then nobody outside may learn of them. If the group
 * fails, the transaction, the account and every cache go back to what was committed.
 */
import type {
  ChangeHash,
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
import { AtollError, VECTOR_ZERO, assert, docIdOf } from "@atoll/core";
import type { Authorship, ProfileCodec, ProfileEdit } from "@atoll/profile";
import { isJsonObject, mergePatch } from "@atoll/profile";
import type { DocumentPlace, DocumentRow, Store, StoredIdentity } from "@atoll/store";
import type { Announcement } from "@atoll/sync";
import type { IngestCounts, Sender } from "./arrivals.ts";
import { Arrivals } from "./arrivals.ts";
import type { Authored } from "./author.ts";
import { Author } from "./author.ts";
import { CanaryCount } from "./canary-count.ts";
import { Commit } from "./commit.ts";
import { ConflictCount } from "./conflict-count.ts";
import { DocumentCache } from "./document-cache.ts";
import { placeIn } from "./document-place.ts";
import { Group } from "./group.ts";
import { Intake } from "./intake.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { Ledger } from "./ledger.ts";
import type { Precondition } from "./precondition.ts";
import { checkPrecondition } from "./precondition.ts";
import { Quarantine } from "./quarantine.ts";
import { Renderer } from "./renderer.ts";
import { Restorer } from "./restorer.ts";
import { SchemaJudge } from "./schema-judge.ts";
import type { Snapshot } from "./snapshot.ts";
import { Snapshots } from "./snapshots.ts";
import { Tails } from "./tails.ts";
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
  /** True when the answer rests on writes that no region has made durable yet: hold it until this one has. */
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
  /** A patch of a profile that is not here creates it. */
  readonly upsert: boolean;
  /** The version that the client saw. */
  readonly base?: readonly ChangeHash[] | undefined;
  /** Who asked for it. */
  readonly by?: Authorship | undefined;
}

export class Replica {
  readonly cluster: Cluster;
  readonly region: Region;
  readonly codec: ProfileCodec;
  readonly schema: SchemaJudge;
  readonly conflicts = new ConflictCount();
  readonly canaries: CanaryCount;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly documents: DocumentCache;
  readonly group: Group;
  readonly answers: KeptAnswers;
  readonly quarantine: Quarantine;
  readonly restorer: Restorer;
  readonly waitingRoom: WaitingRoom;
  readonly arrivals: Arrivals;
  readonly renderer: Renderer;
  readonly intake: Intake;
  readonly #commit: Commit;
  readonly #snapshots: Snapshots;
  readonly #author: Author;
  readonly #clock: Clock;
  readonly #tails: Tails;
  /** The group after which there was nothing to keep up … */
  #idleSince = -1;
  /** … until a tail has rested, by the monotonic clock. */
  #restedMs = Infinity;

  constructor(options: ReplicaOptions) {
    const { cluster, region, store, clock, log, codec } = options;
    this.cluster = cluster;
    this.region = region;
    this.store = store;
    this.canaries = new CanaryCount(store);
    this.codec = codec;
    this.#clock = clock;
    this.#snapshots = new Snapshots(cluster);
    this.schema = new SchemaJudge(codec);
    const author = new Author(store, clock, { ...options, genesisHash: codec.genesisHash });
    this.#author = author;
    this.ledger = new Ledger(store, cluster);
    this.documents = new DocumentCache({ store, codec, actor: () => author.actor });
    this.group = new Group(store);
    this.answers = new KeptAnswers({ store, group: this.group, clock });
    const { ledger, documents, group } = this;
    this.intake = new Intake(store, cluster, codec, (place, change) => {
      if (ledger.horizon.size === 0) return false; // every change has its row
      return documents.holds(place, change);
    });
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
      actor: () => author.actor,
      renewActor: () => {
        author.renewActor();
        documents.clear(); // open documents write as the old actor
      },
      waitingRoom: this.waitingRoom,
    });
    const { restorer } = this;
    const commit = new Commit({
      store,
      ledger,
      documents,
      group,
      snapshots: this.#snapshots,
    });
    const observe = (hlc: Hlc): void => author.observe(hlc);
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
    this.#tails = new Tails({ store, clock, isOpen: (place) => documents.isOpen(place) });
    this.renderer = new Renderer({
      ...{ store, documents, group, restorer, quarantine, tails: this.#tails },
      placeOf: (docId) => this.placeOf(docId),
      schema: this.schema,
      conflicts: this.conflicts,
    });
  }

  get identity(): StoredIdentity {
    return this.#author.identity;
  }

  get origin(): Origin {
    return this.#author.origin;
  }

  /** What became of all entries from elsewhere since the start. */
  get ingested(): Readonly<IngestCounts> {
    return this.arrivals.total;
  }

  /** A timestamp above every one of ours so far, to be told to peers once the open group is durable. */
  stamp(): Hlc {
    return this.#author.announce(this.group);
  }

  /** A peer has been told of this much time by us. */
  recall(announced: Hlc): void {
    this.#author.recall(announced);
  }

  placeOf(docId: DocId): DocumentPlace {
    return this.intake.placeOf(docId);
  }

  read(id: ProfileId): ReadResult {
    const cached = this.#snapshots.get(id);
    if (cached !== undefined && this.group.isSettled) return { snapshot: cached, staged: false };
    const docId = docIdOf(id);
    const staged = this.group.writes(docId);
    if (cached !== undefined) return { snapshot: cached, staged };
    const row = this.renderer.shown(placeIn(this.cluster, docId));
    return { snapshot: row && this.#snapshots.of(id, row), staged };
  }

  /** Stages an edit. Throws `AtollError` with nothing staged. */
  write(id: ProfileId, edit: ProfileEdit, options: WriteOptions): WriteResult {
    const place = this.placeOf(docIdOf(id));
    const row = this.renderer.clean(place) ?? this.#bringBack(place);
    if (row?.quarantined === true) {
      throw new AtollError("document-quarantined", "this profile's document does not open here");
    }
    const current = row && this.#snapshots.of(id, row);
    checkPrecondition(options.precondition, current?.etag);
    if (current === undefined) {
      if (edit.kind === "delete") return { kind: "deleted", existed: false, dep: VECTOR_ZERO };
      if (isAboutExisting(edit, row, options)) return { kind: "absent" };
    }
    const asked = creating(edit, current === undefined);
    const authored = this.#author.edit({ id, place, before: current?.json }, asked, options, this);
    const after = authored && this.#apply(authored);
    if (after !== undefined) this.conflicts.note(row?.conflicts ?? 0, after.conflicts);
    if (edit.kind === "delete") {
      return { kind: "deleted", existed: true, dep: (after ?? row)?.dep ?? VECTOR_ZERO };
    }
    const snapshot = after === undefined ? current : this.#snapshots.of(id, after);
    assert(snapshot !== undefined, "a profile that was written can be read");
    const created = current === undefined;
    return { kind: "written", created, changed: after !== undefined, snapshot };
  }

  /**
   * A document that is open with changes and has no row lost it to damage. Whoever writes must not begin
   * anew: what was there would be hidden, and the first change of an actor be made for a second time.
   */
  #bringBack(place: DocumentPlace): DocumentRow | undefined {
    if (!this.documents.isOpen(place)) return undefined;
    const profile = this.documents.open(place);
    if (profile.changeHashes().length === 0) return undefined;
    this.group.open();
    const salvage = { base: profile.save(), tail: new Uint8Array(), tailChanges: 0 };
    return this.restorer.rebuild(place, { before: undefined, salvage, isFresh: false });
  }

  #apply({ sound, view }: Authored): DocumentRow {
    try {
      return this.#commit.apply(sound, view);
    } catch (error) {
      if (!(error instanceof AtollError)) this.documents.drop(sound.place); // it is ahead of the store
      throw error;
    }
  }

  /** Stages what is sound of a peer's entries; the rest waits or is set aside, one by one. */
  ingest(entries: readonly LogEntry[], from: Sender): IngestCounts {
    const counts = this.arrivals.ingest(entries, from);
    this.renderer.follow(entries);
    return counts;
  }

  /** Takes lanes as held that are proven to be, with or without their entries. Part of the open group. */
  adopt(lanes: readonly Announcement[]): void {
    this.group.open();
    for (const lane of lanes) {
      if (this.ledger.adopt(lane, lane.contig)) this.waitingRoom.adopted(lane, lane.contig);
    }
  }

  /**
   * Commits the open group and returns its entries. Unless it is durable at once, `durable` is called when it is,
   * in the order of groups. Throws `AtollError` with all undone.
   */
  end(durable: () => void): { readonly entries: LogEntry[]; readonly isDurable: boolean } {
    const isDurable = this.#endedBy(() =>
      this.store.commitSoon(() => {
        this.group.settle();
        durable();
      }),
    );
    return { entries: isDurable ? this.group.end() : this.group.leave(), isDurable };
  }

  /** Makes the open group durable and returns its entries. Throws `AtollError` with all undone. */
  flush(): LogEntry[] {
    if (!this.group.isOpen) return [];
    this.#endedBy(() => this.store.commit());
    return this.group.end();
  }

  #endedBy<T>(commit: () => T): T {
    try {
      this.ledger.write();
      return commit();
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Undoes the open group, in the store and in memory. */
  abandon(): void {
    this.store.rollback();
    this.group.end();
    this.forgetCaches();
    this.ledger.reload();
    this.#author.reload();
    this.answers.reload();
    this.waitingRoom.reload();
    this.quarantine.reload();
  }

  /** Reads and edits start from the store again. */
  forgetCaches(): void {
    this.#snapshots.clear();
    this.documents.clear();
  }

  /** False when the last `upkeep` found nothing to do, nothing has been staged since and no tail has rested. */
  get isUpkeepDue(): boolean {
    if (this.#idleSince !== this.group.opened || this.group.isOpen) return true;
    return this.#clock.monotonicMs() >= this.#restedMs;
  }

  /** Some background work: views and tails, and buckets that have become too full. */
  upkeep(): void {
    const { opened } = this.group;
    this.renderer.upkeep();
    if (this.ledger.tree.isCrowded) {
      this.group.open();
      this.ledger.tree.deepen();
    }
    if (this.group.opened !== opened || this.group.isOpen) return;
    this.#idleSince = opened;
    this.#restedMs = this.#clock.monotonicMs() + this.#tails.msUntilRested();
  }

  /** True while a write would use a name that may have a past which this file does not know. */
  get mustRenew(): boolean {
    return this.#author.mustRenew;
  }

  /** Every peer has said what it has seen of us, and it is all here. */
  originProven(): void {
    this.#author.proven();
  }

  /**
   * Writes under a new name from now on, because the old one has a past that this file does not know.
   * Nothing may be staged.
   */
  reincarnate(): void {
    assert(!this.group.isOpen, "a group belongs to one incarnation");
    this.documents.clear(); // open documents write as the old actor
    this.#author.renew();
  }

  /** An orderly stop: everything durable, the identity may be used again. The store stays open. */
  close(): void {
    this.group.open(); // what is covered by now is worth a commit of its own
    this.flush();
    this.documents.clear();
    this.#author.close();
  }
}

/** Whether the edit means nothing where there is no profile. */
function isAboutExisting(
  edit: ProfileEdit,
  row: DocumentRow | undefined,
  { upsert, base }: WriteOptions,
): boolean {
  if (base !== undefined || edit.kind === "increment") return true;
  if (edit.kind === "revert") return row === undefined; // a deleted profile has a past to go back to
  return edit.kind !== "put" && !upsert;
}

/** A patch that creates starts from nothing, also where a deleted profile lies underneath. */
function creating(edit: ProfileEdit, isAbsent: boolean): ProfileEdit {
  if (!isAbsent) return edit;
  if (edit.kind === "json-patch" || edit.kind === "operations") return { ...edit, recreates: true };
  if (edit.kind !== "merge-patch") return edit;
  const value = mergePatch({}, edit.patch);
  assert(isJsonObject(value), "an object patched with an object is one");
  return { kind: "put", value };
}
