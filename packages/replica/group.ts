/**
 * The open group: what has been staged since the last flush, and which documents it touches.
 *
 * A read of a document that was written here a moment ago rests on something that may still be undone and is
 * nowhere else, so it has to know. What came from another region is durable there: a crash here takes it along,
 * and catch-up brings it back before any session that has seen it is served.
 */
import type { DocId, DocKey, LogEntry } from "@atoll/core";
import { docKeyOf } from "@atoll/core";
import type { Store } from "@atoll/store";

export class Group {
  readonly #store: Store;
  #staged: LogEntry[] = [];
  #touched = new Set<DocKey>();
  /** Those of them that were written here. */
  #written = new Set<DocKey>();
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

  /** `isWrittenHere`: no other region has it. */
  add(entry: LogEntry, isWrittenHere: boolean): void {
    const key = docKeyOf(entry.docId);
    this.#staged.push(entry);
    this.#touched.add(key);
    if (isWrittenHere) this.#written.add(key);
  }

  touches(docId: DocId): boolean {
    return this.#touched.size > 0 && this.#touched.has(docKeyOf(docId));
  }

  /** Something of it is known to nobody else yet. */
  get isWritten(): boolean {
    return this.#written.size > 0;
  }

  /** Whether what it holds of a document is partly known to nobody else. */
  writes(docId: DocId): boolean {
    return this.#written.size > 0 && this.#written.has(docKeyOf(docId));
  }

  /** Ends the group, whatever became of it; returns what was staged. */
  end(): LogEntry[] {
    const entries = this.#staged;
    this.#staged = [];
    this.#touched.clear();
    this.#written.clear();
    return entries;
  }
}
