/**
 * Setting a document right, from whatever of it is still sound.
 *
 *     log entries of the document ─┐
 *     whole chunks of its tail ────┼─▶ those that load together ─▶ body, row, view, sums
 *     its body, where it loads ────┘        │
 *                                           ├─ culprits: quarantined, their place in the log a gap
 *                                           └─ what builds on something missing: waits, its place a gap
 *
 * The log is the truth, but a damaged log must not take a document along that is still whole, so the
 * document's own bytes are asked too. What is missing afterwards is missing in the frontier as well, and
 * ordinary catch-up brings it. What the log has no more is brought by a comparison. Until then the document
 * shows what is here.
 *
 * When changes were lost from a document, this process goes on under a new actor: the lost ones may have
 * been its own, and an (actor, seq) pair that is used twice diverges for ever.
 */
import type { ChangeHash, Clock, Cluster, Hlc, Log, LogEntry } from "@atoll/core";
import {
  HLC_ZERO,
  SUM_ZERO,
  VECTOR_ZERO,
  addSums,
  elementOf,
  isAtollError,
  joinVectors,
  limits,
  low64,
  originRegion,
  toHex,
} from "@atoll/core";
import type { OpenProfile, ProfileCodec } from "@atoll/profile";
import { DocumentError, parseChangeChunk, splitChunks } from "@atoll/profile";
import type { DocumentBody, DocumentPlace, DocumentRow, Store } from "@atoll/store";
import type { DocumentCache } from "./document-cache.ts";
import type { Group } from "./group.ts";
import type { Candidate, Isolated } from "./isolate.ts";
import { isolate, tailOf } from "./isolate.ts";
import type { Ledger } from "./ledger.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Snapshots } from "./snapshots.ts";
import type { WaitingRoom } from "./waiting-room.ts";

export interface RestorerRooms {
  readonly cluster: Cluster;
  readonly store: Store;
  readonly codec: ProfileCodec;
  readonly ledger: Ledger;
  readonly documents: DocumentCache;
  readonly snapshots: Snapshots;
  readonly group: Group;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  readonly log: Log;
  readonly actor: () => Uint8Array;
  /** Writes as somebody else from now on. */
  readonly renewActor: () => void;
  readonly waitingRoom: WaitingRoom;
}

/** What a document's row must say, as far as its own bytes and the log can tell. */
export interface Facts {
  readonly hashes: readonly ChangeHash[];
  readonly row: Omit<DocumentRow, "dirty" | "quarantined">;
  /** Every change has its entry in the log: `dep` and the times are exact, not bounds. */
  readonly isLogged: boolean;
}

/** What there is of a document that is to be rebuilt. */
export interface Found {
  /** Undefined when there is no row, or none that decodes. */
  readonly before: DocumentRow | undefined;
  /** Bytes that are the document's own, for changes that the log has lost. */
  readonly salvage: DocumentBody | undefined;
  /**
   * Give it a new row and body: the old row may name another document's body. The caller recounts the
   * shard, once for all that it mends.
   */
  readonly isFresh: boolean;
}

export class Restorer {
  readonly #rooms: RestorerRooms;

  constructor(rooms: RestorerRooms) {
    this.#rooms = rooms;
  }

  /** Loads the stored bytes afresh; the caller frees it. Throws `DocumentError`. */
  load(body: DocumentBody | undefined): OpenProfile {
    const { codec, actor } = this.#rooms;
    return codec.open(body ?? { base: undefined, tail: new Uint8Array() }, actor());
  }

