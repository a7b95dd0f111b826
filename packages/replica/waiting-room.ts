/**
 * Entries that are sound and wait for a change they build on, and what they wait for.
 *
 * The entries lie in the store; here is only their number and the names they wait for, so that a change
 * that nobody waits for, which is nearly every one, costs one look-up and no query. The entry itself is
 * held, so its place in the log is not asked for again: what is missing is its parent, in some lane of
 * the same shard, and every lane with a gap is asked for anyway. Bounded by `PENDING_ENTRIES_MAX`; an
 * entry that finds no room is not kept and is asked for again a little later.
 */
import type { ChangeHash, Clock, DocId, Lane, LogEntry } from "@atoll/core";
import { changeKeyOf, limits, sometimes } from "@atoll/core";
import type { PendingEntry, Store } from "@atoll/store";
import type { Ledger } from "./ledger.ts";

export class WaitingRoom {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  /** How many entries wait for a change, by its name. */
  #countByParent = new Map<string, number>();
  #size = 0;

  constructor(store: Store, ledger: Ledger, clock: Clock) {
    this.#store = store;
    this.#ledger = ledger;
    this.#clock = clock;
    this.reload();
  }

  /** Entries that wait. */
  get size(): number {
    return this.#size;
  }

  /** Forgets everything that is not committed. */
  reload(): void {
    this.#countByParent = new Map();
    this.#size = 0;
    this.#ledger.clearWaiting();
    for (const docId of this.#store.pendingDocuments()) {
      for (const pending of this.#store.pendingOf(docId)) this.#count(pending);
    }
  }

  add(entry: LogEntry, missing: ChangeHash): void {
    this.drop(entry);
    if (this.#size >= limits.PENDING_ENTRIES_MAX) {
      this.#ledger.setAside(entry, this.#clock.monotonicMs() + limits.NEED_TIMEOUT_MS);
      return;
    }
    sometimes("entry waits for a parent");
    this.#store.addPending({ entry, missing });
    this.#count({ entry, missing });
  }

  /** What waits at a place of this lane up to here is in its document already. */
  adopted(lane: Lane, upTo: number): void {
    if (this.#size === 0) return;
    for (const docId of this.#store.pendingDocuments()) {
      for (const pending of this.of(docId)) {
        const { shard, origin, seq } = pending.entry;
        if (shard === lane.shard && origin === lane.origin && seq <= upTo) this.remove(pending);
      }
    }
  }

  /** True when some entry waits for this change. */
  awaits(change: ChangeHash): boolean {
    return this.#size > 0 && this.#countByParent.has(changeKeyOf(change));
  }

  of(docId: DocId): PendingEntry[] {
    return this.#store.pendingOf(docId);
  }

  /** Its place may be asked for again, unless it is held by now. */
  remove({ entry, missing }: PendingEntry): void {
    this.#store.removePending(entry, entry.seq);
    this.#ledger.clearAside(entry);
    this.#size--;
    const parent = changeKeyOf(missing);
    const count = (this.#countByParent.get(parent) ?? 1) - 1;
    if (count === 0) this.#countByParent.delete(parent);
    else this.#countByParent.set(parent, count);
  }

  /** Whatever waits at the place of this entry waits no more. */
  drop(entry: LogEntry): void {
    if (!this.#store.hasPending(entry, entry.seq)) return;
    const isSamePlace = ({ entry: other }: PendingEntry): boolean =>
      other.shard === entry.shard && other.origin === entry.origin && other.seq === entry.seq;
    const before = this.of(entry.docId).find(isSamePlace);
    if (before !== undefined) return this.remove(before);
    // Two entries claim one place: of the other's parent one too many is counted, which costs a look.
    this.#store.removePending(entry, entry.seq);
    this.#size--;
  }

  #count({ entry, missing }: PendingEntry): void {
    const parent = changeKeyOf(missing);
    this.#countByParent.set(parent, (this.#countByParent.get(parent) ?? 0) + 1);
    this.#size++;
    this.#ledger.setAside(entry, Infinity);
  }
}
