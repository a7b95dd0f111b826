/**
 * What the open transaction does to documents, written once when it commits.
 *
 * Changes of one document come in bursts: a catch-up brings twenty of one profile in a row, and each would
 * read and rewrite the same row, the same view and the same tail. Here they meet the row in memory. Whoever
 * asks for anything but a single row makes the rest be written first, so that nobody sees the difference;
 * a rollback forgets it.
 */
import { assert, copiedBytes, docKeyOf, limits } from "@atoll/core";
import type { DocId, DocKey } from "@atoll/core";
import type { DocumentBody, DocumentPlace, DocumentRow, ShownDocument } from "./store.ts";
import { assertCount, assertDocumentRow, assertPlace } from "./admissible.ts";
import { copyDocument, copyShown } from "./row-copies.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";
import type { SqliteDocuments } from "./sqlite-documents.ts";

interface Known {
  readonly position: number;
  /** Undefined when there is none. */
  row: DocumentRow | undefined;
  /** What is stored, as far as it was read. */
  readonly stored: DocumentRow | undefined;
  chunks: Uint8Array[];
  changes: number;
  isWritten: boolean;
}

export class StagedDocuments {
  readonly #connection: SqliteConnection;
  readonly #documents: SqliteDocuments;
  /** Rows that this transaction has read or written. */
  readonly #known = new Map<DocKey, Known>();
  /** The one that was asked for last, by the very array of its id: it is usually asked for thrice. */
  #last: { readonly docId: DocId; readonly position: number; readonly known: Known } | undefined;

  constructor(connection: SqliteConnection, documents: SqliteDocuments) {
    this.#connection = connection;
    this.#documents = documents;
  }

  read(place: DocumentPlace): DocumentRow | undefined {
    if (!this.#connection.inTransaction) return this.#documents.readDocument(place);
    const { row } = this.#at(place);
    return row && copyDocument(row);
  }

  readShown(place: DocumentPlace): ShownDocument | undefined {
    if (!this.#connection.inTransaction) return this.#documents.readShown(place);
    const { row } = this.#at(place);
    return row && copyShown(row);
  }

  write(row: DocumentRow): void {
    this.#connection.assertWritable();
    assertDocumentRow(row);
    const known = this.#at(row);
    known.row = copyDocument(row);
    known.isWritten = true;
  }

  appendTail(place: DocumentPlace, chunks: Uint8Array, changes: number): void {
    this.#connection.assertWritable();
    assertPlace(place);
    assertCount(changes, "changes");
    const known = this.#at(place);
    assert(known.row !== undefined, "a body needs its document row");
    known.chunks.push(copiedBytes(chunks));
    known.changes += changes;
    known.isWritten = true;
  }

  writeBody(place: DocumentPlace, body: DocumentBody): void {
    this.flush();
    this.#documents.writeBody(place, body);
  }

  /** The table itself, with everything written. */
  all(): SqliteDocuments {
    this.flush();
    return this.#documents;
  }

  /** Writes what is staged into the transaction. */
  flush(): void {
    if (this.#known.size === 0) return;
    const known = [...this.#known.values()];
    this.forget();
    for (const { row, stored, chunks, changes, isWritten } of known) {
      if (!isWritten || row === undefined) continue;
      const tail = chunks.length === 0 ? undefined : { chunks: Buffer.concat(chunks), changes };
      const isViewStored = stored !== undefined && stored.view === row.view;
      this.#documents.write(row, { tail, isViewStored });
    }
  }

  forget(): void {
    this.#last = undefined;
    this.#known.clear();
  }

  #at(place: DocumentPlace): Known {
    const last = this.#last;
    if (last?.docId === place.docId && last.position === place.position) return last.known;
    const known = this.#find(place);
    const { docId, position } = place;
    this.#last = { docId, position, known };
    return known;
  }

  #find(place: DocumentPlace): Known {
    const { position, docId } = place;
    const key = docKeyOf(docId);
    let known = this.#known.get(key);
    if (known?.position === position) return known;
    const isElsewhere = known !== undefined; // a row whose position was damaged, beside its own
    if (isElsewhere || this.#known.size >= limits.GROUP_DOCUMENTS_MAX) this.flush();
    const stored = this.#documents.readDocument(place);
    known = { position, row: stored, stored, chunks: [], changes: 0, isWritten: false };
    this.#known.set(key, known);
    return known;
  }
}
