/**
 * The open group: what has been staged since the last flush, and which documents it touches.
 *
 * A read of a touched document rests on something that may still be undone, so it has to know.
 */
import type { DocId, DocKey, LogEntry } from "@atoll/core";
import { docKeyOf } from "@atoll/core";
import type { Store } from "@atoll/store";

export class Group {
  readonly #store: Store;
  #staged: LogEntry[] = [];
  #touched = new Set<DocKey>();
  #opened = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get isOpen(): boolean {
    return this.#store.inTransaction;
  }

  /** Entries staged so far. */
  get size(): number {
    return this.#staged.length;
  }

  /** Opens the transaction if it is not open. */
  open(): void {
    if (this.isOpen) return;
    this.#store.begin();
    this.#opened++;
  }

  /** How many there have been: as long as this stands still, so does the store. */
  get opened(): number {
    return this.#opened;
  }

  add(entry: LogEntry): void {
    this.#staged.push(entry);
    this.#touched.add(docKeyOf(entry.docId));
  }

  touches(docId: DocId): boolean {
    return this.#touched.size > 0 && this.#touched.has(docKeyOf(docId));
  }

  /** Ends the group, whatever became of it; returns what was staged. */
  end(): LogEntry[] {
    const entries = this.#staged;
    this.#staged = [];
    this.#touched.clear();
    return entries;
  }
}
