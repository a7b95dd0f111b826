/**
 * One fsync for everything that arrived in the same turn.
 *
 *     request ─┐
 *     request ─┼─▶ staged … end of turn ──▶ flush ──▶ answers, pushes
 *     frame   ─┘
 *
 * While an fsync blocks the thread, requests queue in the kernel; the next turn takes them all. So the
 * group grows with the load by itself, and an idle region waits for nobody. What nobody here waits for,
 * as entries from other regions, lets a moment pass since the last fsync: a region that is busy takes them
 * along with a write of its own.
 * What must not be seen before it is durable waits here: answers as promises, effects as closures. If
 * the group fails, every answer fails with the same error and the effects are not performed.
 */
import type { Clock, LogEntry, Timer } from "@atoll/core";
import { AtollError, isAtollError, limits, sometimes } from "@atoll/core";
import type { Replica } from "./replica.ts";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #flushed: (entries: readonly LogEntry[], seconds: number) => void;
  readonly #failed: (error: AtollError) => void;
  #waiters: Waiter[] = [];
  #after: (() => void)[] = [];
  /** It ends with this turn. */
  #isEnding = false;
  /** It ends a moment later. */
  #later: Timer | undefined;
  #endedMs = -Infinity;

  constructor(options: {
    readonly replica: Replica;
    readonly clock: Clock;
    /** The group's entries are durable; what the transaction's end and its fsync took. */
    readonly flushed: (entries: readonly LogEntry[], seconds: number) => void;
    /** Nothing of the group happened. */
    readonly failed: (error: AtollError) => void;
  }) {
    this.#replica = options.replica;
    this.#clock = options.clock;
    this.#flushed = options.flushed;
    this.#failed = options.failed;
  }

  /** Runs something that may stage writes; a store that fails takes the whole group with it. */
  stage<T>(work: () => T): T {
    try {
      const result = work();
      if (this.#replica.group.isOpen) this.#endLater();
      if (this.#replica.group.size >= limits.GROUP_ENTRIES_MAX) this.flush();
      return result;
    } catch (error) {
      const fault = this.#storageFaultOf(error);
      if (fault !== undefined) this.#fail(fault);
      else if (this.#replica.group.isOpen) this.#endLater(); // others' writes are still staged
      throw fault ?? error;
    }
  }

  /** Runs something that commits by itself, with nothing staged around it. */
  apart(work: () => void): void {
    this.flush();
    try {
      work();
    } catch (error) {
      if (isStorageFault(error)) this.#failed(error);
      throw error;
    }
  }

  /** Settles when everything staged so far is durable. */
  durable(): Promise<void> {
    if (!this.#replica.group.isOpen) return Promise.resolve();
    this.#endSoon();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Runs at once, or once everything staged so far is durable. Not at all if that fails. */
  afterwards(run: () => void): void {
    if (!this.#replica.group.isOpen) return run();
    this.#after.push(run);
    this.#endLater(); // it may have been opened by whoever is about to send
  }

  flush(): void {
    if (!this.#replica.group.isOpen) return;
    if (this.#replica.store.isTransactionLost) return this.#fail(diskFailed());
    const startedMs = this.#clock.monotonicMs();
    let entries: LogEntry[];
    try {
      entries = this.#replica.flush();
    } catch (error) {
      if (!isStorageFault(error)) throw error;
      this.#fail(error);
      return;
    }
    this.#forgetLater();
    this.#endedMs = this.#clock.monotonicMs();
    const seconds = (this.#endedMs - startedMs) / 1_000;
    const waiters = this.#waiters;
    const after = this.#after;
    this.#waiters = [];
    this.#after = [];
    for (const run of after) run();
    this.#flushed(entries, seconds);
    for (const waiter of waiters) waiter.resolve();
  }

  #endSoon(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#clock.afterTurn(() => {
      this.#isEnding = false;
      this.flush();
    });
  }

  #endLater(): void {
    if (this.#isEnding || this.#later !== undefined) return;
    const waitMs = this.#endedMs + limits.GROUP_PAUSE_MS - this.#clock.monotonicMs();
    if (waitMs <= 0) return this.#endSoon();
    this.#later = this.#clock.after(waitMs, () => {
      this.#later = undefined;
      this.flush();
    });
  }

  #forgetLater(): void {
    this.#later?.cancel();
    this.#later = undefined;
  }

  /** What failed the group, if it was the disk; whoever writes on a lost transaction meets an invariant. */
  #storageFaultOf(error: unknown): AtollError | undefined {
    if (isStorageFault(error)) return error;
    return this.#replica.store.isTransactionLost ? diskFailed(error) : undefined;
  }

  #fail(error: AtollError): void {
    sometimes("group failed and was undone");
    this.#forgetLater();
    this.#replica.abandon();
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#after = [];
    for (const waiter of waiters) waiter.reject(error);
    this.#failed(error);
  }
}

/**
 * Background work sees to its own failures, and the disk may have taken the open transaction along: nothing
 * that was staged beside it can be committed.
 */
function diskFailed(cause?: unknown): AtollError {
  const detail = "the disk failed while writes were staged";
  return new AtollError("storage-failed", detail, { mend: "look at the disk" }, cause);
}

/** What the disk does to us, as against what we do wrong. */
export function isStorageFault(error: unknown): error is AtollError {
  return isAtollError(error) && (error.code === "storage-full" || error.code === "storage-failed");
}
