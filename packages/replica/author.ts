/**
 * Who writes here: the name, the clock and the next number, and an edit made into an entry of that name.
 *
 * A name that an earlier process left behind is proven before it is written under: until every peer has
 * said that it knows no more of it than this file does, a write takes a new one (identity.ts says why).
 */
import type {
  ChangeHash,
  Clock,
  Hlc,
  LogEntry,
  Origin,
  ProfileId,
  RegionVector,
} from "@atoll/core";
import {
  AtollError,
  CANARY_TENANT,
  HLC_ZERO,
  HybridClock,
  assert,
  elementOf,
  hlcFromMs,
  hlcToMs,
  limits,
  sometimes,
  splitProfileId,
} from "@atoll/core";
import type { Authorship, ProfileEdit } from "@atoll/profile";
import { DocumentError, readChangeHead } from "@atoll/profile";
import type { DocumentPlace, Store, StoredIdentity } from "@atoll/store";
import type { RenderedView } from "./commit.ts";
import type { DocumentCache } from "./document-cache.ts";
import type { Group } from "./group.ts";
import type { IdentityOptions } from "./identity.ts";
import { closeIdentity, openIdentity, renewIdentity, withNewActor } from "./identity.ts";
import type { SoundEntry } from "./intake.ts";
import type { Ledger } from "./ledger.ts";
import type { SchemaJudge } from "./schema-judge.ts";

/** An entry of ours, ready to be committed, and what the profile looks like with it. */
export interface Authored {
  readonly sound: SoundEntry;
  readonly view: RenderedView;
}

interface AuthorRooms {
  readonly documents: DocumentCache;
  readonly ledger: Ledger;
  readonly schema: SchemaJudge;
  readonly group: Group;
}

export class Author {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #options: IdentityOptions;
  readonly #hlc: HybridClock;
  #identity: StoredIdentity;
  /** Left by an earlier process, and not every peer has said that it knows no more of it. */
  #isInherited: boolean;

  constructor(store: Store, clock: Clock, options: IdentityOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#options = options;
    const earlier = store.readIdentity();
    this.#isInherited = earlier?.cleanStop === true;
    this.#identity = openIdentity(store, options);
    // What is written below a time that was announced would count as covered where it has never been; a
    // file of before that was kept goes by its log. Others' clocks pull no more than they do at any time.
    const { announced } = this.#identity;
    this.#hlc = new HybridClock(announced === HLC_ZERO ? store.lastHlc() : announced);
    this.observe(store.lastHlc());
    for (const hlc of store.readHorizon()?.values() ?? []) this.observe(hlc);
  }

  get identity(): StoredIdentity {
    return this.#identity;
  }

  get origin(): Origin {
    return this.#identity.origin;
  }

  get actor(): Uint8Array {
    return this.#identity.actor;
  }

  /** True while a write would use a name that may have a past which this file does not know. */
  get mustRenew(): boolean {
    return this.#isInherited;
  }

  /** Every peer has said what it has seen of us, and it is all here. */
  proven(): void {
    sometimes("name proven by all peers");
    this.#isInherited = false;
  }

  /** Writes under a new name from now on. Nothing may be staged, no document open. */
  renew(): void {
    this.#identity = renewIdentity(this.#store, this.#identity, this.#options);
    this.#isInherited = false;
  }

  /** The same origin, another actor: part of the open group. No document may be open. */
  renewActor(): void {
    this.#identity = withNewActor(this.#identity, this.#options.random);
    this.#store.writeIdentity(this.#identity);
  }

  /** The last thing that an orderly stop writes. */
  close(): void {
    closeIdentity(this.#store, this.#identity, this.#hlc.last);
  }

  /** Is as it was committed: a group that failed took what it wrote along. */
  reload(): void {
    this.#identity = this.#store.readIdentity() ?? this.#identity;
  }

  /** A timestamp above every one of ours so far, for an entry. */
  #stamp(): Hlc {
    return this.#hlc.tick(this.#clock.nowMs());
  }

  /**
   * The same, to be told to peers without an entry that bears it. The disk knows of it before they do:
   * every `ANNOUNCED_AHEAD_MS` it is told of as much time in advance, as part of the group, and the next
   * process begins above.
   */
  announce(group: Group): Hlc {
    const hlc = this.#stamp();
    this.#keep(hlc, group);
    return hlc;
  }

  #keep(hlc: Hlc, group: Group): void {
    if (hlc <= this.#identity.announced) return;
    group.open();
    const announced = hlcFromMs(hlcToMs(hlc) + limits.ANNOUNCED_AHEAD_MS);
    this.#identity = { ...this.#identity, announced };
    this.#store.writeIdentity(this.#identity);
  }

  /**
   * Time that a peer was told of by us, perhaps by a life that this file does not know: a restored copy goes on
   * above it. Believed further than another region's clock, because it is our own word, but not without end.
   */
  recall(announced: Hlc): void {
    this.#hlc.recall(announced, this.#clock.nowMs());
  }

  /** What is written from now on sorts after this. */
  observe(hlc: Hlc): void {
    this.#hlc.observe(hlc, this.#clock.nowMs());
  }

  /**
   * Makes the edit in the open document. Undefined when the profile already was what was asked for. Throws
   * `AtollError`; whoever does not commit the entry must drop the document, which is ahead of the store.
   */
  edit(
    about: {
      readonly id: ProfileId;
      readonly place: DocumentPlace;
      /** The profile's JSON, if there is one. */
      readonly before: string | undefined;
    },
    edit: ProfileEdit,
    {
      dep,
      base,
      by,
    }: {
      readonly dep: RegionVector;
      readonly base?: readonly ChangeHash[] | undefined;
      readonly by?: Authorship | undefined;
    },
    { documents, ledger, schema, group }: AuthorRooms,
  ): Authored | undefined {
    const { id, place, before } = about;
    for (const seen of dep.values()) this.observe(seen);
    assert(!this.#isInherited, "nothing is written under a name that is not proven");
    const hlc = this.#stamp();
    const identity = splitProfileId(id);
    const deletedAtMs = hlcToMs(hlc);
    const timeSeconds = Math.floor(deletedAtMs / 1000);
    try {
      const profile = documents.open(place, identity);
      const result = profile.edit(edit, { timeSeconds, deletedAtMs, identity, base, by });
      if (!result.changed) return undefined;
      this.#keep(hlc, group);
      const { hash, change, containers } = result;
      const head = readChangeHead(change);
      assert(head !== undefined, "our own change parses");
      const { docId, shard } = place;
      const { origin } = this;
      const seq = ledger.frontier.contig({ shard, origin }) + 1;
      const entry: LogEntry = { shard, origin, seq, hlc, docId, hash, dep, change, containers };
      const { json, deleted, conflicts } = profile.render();
      if (!deleted && identity.tenant !== CANARY_TENANT) {
        try {
          schema.refuseNewFaults(json, before);
        } catch (fault) {
          documents.drop(place); // it has the change that nobody will have
          throw fault;
        }
      }
      // Who edits the newest version builds on all of it.
      const heads = new Uint8Array(base === undefined ? hash : Buffer.concat(profile.heads()));
      const view = { heads, profileId: id, json, deleted, conflicts };
      const element = elementOf(this.#options.cluster.keys, docId, hash);
      return { sound: { entry, place, deps: head.deps, element, isNew: true }, view };
    } catch (error) {
      // The document may be ahead of the store: whatever it says now was never written.
      if (!(error instanceof AtollError)) documents.drop(place);
      if (!(error instanceof DocumentError)) throw error;
      throw new AtollError("document-quarantined", "the document refuses the edit", {}, error);
    }
  }
}
