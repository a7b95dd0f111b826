/**
 * Views: made when a document has changed, and never while somebody only reads.
 *
 * A change from elsewhere marks the view dirty; it is rendered again in the background or by the first
 * read. A document that does not open is tried once more from the store, then set aside: it keeps its
 * last good view, and no other document notices.
 */
import type { Clock, Log } from "@atoll/core";
import { errorText, limits, toHex } from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import type { DocumentPlace, DocumentRow, Store } from "@atoll/store";
import type { DocumentCache } from "./document-cache.ts";
import type { Group } from "./group.ts";

export class Renderer {
  readonly #store: Store;
  readonly #documents: DocumentCache;
  readonly #group: Group;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(options: {
    readonly store: Store;
    readonly documents: DocumentCache;
    readonly group: Group;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#store = options.store;
    this.#documents = options.documents;
    this.#group = options.group;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** The document's row, with a view that is as new as its changes unless it had to be set aside. */
  clean(place: DocumentPlace): DocumentRow | undefined {
    const row = this.#store.readDocument(place);
    return row === undefined || !row.dirty || row.quarantined ? row : this.#render(row);
  }

  /** Background work: some dirty views, or when there are none, some long tails. */
  upkeep(): void {
    const { UPKEEP_DOCUMENTS_MAX, TAIL_CHANGES_MAX, TAIL_BYTES_MAX } = limits;
    const dirty = this.#store.dirtyDocuments(UPKEEP_DOCUMENTS_MAX);
    for (const place of dirty) this.clean(place);
    if (dirty.length > 0) return;
    const long = this.#store.longTails(TAIL_CHANGES_MAX, TAIL_BYTES_MAX, UPKEEP_DOCUMENTS_MAX);
    for (const place of long) this.#fold(place);
  }

  #render(row: DocumentRow): DocumentRow {
    this.#group.open();
    const rendered = this.#attempt(row) ?? this.#attempt(row) ?? this.#setAside(row);
    this.#store.writeDocument(rendered);
    return rendered;
  }

  #attempt(row: DocumentRow): DocumentRow | undefined {
    try {
      const view = this.#documents.open(row).render();
      return {
        ...row,
        profileId: view.profileId ?? row.profileId,
        deleted: view.deleted,
        conflicts: view.conflicts,
        view: view.json,
        dirty: false,
      };
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      this.#documents.drop(row);
      return undefined;
    }
  }

  #setAside(row: DocumentRow): DocumentRow {
    let reason = "does not render";
    try {
      this.#documents.open(row).render();
    } catch (error) {
      reason = errorText(error);
      this.#documents.drop(row);
    }
    this.#log.error("document-quarantined", { docId: toHex(row.docId), reason });
    const body = this.#store.readBody(row);
    this.#store.addQuarantine({
      atMs: this.#clock.nowMs(),
      reason,
      fromRegion: undefined,
      lane: undefined,
      seq: undefined,
      docId: row.docId,
      hash: undefined,
      bytes: body?.tail ?? new Uint8Array(),
    });
    return { ...row, quarantined: true };
  }

  /** Replaces base and tail by a new base. */
  #fold(place: DocumentPlace): void {
    this.#group.open();
    try {
      const base = this.#documents.open(place).save();
      this.#store.writeBody(place, { base, tail: new Uint8Array(), tailChanges: 0 });
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      this.#documents.drop(place);
      const row = this.#store.readDocument(place);
      if (row !== undefined) this.#store.writeDocument(this.#setAside(row));
    }
  }
}