  /** What the row of this open document must say; what the log cannot tell is as `before` says. */
  facts(place: DocumentPlace, profile: OpenProfile, before: DocumentRow | undefined): Facts {
    const { cluster, store } = this.#rooms;
    const hashes = profile.changeHashes();
    const { profileId, deleted, conflicts, json } = profile.render();
    let sum = SUM_ZERO;
    let dep = VECTOR_ZERO;
    let createdHlc: Hlc | undefined;
    let updatedHlc = HLC_ZERO;
    let isLogged = true;
    for (const hash of hashes) {
      const element = elementOf(cluster.keys, place.docId, hash);
      sum = addSums(sum, element);
      const entry = store.findChange(place.docId, hash, low64(element));
      if (entry === undefined) {
        isLogged = false;
        continue;
      }
      dep = joinVectors(dep, entry.dep);
      dep = joinVectors(dep, new Map([[originRegion(entry.origin), entry.hlc]]));
      createdHlc = createdHlc === undefined || entry.hlc < createdHlc ? entry.hlc : createdHlc;
      updatedHlc = entry.hlc > updatedHlc ? entry.hlc : updatedHlc;
    }
    if (!isLogged && before !== undefined) {
      dep = joinVectors(dep, before.dep);
      createdHlc = minHlc(createdHlc, before.createdHlc);
      updatedHlc = before.updatedHlc > updatedHlc ? before.updatedHlc : updatedHlc;
    }
    const heads = hashes.length === 0 ? [] : profile.heads();
    return {
      hashes,
      isLogged,
      row: {
        docId: place.docId,
        position: place.position,
        shard: place.shard,
        profileId: profileId ?? before?.profileId,
        deleted: deleted || hashes.length === 0, // nobody wrote it, as far as is known here
        heads: new Uint8Array(Buffer.concat(heads)),
        changeCount: hashes.length,
        sum,
        dep,
        createdHlc: createdHlc ?? HLC_ZERO,
        updatedHlc,
        conflicts,
        view: json,
      },
    };
  }

  /**
   * Rebuilds body and row. Needs an open group. Undefined when nothing that loads could be found: nothing
   * was changed then.
   */
  rebuild(place: DocumentPlace, found: Found = this.#found(place)): DocumentRow | undefined {
    const { codec, actor, documents } = this.#rooms;
    documents.drop(place);
    const isolated = isolate(codec, actor(), this.#candidates(place, found.salvage));
    if (isolated === undefined) return undefined;
    this.#report(place, isolated, found.before);
    this.#setAside(isolated);
    return this.#write(place, isolated, found);
  }

  /**
   * Replaces the row by what its bytes say. The body stays. Needs an open group; the caller recounts the
   * shard.
   */
  correct(before: DocumentRow, facts: Facts): void {
    const row = { ...facts.row, dirty: false, quarantined: false };
    this.#replace(row, before);
    this.#rooms.documents.drop(row);
  }

  #found(place: DocumentPlace): Found {
    const { store } = this.#rooms;
    const before = store.readDocument(place);
    return { before, salvage: before && store.readBody(place), isFresh: false };
  }

  /** Log first: where both have a change, the entry knows its place. */
  #candidates(place: DocumentPlace, body: DocumentBody | undefined): Candidate[] {
    const byHash = new Map<string, Candidate>();
    for (const entry of this.#rooms.store.readLogOfDocument(place)) {
      const parsed = parseChangeChunk(entry.change);
      if (parsed.kind === "fault" || toHex(parsed.hash) !== toHex(entry.hash)) continue;
      const { hash, deps } = parsed;
      const chunks = [...entry.containers, entry.change];
      byHash.set(toHex(hash), { hash, deps, chunks, entry });
    }
    const containers: Uint8Array[] = [];
    for (const chunk of this.#chunksOf(body)) {
      const parsed = parseChangeChunk(chunk);
      if (parsed.kind === "fault") continue;
      if (this.#rooms.codec.isContainerChange(parsed)) {
        containers.push(parsed.chunk);
        continue;
      }
      const { hash, deps } = parsed;
      const isNew =
        !byHash.has(toHex(hash)) && toHex(hash) !== toHex(this.#rooms.codec.genesisHash);
      const chunks = [...containers.splice(0), parsed.chunk];
      if (isNew) byHash.set(toHex(hash), { hash, deps, chunks, entry: undefined });
    }
    return [...byHash.values()];
  }

