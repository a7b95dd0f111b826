/**
 * The store as one process gets it: the real one, with somebody standing in the door.
 *
 *     replica ──▶ sabotage (planted bugs) ──▶ faults and record ──▶ SQLite
 *
 * What upkeep asks forty times a second is answered from memory while nothing is written: time that passes idly
 * should cost nothing. Faults come where a disk has them: at a commit, which fails, or which the process does not
 * survive, and between a commit and its sync, which takes its time. What is durable, and only that, is recorded, so
 * that the simulator knows at every moment what this disk has promised to keep.
 */
import type { ChangeHash, Lane, LogEntry, Random } from "@atoll/core";
import { AtollError, InvariantError, toHex } from "@atoll/core";
import type { Store, WalPosition } from "@atoll/store";

/** The process died here. Nobody may catch it but the world. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied";
}

export type StoreHooks = { readonly [K in keyof Store]?: Store[K] };

export interface DoorEvents {
  /** A transaction is on the disk for good: entries that it put into the log and places that it freed. */
  durable(entries: readonly LogEntry[], removed: readonly ChangeHash[]): void;
  /** A commit during which the process is to die; `isDone`: the transaction is on the disk. */
  died(when: CommitCrash): void;
  /** The disk has been told to sync: runs after the time that it takes. */
  syncing(done: () => void): void;
  /** Where the log ends now. */
  walPosition(): WalPosition;
}

/** A commit that a power cut may undo. */
interface Unsynced {
  /** Where the log ended before it. */
  readonly from: WalPosition;
  readonly entries: readonly LogEntry[];
  readonly removed: readonly ChangeHash[];
  readonly durable: () => void;
}

export type CommitCrash = "before-commit" | "after-commit" | "torn-commit";

export interface DiskFault {
  readonly how: "full" | "busy" | "error";
  readonly rate: number;
}

export class StoreDoor {
  readonly store: Store;
  readonly #real: Store;
  readonly #events: DoorEvents;
  readonly #random: Random;
  #staged: LogEntry[] = [];
  #removed: ChangeHash[] = [];
  #isLost = false;
  /** Oldest first. */
  #unsynced: Unsynced[] = [];
  #isSyncing = false;
  /** The next commit is the last. */
  crashAt: CommitCrash | undefined;
  fault: DiskFault | undefined;

  constructor(real: Store, events: DoorEvents, random: Random) {
    this.#real = real;
    this.#events = events;
    this.#random = random;
    const isLost = (): boolean => this.#isLost;
    this.store = withHooks(real, {
      get isTransactionLost() {
        return isLost();
      },
      commit: () => {
        this.#commitSoon(() => undefined);
        this.#settle(this.#unsynced.length);
      },
      commitSoon: (durable) => {
        this.#commitSoon(durable);
        this.#sync();
        return false;
      },
      sync: () => this.#settle(this.#unsynced.length),
      rollback: () => this.#rollback(),
      appendLog: (entry, element64) => {
        this.#assertNotLost();
        real.appendLog(entry, element64);
        this.#staged.push(entry);
      },
      removeLogEntry: (lane, seq) => this.#remove(lane, seq),
      // Its own thread and connection: nothing that a simulation can order.
      scrub: withHooks(real.scrub, { checkFile: () => Promise.resolve([]) }),
    });
  }

  /** A power cut keeps all that lies before this, and of the rest some; undefined: there is no rest. */
  get unsyncedFrom(): WalPosition | undefined {
    return this.#unsynced[0]?.from;
  }

  #commitSoon(durable: () => void): void {
    this.#assertNotLost();
    const { crashAt, fault } = this;
    if (crashAt === "before-commit") this.#die(crashAt);
    if (fault !== undefined && this.#random.float() < fault.rate) {
      this.#isLost = true;
      throw failure(fault.how);
    }
    const from = this.#events.walPosition();
    this.#real.commit();
    if (crashAt !== undefined) this.#die(crashAt);
    this.#unsynced.push({ from, entries: this.#staged, removed: this.#removed, durable });
    this.#staged = [];
    this.#removed = [];
  }

  #sync(): void {
    if (this.#isSyncing || this.#unsynced.length === 0) return;
    this.#isSyncing = true;
    const newest = this.#unsynced.at(-1);
    this.#events.syncing(() => {
      this.#isSyncing = false;
      // What was committed meanwhile is for the next sync; somebody else may have waited for all of it.
      this.#settle(newest === undefined ? 0 : this.#unsynced.indexOf(newest) + 1);
      this.#sync();
    });
  }

  #settle(commits: number): void {
    for (const { entries, removed, durable } of this.#unsynced.splice(0, commits)) {
      this.#events.durable(entries, removed);
      durable();
    }
  }

  #rollback(): void {
    this.#isLost = false;
    this.#staged = [];
    this.#removed = [];
    this.#real.rollback();
  }

  #remove(lane: Lane, seq: number): boolean {
    this.#assertNotLost();
    const [entry] = this.#real.readLog(lane, { lo: seq, hi: seq }, 0);
    if (entry !== undefined) {
      const name = toHex(entry.hash);
      const wasStaged = this.#staged.some(({ hash }) => toHex(hash) === name);
      this.#staged = this.#staged.filter(({ hash }) => toHex(hash) !== name);
      if (!wasStaged) this.#removed.push(entry.hash);
    }
    return this.#real.removeLogEntry(lane, seq);
  }

  #die(when: CommitCrash): never {
    this.crashAt = undefined;
    this.#events.died(when);
    throw new ProcessDied(when);
  }

  #assertNotLost(): void {
    if (this.#isLost) throw new InvariantError("the transaction is lost and must be rolled back");
  }
}

function failure(how: DiskFault["how"]): AtollError {
  if (how === "full") return new AtollError("storage-full", "the simulated disk is full");
  const detail = how === "busy" ? "the simulated file is locked" : "the simulated disk fails";
  return new AtollError("storage-failed", detail);
}

/** The same object with some of its methods replaced. Private fields stay where they are. */
export function withHooks<T extends object>(real: T, hooks: Partial<T>): T {
  const wrapped: Record<string, unknown> = {};
  const source = real as Record<string, unknown>;
  for (const name of memberNames(real)) {
    const value = source[name];
    if (typeof value === "function") {
      wrapped[name] = (value as (...values: unknown[]) => unknown).bind(real);
    } else {
      Object.defineProperty(wrapped, name, { get: () => source[name], configurable: true });
    }
  }
  Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(hooks));
  return wrapped as T;
}

function memberNames(object: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = object; at !== null && at !== Object.prototype;) {
    for (const name of Object.getOwnPropertyNames(at)) if (name !== "constructor") names.add(name);
    at = Object.getPrototypeOf(at) as object | null;
  }
  return [...names];
}
