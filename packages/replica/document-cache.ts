/**
 * The open Automerge documents: a bounded, least-recently-used set.
 *
 * Opening a document costs as much as serving dozens of reads, and a live one holds wasm memory that
 * never returns to the system, so both the number opened and the number open are watched. What is
 * evicted is freed explicitly: the garbage collector does not see the wasm heap.
 *
 * Changes from elsewhere do not wake a document that is open: they wait beside it and are applied by
 * whoever needs it next, all at once.
 */
import { LRUCache } from "lru-cache";
import type { ChangeHash, DocKey } from "@atoll/core";
import { docKeyOf, limits } from "@atoll/core";
import type { Identity, OpenProfile, ProfileCodec } from "@atoll/profile";
import { DocumentError } from "@atoll/profile";
import type { DocumentBody, DocumentPlace, Store } from "@atoll/store";

const EMPTY_BODY = { base: undefined, tail: new Uint8Array() };

interface Cached {
  readonly profile: OpenProfile;
  unapplied: Uint8Array[];
  /** It gives back every change of its tail as it came. */
  isProven: boolean;
}

export class DocumentCache {
  readonly #store: Store;
  readonly #codec: ProfileCodec;
  readonly #actor: () => Uint8Array;
  readonly #open: LRUCache<DocKey, Cached>;
  #opened = 0;

  constructor(options: {
    readonly store: Store;
    readonly codec: ProfileCodec;
    /** Who writes in documents that are opened from now on. */
    readonly actor: () => Uint8Array;
    readonly documentsMax?: number;
  }) {
    this.#store = options.store;
    this.#codec = options.codec;
    this.#actor = options.actor;
    this.#open = new LRUCache<DocKey, Cached>({
      max: options.documentsMax ?? limits.DOCUMENTS_OPEN_MAX,
      dispose: ({ profile }) => profile.free(),
    });
  }

  /** Documents opened since the start: reads of clean views must not move it. */
  get opened(): number {
    return this.#opened;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * The document as the store has it, or, for a writer who says who it is, an empty one.
   * Throws `DocumentError` when its bytes do not load; it is not kept then.
   */
  open(place: DocumentPlace, identity?: Identity): OpenProfile {
    return this.#cached(place, identity).profile;
  }

  /**
   * The same for whoever shows what came from elsewhere: throws `DocumentError` too when the document could
   * not be saved with it. Changes that come to an open document are proven as they are applied.
   */
  openProven(place: DocumentPlace): OpenProfile {
    const cached = this.#cached(place);
    if (cached.isProven) return cached.profile;
    try {
      cached.profile.prove(this.#store.readBody(place)?.tail ?? EMPTY_BODY.tail);
    } catch (error) {
      this.drop(place);
      throw error;
    }
    cached.isProven = true;
    return cached.profile;
  }

  #cached(place: DocumentPlace, identity?: Identity): Cached {
    const key = docKeyOf(place.docId);
    const cached = this.#open.get(key);
    if (cached === undefined) return this.#load(key, place, identity);
    const { unapplied } = cached;
    if (unapplied.length > 0) {
      cached.unapplied = [];
      try {
        cached.profile.append(unapplied);
      } catch (error) {
        this.#open.delete(key);
        throw error;
      }
    }
    return cached;
  }

  isOpen(place: DocumentPlace): boolean {
    return this.#open.has(docKeyOf(place.docId));
  }

  /** Whether the stored document has this change; false of one that does not open. */
  holds(place: DocumentPlace, change: ChangeHash): boolean {
    try {
      return this.open(place).holds(change);
    } catch (error) {
      if (error instanceof DocumentError) return false;
      throw error;
    }
  }

  /** Changes from elsewhere, already in the store. */
  changed(place: DocumentPlace, chunks: readonly Uint8Array[]): void {
    const key = docKeyOf(place.docId);
    const cached = this.#open.peek(key);
    if (cached === undefined) return;
    if (cached.unapplied.length + chunks.length > limits.TAIL_CHANGES_MAX) this.#open.delete(key);
    else cached.unapplied.push(...chunks);
  }

  /** Forgets a document whose memory may differ from the store. */
  drop(place: DocumentPlace): void {
    this.#open.delete(docKeyOf(place.docId));
  }

  clear(): void {
    this.#open.clear();
  }

  #load(key: DocKey, place: DocumentPlace, identity: Identity | undefined): Cached {
    this.#opened++;
    const body = this.#store.readBody(place);
    if (isEmpty(body)) this.#refuseLost(place);
    const profile =
      body === undefined && identity !== undefined
        ? this.#codec.create(identity, this.#actor())
        : this.#codec.open(body ?? EMPTY_BODY, this.#actor());
    const loaded = { profile, unapplied: [], isProven: false };
    this.#open.set(key, loaded);
    return loaded;
  }

  /**
   * Bytes that are not where the row says are not those of a new document: who wrote in it would make the
   * first change of his actor for a second time, and no region takes both.
   */
  #refuseLost(place: DocumentPlace): void {
    const row = this.#store.readDocument(place);
    if (row === undefined || row.changeCount === 0) return;
    throw new DocumentError(`nothing is stored of its ${row.changeCount} changes`);
  }
}

function isEmpty(body: DocumentBody | undefined): boolean {
  return body === undefined || (body.base === undefined && body.tail.length === 0);
}
