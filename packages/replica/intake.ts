/**
 * Judging an entry that came from elsewhere, before anything is written.
 *
 *     held       nothing to do
 *     foreign    of our own origin, and we never wrote it
 *     bad        a fault of the entry itself, with the reason
 *     waiting    sound, but builds on a change that is not here yet
 *     sound      apply it
 *
 * Automerge is not asked: `applyChanges` verifies no checksums, one bad change aborts a batch, and small
 * bytes can expand into a process that is out of memory. Everything that can be known from the bytes is
 * known here first.
 */
import type { ChangeHash, Cluster, DocId, DocKey, LogEntry, Origin, Sum } from "@atoll/core";
import {
  ByteReader,
  changeKeyOf,
  docKeyOf,
  elementOf,
  limits,
  low64,
  nameOfReceived,
  originRegion,
  regionByCode,
  sameBytes,
} from "@atoll/core";
import type { ChangeChunk, ProfileCodec } from "@atoll/profile";
import { parseChangeChunk } from "@atoll/profile";
import type { DocumentPlace, DocumentRow, Store } from "@atoll/store";
import { placeIn } from "./document-place.ts";
import { headsInclude } from "./heads.ts";

export interface SoundEntry {
  readonly entry: LogEntry;
  readonly place: DocumentPlace;
  readonly deps: readonly ChangeHash[];
  /** What the change adds to the sums of its document. */
  readonly element: Sum;
  /**
   * It builds on a head of the document, or there is no document: it cannot be in it already, because what
   * is built on is no head. Not to be relied upon once anything has been written.
   */
  readonly isNew: boolean;
}

export type Judgement =
  | { readonly kind: "bad"; readonly reason: string }
  | { readonly kind: "waiting"; readonly missing: ChangeHash }
  | { readonly kind: "sound"; readonly sound: SoundEntry };

export class Intake {
  readonly #store: Store;
  readonly #cluster: Cluster;
  readonly #codec: ProfileCodec;
  readonly #places = new Map<DocKey, DocumentPlace>();
  readonly #isInDocument: (place: DocumentPlace, change: ChangeHash) => boolean;

  /** `isInDocument`: for changes that the log has no more. Opens the document. */
  constructor(
    store: Store,
    cluster: Cluster,
    codec: ProfileCodec,
    isInDocument: (place: DocumentPlace, change: ChangeHash) => boolean = () => false,
  ) {
    this.#store = store;
    this.#cluster = cluster;
    this.#codec = codec;
    this.#isInDocument = isInDocument;
  }

  /** Where a document lies in this cluster. */
  placeOf(docId: DocId): DocumentPlace {
    const key = docKeyOf(docId);
    let place = this.#places.get(key);
    if (place === undefined) {
      place = placeIn(this.#cluster, docId);
      if (this.#places.size >= limits.PLACES_KNOWN_MAX) this.#places.clear();
      this.#places.set(key, place);
    }
    return place;
  }

  judge(entry: LogEntry): Judgement {
    const cluster = this.#cluster;
    const place = this.placeOf(entry.docId);
    if (place.shard !== entry.shard) {
      return bad(`document of shard ${place.shard} in shard ${entry.shard}`);
    }
    if (regionByCode(cluster, originRegion(entry.origin)) === undefined) {
      return bad("written by a region that is not in the config");
    }
    const parsed = parseChangeChunk(entry.change, nameOfReceived(entry.change));
    if (parsed.kind === "fault") return bad(parsed.reason);
    if (!sameBytes(parsed.hash, entry.hash)) return bad("the change is not what it is named");
    if (!isActorOf(parsed.actor, entry.origin)) return bad("made by another actor than its origin");
    const carried = new Set<string>();
    for (const bytes of entry.containers) {
      const container = parseChangeChunk(bytes, nameOfReceived(bytes));
      if (container.kind === "fault") return bad(`container: ${container.reason}`);
      if (!this.#codec.isContainerChange(container)) return bad("a container that is none");
      carried.add(changeKeyOf(container.hash));
    }
    const row = this.#store.readDocument(place);
    const missing = this.#missing(place, row, parsed, carried);
    if (missing !== undefined) return { kind: "waiting", missing };
    const { deps } = parsed;
    const element = elementOf(cluster.keys, entry.docId, entry.hash);
    const isNew = row === undefined || deps.some((dep) => headsInclude(row.heads, dep));
    return { kind: "sound", sound: { entry, place, deps, element, isNew } };
  }

  /** The first parent that neither the document nor the entry itself brings. */
  #missing(
    place: DocumentPlace,
    row: DocumentRow | undefined,
    parsed: ChangeChunk,
    carried: ReadonlySet<string>,
  ): ChangeHash | undefined {
    for (const dep of parsed.deps) {
      if (row !== undefined && headsInclude(row.heads, dep)) continue; // usual: it continues what is here
      if (sameBytes(dep, this.#codec.genesisHash)) continue;
      if (carried.size > 0 && carried.has(changeKeyOf(dep))) continue;
      if (row === undefined) return dep;
      if (this.isLogged(place.docId, dep)) continue;
      if (!this.#isInDocument(place, dep)) return dep;
    }
    return undefined;
  }

  /** The log has this change of this document, at whatever place. */
  isLogged(docId: DocId, hash: ChangeHash): boolean {
    const element = low64(elementOf(this.#cluster.keys, docId, hash));
    return this.#store.hasChange(docId, hash, element);
  }
}

function bad(reason: string): Judgement {
  return { kind: "bad", reason };
}

/** An actor begins with its origin: nobody signs as somebody else, or as the maker of a container. */
export function isActorOf(actor: Uint8Array, origin: Origin): boolean {
  const reader = new ByteReader(actor);
  return reader.u32() + reader.u32() * 2 ** 32 === origin;
}
