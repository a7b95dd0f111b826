/**
 * When the write-ahead log is copied into the database file, and by whom.
 *
 *     commits ──▶ CHECKPOINT_PAGES ──▶ the thread copies, again while much is left ──▶ the rest, here ──▶ the log begins anew
 *
 * SQLite would do it inside of a commit: some thirty milliseconds, twice a second in a busy region, in which
 * nobody is served. A thread does it beside the commits. But the log can only begin anew when all of it has been copied, and
 * while writes go on there is always something left; so the last few pages are copied here.
 */
import { Worker } from "node:worker_threads";
import { limits } from "@atoll/core";
import type { CheckpointPlan } from "./checkpoint-thread.ts";
import { CHECKPOINT_STATES } from "./checkpoint-thread.ts";
import { WalIndex } from "./wal-index.ts";

export class Checkpointer {
  readonly #path: string;
  readonly #checkpoint: () => void;
  readonly #index: WalIndex;
  readonly #state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #thread: Worker | undefined;
  #isWorking = false;
  /** There is no thread to be had: all is copied here. */
  #isAlone = false;
  /** How many frames the log has when the next one is due. */
  #dueFrames = limits.CHECKPOINT_PAGES;
  #passes = 0;

  /** `checkpoint`: copies what it can on the connection of whoever commits. */
  constructor(path: string, checkpoint: () => void) {
    this.#path = path;
    this.#checkpoint = checkpoint;
    this.#index = new WalIndex(path);
  }

  /** To be called after each commit. */
  committed(): void {
    const { frames, backfilled } = this.#index.read();
    if (frames <= limits.CHECKPOINT_PAGES) this.#dueFrames = limits.CHECKPOINT_PAGES; // anew
    if (frames < this.#dueFrames) return;
    if (this.#isAlone || frames - backfilled >= limits.CHECKPOINT_PAGES_LATE) this.#finish();
    else if (!this.#isWorking) this.#ask();
  }

  /** Waits for a copy under way, so that whoever opens the file next meets nobody. */
  close(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#index.close();
    if (thread === undefined) return;
    thread.removeAllListeners("message");
    thread.postMessage("end");
    this.#await(CHECKPOINT_STATES.working);
    this.#await(CHECKPOINT_STATES.resting);
  }

  #await(state: number): void {
    Atomics.wait(this.#state, 0, state, limits.CHECKPOINT_END_MS_MAX);
  }

  #ask(): void {
    this.#isWorking = true;
    this.#passes++;
    Atomics.store(this.#state, 0, CHECKPOINT_STATES.working);
    (this.#thread ??= this.#start()).postMessage("checkpoint");
  }

  #start(): Worker {
    const plan: CheckpointPlan = { path: this.#path, state: this.#state };
    const thread = new Worker(new URL("./checkpoint-thread.ts", import.meta.url), {
      workerData: plan,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
    });
    thread.unref();
    thread.on("message", () => this.#copied());
    thread.on("error", () => {
      Atomics.store(this.#state, 0, CHECKPOINT_STATES.ended);
      this.#thread = undefined;
      this.#isWorking = false;
      this.#isAlone = true;
    });
    return thread;
  }

  #copied(): void {
    this.#isWorking = false;
    const { frames, backfilled } = this.#index.read();
    const left = frames - backfilled;
    if (left <= limits.CHECKPOINT_REST_PAGES) return this.#finish();
    if (this.#passes < limits.CHECKPOINT_PASSES) return this.#ask();
    // Somebody reads from long ago, or writes come as fast as they are copied.
    this.#passes = 0;
    this.#dueFrames = frames + limits.CHECKPOINT_PAGES;
  }

  #finish(): void {
    this.#passes = 0;
    this.#checkpoint();
    this.#dueFrames = this.#index.read().frames + limits.CHECKPOINT_PAGES; // unless it begins anew
  }
}