  /** Every change of its base, where that loads, and what is whole in its tail, as it came. */
  #chunksOf(body: DocumentBody | undefined): readonly Uint8Array[] {
    if (body === undefined) return [];
    return [...this.#changesOfBase(body.base), ...(splitChunks(body.tail) ?? [])];
  }

  /** The log may have nothing of what is folded. */
  #changesOfBase(base: Uint8Array | undefined): readonly Uint8Array[] {
    if (base === undefined) return [];
    try {
      const profile = this.load({ base, tail: new Uint8Array(), tailChanges: 0 });
      try {
        return profile.changes();
      } finally {
        profile.free();
      }
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      return [];
    }
  }

  #report(place: DocumentPlace, isolated: Isolated, before: DocumentRow | undefined): void {
    const { sound, culprits, waiting } = isolated;
    this.#rooms.log.warn("document-rebuilt", {
      docId: toHex(place.docId),
      changesBefore: before?.changeCount,
      changes: sound.length,
      culprits: culprits.length,
      waiting: waiting.length,
    });
  }

  #setAside({ culprits, waiting }: Isolated): void {
    const { quarantine, waitingRoom } = this.#rooms;
    for (const { candidate, reason } of culprits) {
      if (candidate.entry === undefined) continue; // nobody asks for it: it is simply not taken over
      this.#unlog(candidate.entry);
      quarantine.addEntry(candidate.entry, undefined, reason);
    }
    for (const { candidate, missing } of waiting) {
      const { entry } = candidate;
      if (entry === undefined) continue;
      const isTrimmed = entry.seq <= this.#rooms.ledger.trimmedThrough(entry);
      this.#unlog(entry);
      if (!isTrimmed) waitingRoom.add(entry, missing); // else its place is held, and comparing brings it
    }
  }

  /** It is not applied, so it must not count as held. */
  #unlog(entry: LogEntry): void {
    const { store, ledger, clock } = this.#rooms;
    store.removeLogEntry(entry, entry.seq);
    ledger.lose(entry, { lo: entry.seq, hi: entry.seq });
    ledger.setAside(entry, clock.monotonicMs() + limits.QUARANTINE_RETRY_MS);
  }

  #write(place: DocumentPlace, { sound }: Isolated, { before, isFresh }: Found): DocumentRow {
    const { store, quarantine, renewActor } = this.#rooms;
    const tail = tailOf(sound);
    const tailChanges = sound.reduce((total, { chunks }) => total + chunks.length, 0);
    const body = { base: undefined, tail, tailChanges };
    const profile = this.load(body);
    try {
      const { row } = this.facts(place, profile, before);
      const restored = { ...row, dirty: false, quarantined: false };
      const { docId } = place;
      if (isFresh) store.scrub.removeDocumentRow({ position: BigInt(place.position), docId });
      store.writeDocument(restored); // a body needs its row
      store.writeBody(place, body);
      this.#replace(restored, before); // and the view its body, which may have been what was lost
      if (!isFresh) this.#recount(place.shard);
      quarantine.releaseDocument(docId);
      if (before === undefined || row.changeCount < before.changeCount) renewActor();
      return restored;
    } finally {
      profile.free();
    }
  }

  #replace(row: DocumentRow, before: DocumentRow | undefined): void {
    const { store, snapshots } = this.#rooms;
    store.writeDocument(row);
    if (before !== undefined) snapshots.changed(before);
    snapshots.changed(row);
  }

  /** By the rows, not by a difference: what the old row said may be what was damaged. */
  #recount(shard: number): void {
    try {
      this.#rooms.ledger.recountShard(shard);
    } catch (error) {
      if (!isAtollError(error)) throw error; // another row does not decode: the scrub will count
    }
  }
}

function minHlc(a: Hlc | undefined, b: Hlc): Hlc {
  return a === undefined || b < a ? b : a;
}
