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
import type { ChangeHash, Cluster, DocId, LogEntry, Origin } from "@atoll/core";
import {
  ByteReader,
  elementOf,
  low64,
  originRegion,
  positionOf,
  regionByCode,
  shardOf,
  toHex,
} from "@atoll/core";
import type { ChangeChunk, ProfileCodec } from "@atoll/profile";
import { parseChangeChunk } from "@atoll/profile";
import type { DocumentPlace, DocumentRow, Store } from "@atoll/store";
import { headsInclude } from "./heads.ts";

export interface SoundEntry {
  readonly entry: LogEntry;
  readonly place: DocumentPlace;
  readonly deps: readonly ChangeHash[];
}

export type Judgement =
  | { readonly kind: "bad"; readonly reason: string }
  | { readonly kind: "waiting"; readonly missing: ChangeHash }
  | { readonly kind: "sound"; readonly sound: SoundEntry };

export class Intake {
  readonly #store: Store;
  readonly #cluster: Cluster;
  readonly #codec: ProfileCodec;
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
    const position = positionOf(this.#cluster.keys, docId);
    return { docId, position, shard: shardOf(position, this.#cluster.shardCount) };
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
    const parsed = parseChangeChunk(entry.change);
    if (parsed.kind === "fault") return bad(parsed.reason);
    if (toHex(parsed.hash) !== toHex(entry.hash)) return bad("the change is not what it is named");
    if (!isActorOf(parsed.actor, entry.origin)) return bad("made by another actor than its origin");
    const carried = new Set<string>();
    for (const bytes of entry.containers) {
      const container = parseChangeChunk(bytes);
      if (container.kind === "fault") return bad(`container: ${container.reason}`);
      if (!this.#codec.isContainerChange(container)) return bad("a container that is none");
      carried.add(toHex(container.hash));
    }
    const missing = this.#missing(place, parsed, carried);
    if (missing !== undefined) return { kind: "waiting", missing };
    return { kind: "sound", sound: { entry, place, deps: parsed.deps } };
  }

  /** The first parent that neither the document nor the entry itself brings. */
  #missing(
    place: DocumentPlace,
    parsed: ChangeChunk,
    carried: ReadonlySet<string>,
  ): ChangeHash | undefined {
    let row: DocumentRow | undefined;
    for (const dep of parsed.deps) {
      if (carried.has(toHex(dep)) || toHex(dep) === toHex(this.#codec.genesisHash)) continue;
      row ??= this.#store.readDocument(place);
      if (row === undefined) return dep;
      if (headsInclude(row.heads, dep)) continue; // the usual case: it continues what is here
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
  return new ByteReader(actor).u64() === BigInt(origin);
}
