/**
 * Tables in memory with real rollback.
 *
 * A test double that cannot take a write back lets every bug of half a transaction pass. So each
 * change leaves its own reversal in a journal, and `rollback` runs them newest first: nothing is
 * copied beforehand, and the cost is that of what was changed.
 *
 * Keys are texts whose order as text is the order of the rows (`orderedKey`), so that one kind of
 * table serves point look-ups and range scans alike, as a b-tree does.
 */
import type { Lane } from "@atoll/core";
import { InvariantError, assert } from "@atoll/core";

export class Journal {
  #reversals: (() => void)[] = [];
  #open = false;
  #closed = false;

  get isOpen(): boolean {
    return this.#open;
  }

  begin(): void {
    this.assertUsable();
    assert(!this.#open, "a transaction is open already");
    this.#open = true;
  }

  commit(): void {
    this.assertWritable();
    this.#reversals = [];
    this.#open = false;
  }

  rollback(): void {
    if (!this.#open) return;
    for (const reverse of this.#reversals.reverse()) reverse();
    this.#reversals = [];
    this.#open = false;
  }

  close(): void {
    this.rollback();
    this.#closed = true;
  }

  onRollback(reverse: () => void): void {
    this.assertWritable();
    this.#reversals.push(reverse);
  }

  assertUsable(): void {
    assert(!this.#closed, "the store is closed");
  }

  assertWritable(): void {
    this.assertUsable();
    assert(this.#open, "no transaction is open");
  }
}

/** Rows by key, in order of key. Rows are never changed in place, only replaced. */
export class MemoryTable<Row> {
  readonly #journal: Journal;
  readonly #rowByKey = new Map<string, Row>();
  /** The keys of `#rowByKey`, sorted. */
  readonly #keys: string[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get size(): number {
    this.#journal.assertUsable();
    return this.#rowByKey.size;
  }

  get(key: string): Row | undefined {
    this.#journal.assertUsable();
    return this.#rowByKey.get(key);
  }

  has(key: string): boolean {
    this.#journal.assertUsable();
    return this.#rowByKey.has(key);
  }

  set(key: string, row: Row): void {
    const before = this.#rowByKey.get(key);
    this.#journal.onRollback(() => {
      if (before === undefined) this.#remove(key);
      else this.#put(key, before);
    });
    this.#put(key, row);
  }

  /** False when there was none. */
  delete(key: string): boolean {
    this.#journal.assertWritable();
    const before = this.#rowByKey.get(key);
    if (before === undefined) return false;
    this.#journal.onRollback(() => this.#put(key, before));
    this.#remove(key);
    return true;
  }

  clear(): void {
    this.#journal.assertWritable();
    for (const key of [...this.#keys]) this.delete(key);
  }

  /** The row with the highest key. */
  last(): Row | undefined {
    this.#journal.assertUsable();
    const key = this.#keys.at(-1);
    return key === undefined ? undefined : this.#rowByKey.get(key);
  }

  /** Rows with from ≤ key < to, in order; all when neither is given. */
  *scan(from = "", to?: string): Generator<Row> {
    this.#journal.assertUsable();
    for (let i = this.#indexOf(from); i < this.#keys.length; i++) {
      const key = this.#keys[i] as string;
      if (to !== undefined && key >= to) return;
      yield this.#rowByKey.get(key) as Row;
    }
  }

  #put(key: string, row: Row): void {
    if (!this.#rowByKey.has(key)) this.#keys.splice(this.#indexOf(key), 0, key);
    this.#rowByKey.set(key, row);
  }

  #remove(key: string): void {
    this.#rowByKey.delete(key);
    this.#keys.splice(this.#indexOf(key), 1);
  }

  /** Of the first key at or after this one. */
  #indexOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const NUMBER_DIGITS = 14; // 2^53 in hexadecimal

/** A key whose order as text is that of its parts: numbers by value, bytes as bytes. */
export function orderedKey(...parts: readonly (number | Uint8Array)[]): string {
  let key = "";
  for (const part of parts) {
    if (typeof part === "number") {
      if (!Number.isSafeInteger(part) || part < 0) throw new InvariantError(`no key: ${part}`);
      key += part.toString(16).padStart(NUMBER_DIGITS, "0");
    } else {
      key += Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("hex");
    }
  }
  return key;
}

/** Follows every digit: `key + AFTER` comes right after `key`. */
export const AFTER = "~";

/** Of an entry's place: (shard, origin, seq). */
export function placeKey({ shard, origin }: Lane, seq: number): string {
  return orderedKey(shard, origin, seq);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
