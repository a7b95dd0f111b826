/**
 * Makes the write-ahead log durable beside the thread that writes it.
 *
 *     COMMIT ─▶ frames in the log ─▶ fdatasync on a thread of libuv's ─▶ durable()
 *                 └─ what is committed meanwhile shares the next one
 *
 * SQLite itself would wait inside of COMMIT (`synchronous=FULL`), and with it everybody who reads. With NORMAL it
 * syncs the log only where order hangs on it: its header when it begins anew, and all of it before a checkpoint. What
 * lies between is ours. Frames are chained by checksums, so that recovery after a power cut keeps a prefix of the commits,
 * and each commit that was ever called durable is in it. See https://sqlite.org/wal.html#performance_considerations.
 *
 * An fdatasync that fails is the end of the process: the kernel may have dropped the pages, and call the next one
 * a success.
 */
import { close, closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs";
import { InvariantError, assert } from "@atoll/core";

type Durable = () => void;

export class WalSync {
  readonly #path: string;
  #file: number | undefined;
  /** Whose commits the sync under way covers; undefined while there is none. */
  #running: Durable[] | undefined;
  #waiting: Durable[] = [];
  #isClosed = false;

  /** `path`: of the log. It need not be there before the first commit. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Returns when everything that somebody has committed is on the disk. */
  static once(path: string): void {
    const log = new WalSync(path);
    try {
      log.now();
    } finally {
      log.close();
    }
  }

  /** `durable` is called, after all that came before it, once what has been committed is on the disk. */
  soon(durable: Durable): void {
    assert(!this.#isClosed, "the log is closed");
    this.#waiting.push(durable);
    if (this.#running === undefined) this.#start();
  }

  /** Returns when everything that has been committed is on the disk; whoever waited for it has been called. */
  now(): void {
    assert(!this.#isClosed, "the log is closed");
    try {
      fdatasyncSync(this.#open());
    } catch (error) {
      throw unconfirmed(this.#path, error);
    }
    this.#call();
  }

  /** What is not durable by now is not called any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#file !== undefined && this.#running === undefined) closeSync(this.#file);
  }

  #start(): void {
    const running = this.#waiting;
    this.#waiting = [];
    this.#running = running;
    const file = this.#open();
    fdatasync(file, (error) => {
      this.#running = undefined;
      if (this.#isClosed) return close(file);
      if (error !== null) throw unconfirmed(this.#path, error);
      const isNext = this.#waiting.length > 0;
      // First, so that the disk does not wait for what is done with the news.
      if (isNext) this.#start();
      for (const durable of running.splice(0)) durable();
    });
  }

  #call(): void {
    const durable = [...(this.#running?.splice(0) ?? []), ...this.#waiting.splice(0)];
    for (const call of durable) call();
  }

  #open(): number {
    return (this.#file ??= openSync(this.#path, "r+"));
  }
}

/** No `AtollError`: nobody may go on after this, so nobody may catch it. */
export function unconfirmed(path: string, cause: unknown): InvariantError {
  const message = `${path}: the disk did not confirm a commit; what it holds is unknown`;
  return new InvariantError(message, { cause });
}
