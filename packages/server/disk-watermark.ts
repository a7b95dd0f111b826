/**
 * Room on the disk that clients do not get: the last of it is for replication.
 *
 * A disk that is full stops writes from everywhere, also those that other regions have acknowledged and
 * that this one owes them. So clients are refused while there is still room, with the same problem as
 * on a full disk, and what comes from other regions goes on. Writes come back by themselves, a little
 * above the mark, so that they do not flicker.
 */
import { statfsSync } from "node:fs";
import { AtollError, limits } from "@atoll/core";
import type { Clock } from "@atoll/core";

export interface DiskWatermarkOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Free bytes where the directory lies; the system is asked when left away. */
  readonly freeBytes?: () => number;
}

export class DiskWatermark {
  readonly #options: DiskWatermarkOptions;
  #lookedMs = -Infinity;
  #freeBytes = Infinity;
  #isLow = false;

  constructor(options: DiskWatermarkOptions) {
    this.#options = options;
  }

  /** As of the last few seconds. */
  freeBytes(): number {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#lookedMs < limits.DISK_CHECK_MS) return this.#freeBytes;
    this.#lookedMs = nowMs;
    this.#freeBytes = this.#look();
    const mark = this.#isLow ? limits.DISK_RESUME_BYTES : limits.DISK_RESERVE_BYTES;
    this.#isLow = this.#freeBytes < mark;
    return this.#freeBytes;
  }

  /** What to answer a client's write with; undefined when there is room. */
  refusal(): AtollError | undefined {
    this.freeBytes();
    if (!this.#isLow) return undefined;
    return new AtollError(
      "storage-full",
      "this region's disk is nearly full; what is left is kept for replication",
      { retryAfterSeconds: limits.DISK_CHECK_MS / 1_000 },
    );
  }

  #look(): number {
    const { directory, freeBytes } = this.#options;
    if (freeBytes !== undefined) return freeBytes();
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  }
}
