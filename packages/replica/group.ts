/**
 * The open group: what has been staged since the last one ended, and which documents it touches; and those groups
 * that have ended and are on their way to the disk.
 *
 *     open ──▶ leaves ──▶ settles
 *               └─ committed: after a crash of the process it is there
 *
 * A read of a document that was written here a moment ago rests on something that may still be undone and is
 * nowhere else, so it has to know. What came from another region is durable there: a crash here takes it along,
 * and catch-up brings it back before any session that has seen it is served.
 */
import type { DocId, DocKey, Lane, LogEntry } from "@atoll/core";
import { docKeyOf, isPlaceless, must } from "@atoll/core";
import type { Store } from "@atoll/store";

class Staged {
  readonly entries: LogEntry[] = [];
  readonly touched = new Set<DocKey>();
  /** Those of them that were written here. */
  readonly written = new Set<DocKey>();
}

export class Group {
  readonly #store: Store;
  #staged = new Staged();
  /** Oldest first. */
  readonly #leaving: Staged[] = [];
  #opened = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get isOpen(): boolean {
    return this.#store.inTransaction;
  }

  /** Entries staged so far. */
  get size(): number {
    return this.#staged.entries.length;
  }

  /** Groups on their way to the disk. */
  get leaving(): number {
    return this.#leaving.length;
  }

  /** All that was ever staged is durable. */
  get isSettled(): boolean {
    return this.size === 0 && this.#leaving.length === 0;
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
    const { entries, touched, written } = this.#staged;
    const key = docKeyOf(entry.docId);
    entries.push(entry);
    touched.add(key);
    if (isWrittenHere) written.add(key);
  }

  /** Of each entry that the open group holds; not of changes without a place. */
  lanes(): readonly Lane[] {
    return this.#staged.entries.filter((entry) => !isPlaceless(entry));
  }

  /** Something of a document is not durable yet. */
  touches(docId: DocId): boolean {
    return this.#some("touched", docId);
  }

  /** Something that the open group holds is known to nobody else yet. */
  get isWritten(): boolean {
    return this.#staged.written.size > 0;
  }

  /** Something of a document is neither durable here nor known to anybody else. */
  writes(docId: DocId): boolean {
    return this.#some("written", docId);
  }

  /** Ends the open group, whatever became of it; returns what was staged. */
  end(): LogEntry[] {
    const { entries } = this.#staged;
    if (entries.length > 0) this.#staged = new Staged();
    return entries;
  }

  /** Ends the open group, which is committed and not durable yet; returns what was staged. */
  leave(): LogEntry[] {
    this.#leaving.push(this.#staged);
    const { entries } = this.#staged;
    this.#staged = new Staged();
    return entries;
  }

  /** The oldest of those that have left is durable. */
  settle(): void {
    must(this.#leaving.shift(), "a group that has left");
  }

  #some(which: "touched" | "written", docId: DocId): boolean {
    if (this.isSettled) return false;
    const key = docKeyOf(docId);
    return this.#staged[which].has(key) || this.#leaving.some((group) => group[which].has(key));
  }
}
