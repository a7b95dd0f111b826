/**
 * One commit and one fsync for everything that arrived in the same turn, and the fsync beside what comes next.
 *
 *     request ─┐
 *     request ─┼─▶ staged … end of turn ──▶ commit ──▶ fsync, beside ──▶ answers, frames
 *     frame   ─┘                              └─ the next group is staged meanwhile
 *
 * While one group is on its way to the disk the next is staged, and ends when the disk is free again. So a group
 * grows with the load by itself, and an idle region waits for nobody. What nobody here waits for, as entries
 * from other regions, lets a moment pass since the last group: a region that is busy takes them along with a write
 * of its own.
 * What must not be seen before it is durable waits here: answers as promises, effects as closures. If
 * a group fails, every answer of it fails with the same error and its effects are not performed.
 */
import type { Clock, LogEntry, Timer } from "@atoll/core";
import { AtollError, isAtollError, limits, must, sometimes } from "@atoll/core";
import type { Replica } from "./replica.ts";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What is to be done when a group is durable; `seconds`: what its commit and its fsync took. */
type Settled = (seconds: number) => void;

/** What waits for a group. */
class Waiting {
  readonly waiters: Waiter[] = [];
  readonly after: (() => void)[] = [];
  /** When its commit began. */
  startedMs = 0;
  settled: Settled = () => undefined;
}

export class GroupCommit {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #committed: (entries: readonly LogEntry[]) => Settled;
  readonly #failed: (error: AtollError) => void;
  /** For the open group. */
  #waiting = new Waiting();
  /** Oldest first. */
  readonly #leaving: Waiting[] = [];
  /** It ends with this turn. */
  #isEnding = false;
  /** It ends as soon as the disk is free. */
  #isDue = false;
  /** It ends a moment later. */
  #later: Timer | undefined;
  #endedMs = -Infinity;

  constructor(options: {
    readonly replica: Replica;
    readonly clock: Clock;
    /** A group has its place in the log, and nobody may be told before it is durable: what is to be done then. */
    readonly committed: (entries: readonly LogEntry[]) => Settled;
    /** Nothing of the open group happened. */
    readonly failed: (error: AtollError) => void;
  }) {
    this.#replica = options.replica;
    this.#clock = options.clock;
    this.#committed = options.committed;
    this.#failed = options.failed;
  }

  /** Runs something that may stage writes; a store that fails takes the whole group with it. */
  stage<T>(work: () => T): T {
    try {
      const result = work();
      if (this.#replica.group.isOpen) this.#endLater();
      if (this.#replica.group.size >= limits.GROUP_ENTRIES_MAX) this.end();
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
    const { isOpen } = this.#replica.group;
    const waiting = this.#newest();
    if (waiting === undefined) return Promise.resolve();
    if (isOpen) this.#endSoon();
    return new Promise((resolve, reject) => waiting.waiters.push({ resolve, reject }));
  }

  /** Runs at once, or once everything staged so far is durable. Not at all if that fails. */
  afterwards(run: () => void): void {
    const waiting = this.#newest();
    if (waiting === undefined) return run();
    waiting.after.push(run);
    if (this.#replica.group.isOpen) this.#endLater(); // it may have been opened by whoever is about to send
  }

  /** Ends the open group; the disk is not waited for. */
  end(): void {
    if (!this.#replica.group.isOpen) return;
    if (this.#replica.store.isTransactionLost) return this.#fail(diskFailed());
    const startedMs = this.#clock.monotonicMs();
    let ended: ReturnType<Replica["end"]>;
    try {
      ended = this.#replica.end(() => this.#settle());
    } catch (error) {
      if (!isStorageFault(error)) throw error;
      this.#fail(error);
      return;
    }
    this.#endedMs = this.#clock.monotonicMs();
    const leaving = this.#renew();
    leaving.startedMs = startedMs;
    this.#leaving.push(leaving);
    leaving.settled = this.#committed(ended.entries); // what it sends waits behind what was said before
    if (ended.isDurable) this.#settle();
    else if (this.#leaving.length >= limits.GROUPS_LEAVING_MAX) this.#replica.store.sync();
  }

  /** Makes everything staged so far durable before it returns. */
  flush(): void {
    this.end();
    if (this.#leaving.length > 0) this.#replica.store.sync();
  }

  /** The oldest of those that have left is durable. */
  #settle(): void {
    const { after, settled, startedMs, waiters } = must(this.#leaving.shift(), "a group");
    for (const run of after) run();
    settled((this.#clock.monotonicMs() - startedMs) / 1_000);
    for (const waiter of waiters) waiter.resolve();
    if (this.#isDue) this.#endWhenFree();
  }

  /** Where to wait for all that is staged; undefined when it is durable. */
  #newest(): Waiting | undefined {
    return this.#replica.group.isOpen ? this.#waiting : this.#leaving.at(-1);
  }

  #endSoon(): void {
    if (this.#isEnding || this.#isDue) return;
    this.#isEnding = true;
    this.#clock.afterTurn(() => {
      this.#isEnding = false;
      this.#endWhenFree();
    });
  }

  #endLater(): void {
    if (this.#isEnding || this.#isDue || this.#later !== undefined) return;
    const waitMs = this.#endedMs + limits.GROUP_PAUSE_MS - this.#clock.monotonicMs();
    if (waitMs <= 0) return this.#endSoon();
    this.#later = this.#clock.after(waitMs, () => {
      this.#later = undefined;
      this.#endWhenFree();
    });
  }

  #endWhenFree(): void {
    this.#isDue = this.#leaving.length > 0;
    if (this.#isDue) sometimes("group waits for the disk");
    else this.end();
  }

  /** Nobody waits for the open group any more, nor has it to end. */
  #renew(): Waiting {
    this.#later?.cancel();
    this.#later = undefined;
    this.#isDue = false;
    const waiting = this.#waiting;
    this.#waiting = new Waiting();
    return waiting;
  }

  /** What failed the group, if it was the disk; whoever writes on a lost transaction meets an invariant. */
  #storageFaultOf(error: unknown): AtollError | undefined {
    if (isStorageFault(error)) return error;
    return this.#replica.store.isTransactionLost ? diskFailed(error) : undefined;
  }

  #fail(error: AtollError): void {
    sometimes("group failed and was undone");
    this.#replica.abandon();
    for (const waiter of this.#renew().waiters) waiter.reject(error);
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
