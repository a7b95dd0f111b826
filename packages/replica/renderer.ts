/**
 * Views: made when a document has changed, and never while somebody only reads.
 *
 * A change from elsewhere marks the view dirty; it is rendered again in the background or by the first
 * read. A document that does not open is tried once more from the store, then rebuilt without the changes
 * at fault. When not even that helps it is set aside: it keeps its last good view, and no other document
 * notices.
 */
import type { DocId, DocKey, LogEntry } from "@atoll/core";
import { CANARY_TENANT, docKeyOf, errorText, limits, sometimes } from "@atoll/core";
import { DocumentError } from "@atoll/profile";
import type { DocumentPlace, DocumentRow, ShownDocument, Store } from "@atoll/store";
import type { ConflictCount } from "./conflict-count.ts";
import type { DocumentCache } from "./document-cache.ts";
import type { Group } from "./group.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Restorer } from "./restorer.ts";
import type { SchemaJudge } from "./schema-judge.ts";
import { isShowable } from "./snapshot.ts";
import type { Tails } from "./tails.ts";

export class Renderer {
  readonly #store: Store;
  readonly #documents: DocumentCache;
  readonly #group: Group;
  readonly #restorer: Restorer;
  readonly #quarantine: Quarantine;
  readonly #schema: SchemaJudge;
  readonly #conflicts: ConflictCount;
  readonly #tails: Tails;
  readonly #placeOf: (docId: DocId) => DocumentPlace;

  constructor(options: {
    readonly store: Store;
    readonly documents: DocumentCache;
    readonly group: Group;
    readonly restorer: Restorer;
    readonly quarantine: Quarantine;
    readonly schema: SchemaJudge;
    readonly conflicts: ConflictCount;
    readonly tails: Tails;
    readonly placeOf: (docId: DocId) => DocumentPlace;
  }) {
    this.#store = options.store;
    this.#documents = options.documents;
    this.#group = options.group;
    this.#restorer = options.restorer;
    this.#quarantine = options.quarantine;
    this.#schema = options.schema;
    this.#conflicts = options.conflicts;
    this.#tails = options.tails;
    this.#placeOf = options.placeOf;
  }

  /**
   * The document's row, with a view that is as new as its changes unless it had to be set aside. One that
   * is clean and has none lost it with its body: a profile that is there must not be taken for absent.
   */
  clean(place: DocumentPlace): DocumentRow | undefined {
    const row = this.#store.readDocument(place);
    return row === undefined || isShowable(row) ? row : this.#render(row);
  }

  /** The same for whoever only reads. */
  shown(place: DocumentPlace): ShownDocument | undefined {
    const shown = this.#store.readShown(place);
    return shown === undefined || isShowable(shown) ? shown : this.clean(place);
  }

  /**
   * What has just come for documents that are open: shown in the transaction that brought it, which saves
   * another with an fsync of its own a moment later. Bounded: what is left is rendered like any other.
   */
  follow(entries: readonly LogEntry[]): void {
    if (this.#documents.size === 0) return;
    const seen = new Set<DocKey>();
    for (const { docId } of entries) {
      if (seen.size >= limits.UPKEEP_DOCUMENTS_MAX) return;
      const place = this.#placeOf(docId);
      if (seen.has(docKeyOf(docId)) || !this.#documents.isOpen(place)) continue;
      seen.add(docKeyOf(docId));
      this.clean(place);
    }
  }

  /** Background work: some dirty views, or when there are none, some tails. */
  upkeep(): void {
    const dirty = this.#store.dirtyDocuments(limits.UPKEEP_DOCUMENTS_MAX);
    for (const place of dirty) this.clean(place);
    if (dirty.length > 0) return;
    for (const place of this.#tails.toFold()) this.#fold(place);
  }

  #render(row: DocumentRow): DocumentRow {
    this.#group.open();
    const rendered = this.#attempt(row) ?? this.#attempt(row);
    if (rendered === undefined) return this.#restorer.rebuild(row) ?? this.#setAside(row);
    this.#store.writeDocument(rendered);
    return rendered;
  }

  /** Tries a document that was set aside once more. Undefined when there is none; needs no open group. */
  retry(place: DocumentPlace): DocumentRow | undefined {
    this.#group.open();
    this.#documents.drop(place);
    const row = this.#store.readDocument(place);
    if (row === undefined) return undefined;
    const rendered = this.#attempt(row);
    if (rendered === undefined) return this.#restorer.rebuild(row) ?? row;
    const released = { ...rendered, quarantined: false };
    this.#store.writeDocument(released);
    this.#quarantine.releaseDocument(place.docId);
    return released;
  }

  #attempt(row: DocumentRow): DocumentRow | undefined {
    try {
      const view = this.#documents.openProven(row).render();
      if (!view.deleted && view.tenant !== CANARY_TENANT) this.#schema.note(view.json);
      this.#conflicts.note(row.conflicts, view.conflicts);
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
      this.#documents.openProven(row).render();
    } catch (error) {
      reason = errorText(error);
      this.#documents.drop(row);
    }
    const tail = this.#store.readBody(row)?.tail ?? new Uint8Array();
    this.#quarantine.addDocument(row.docId, reason, tail);
    const refused = { ...row, quarantined: true };
    this.#store.writeDocument(refused);
    return refused;
  }

  /** Replaces base and tail by a new base. A document that nobody had open is not kept for it. */
  #fold(place: DocumentPlace): void {
    sometimes("document tail folded");
    this.#group.open();
    const wasOpen = this.#documents.isOpen(place);
    try {
      const base = this.#documents.open(place).save();
      this.#store.writeBody(place, { base, tail: new Uint8Array(), tailChanges: 0 });
      if (!wasOpen) this.#documents.drop(place);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      this.#documents.drop(place);
      const row = this.#store.readDocument(place);
      if (row !== undefined && this.#restorer.rebuild(row) === undefined) this.#setAside(row);
    }
  }
}
