/**
 * The walk that looks for damage nobody has read yet, and mends it.
 *
 *     for each shard:   log rows ─▶ documents ─▶ buckets
 *     at the end:       pending, quarantine ─▶ frontier, buckets and identity as stored
 *     beside it, when asked to verify:   the engine's own check of the file
 *
 * A pass is one generator, resumed for a few milliseconds at a time: in the background so that a full pass
 * takes about a week, on request as fast as requests leave room. Between two turns the store may change in
 * any way; nothing is carried over but keys, and what the log said of the shard that is being walked,
 * which only grows. The position is not kept across restarts: a pass begins anew, and the place where it
 * begins would be one more thing to be damaged.
 */
import type { Clock, Log, Timer } from "@atoll/core";
import { errorText, isAtollError, limits } from "@atoll/core";
import type { Replica } from "./replica.ts";
import { scrubDocuments } from "./scrub-documents.ts";
import type { ScrubFault } from "./scrub-job.ts";
import { ScrubJob } from "./scrub-job.ts";
import { scrubLog } from "./scrub-log.ts";
import { scrubAside, scrubBuckets, scrubStanding } from "./scrub-standing.ts";

/** What `GET /admin/v1/verify` tells. Times are RFC 3339. */
export interface VerifyReport {
  readonly state: "never" | "running" | "done" | "failed";
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly progress: {
    readonly entriesDone: number;
    readonly entriesTotal: number;
    readonly documentsDone: number;
    readonly documentsTotal: number;
  };
  readonly faults: {
    readonly found: number;
    /** Set right here, or opened as gaps that catch-up fills. */
    readonly repaired: number;
    readonly listed: readonly ScrubFault[];
  };
}

interface Pass {
  readonly job: ScrubJob;
  readonly steps: Generator<number>;
  readonly isVerify: boolean;
  readonly startedAtMs: number;
}

export interface ScrubRooms {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs what may write, as part of a group. */
  readonly stage: (work: () => void) => void;
  /** Links start afresh, so that peers are asked for what is missing now. */
  readonly relink: () => void;
  /** Entries of our own were lost: a new name, at once. */
  readonly renew: () => void;
}

export class Scrub {
  readonly #rooms: ScrubRooms;
  #pass: Pass | undefined;
  #timer: Timer | undefined;
  #verified: VerifyReport | undefined;
  #gapsSinceMs: number | undefined;
  /** Of earlier passes. */
  #faults = 0;
  #isStopped = false;

  constructor(rooms: ScrubRooms) {
    this.#rooms = rooms;
  }

  /** Faults found since the start of the process. */
  get faults(): number {
    return this.#faults + (this.#pass?.job.found ?? 0);
  }

  start(): void {
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Starts a full pass. False when one that was asked for is running. */
  verify(): boolean {
    if (this.#pass?.isVerify === true) return false;
    this.#begin(true);
    this.#verified = this.#reportOf(this.#current(), "running");
    this.#schedule();
    return true;
  }

  report(): VerifyReport {
    if (this.#pass?.isVerify === true) return this.#reportOf(this.#pass, "running");
    return this.#verified ?? NEVER;
  }

  #begin(isVerify: boolean): void {
    if (this.#pass !== undefined) this.#leave(this.#pass);
    const { replica, clock, log } = this.#rooms;
    const job = new ScrubJob(replica, log);
    const steps = passOf(job, clock, isVerify);
    this.#pass = { job, steps, isVerify, startedAtMs: clock.nowMs() };
  }

  #current(): Pass {
    if (this.#pass === undefined) this.#begin(false);
    return this.#pass as Pass;
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#isStopped) return;
    this.#timer = this.#rooms.clock.after(this.#pauseMs(), () => {
      this.#turn();
      this.#schedule();
    });
  }

  #pauseMs(): number {
    // After a fault the sums of its shard are right again only when the shard is done.
    const isPressing = this.#pass?.isVerify === true || (this.#pass?.job.found ?? 0) > 0;
    if (isPressing || this.#gapsSinceMs !== undefined) return limits.SCRUB_VERIFY_PAUSE_MS;
    const { changes, documents } = this.#rooms.replica.ledger;
    const rows = changes + documents * limits.SCRUB_DOCUMENT_COST;
    const pauseMs = limits.SCRUB_PERIOD_MS / Math.max(1, rows / limits.SCRUB_TURN_ROWS);
    return Math.min(Math.max(pauseMs, limits.SCRUB_PAUSE_MS_MIN), limits.SCRUB_PAUSE_MS_MAX);
  }

  #turn(): void {
    const { clock, stage, renew } = this.#rooms;
    const pass = this.#current();
    const endsMs = clock.monotonicMs() + limits.SCRUB_TURN_MS_MAX;
    let isDone = false;
    let failure: unknown;
    stage(() => {
      try {
        for (let rows = 0; rows < limits.SCRUB_TURN_ROWS && !isDone;) {
          const step = pass.steps.next();
          isDone = step.done === true;
          rows += step.done === true ? 0 : step.value;
          if (clock.monotonicMs() >= endsMs) break;
        }
      } catch (error) {
        failure = error;
        if (!isAtollError(error)) throw error;
      }
    });
    if (failure !== undefined) return this.#fail(pass, errorText(failure));
    if (pass.job.mustRenew) renew();
    pass.job.mustRenew = false;
    this.#fillGaps(pass.job, isDone);
    if (isDone) this.#end(pass);
  }

  /** Once for many faults: links that start afresh cost more than a gap that waits a second. */
  #fillGaps(job: ScrubJob, isDone: boolean): void {
    const nowMs = this.#rooms.clock.monotonicMs();
    if (job.hasGaps) this.#gapsSinceMs ??= nowMs;
    job.hasGaps = false;
    if (this.#gapsSinceMs === undefined) return;
    if (!isDone && nowMs - this.#gapsSinceMs < limits.SCRUB_RELINK_MS) return;
    this.#gapsSinceMs = undefined;
    this.#rooms.relink();
  }

  #end(pass: Pass): void {
    this.#leave(pass);
    const { found, repaired, entriesDone, documentsDone } = pass.job;
    this.#rooms.log.info("scrub-passed", { found, repaired, entriesDone, documentsDone });
    if (pass.isVerify) this.#verified = this.#reportOf(pass, "done");
  }

  /** The store failed under it: that is not damage, and is told by whoever meets it next. */
  #fail(pass: Pass, reason: string): void {
    this.#leave(pass);
    this.#rooms.log.warn("scrub-failed", { reason });
    if (pass.isVerify) this.#verified = this.#reportOf(pass, "failed");
  }

  #leave({ job }: Pass): void {
    this.#faults += job.found;
    this.#pass = undefined;
  }

  #reportOf({ job, startedAtMs }: Pass, state: VerifyReport["state"]): VerifyReport {
    const { replica, clock } = this.#rooms;
    const finishedAt = state === "running" ? null : new Date(clock.nowMs()).toISOString();
    return {
      state,
      startedAt: new Date(startedAtMs).toISOString(),
      finishedAt,
      progress: {
        entriesDone: job.entriesDone,
        entriesTotal: Math.max(replica.ledger.changes, job.entriesDone),
        documentsDone: job.documentsDone,
        documentsTotal: Math.max(replica.ledger.documents, job.documentsDone),
      },
      faults: { found: job.found, repaired: job.repaired, listed: [...job.faults] },
    };
  }
}

const NEVER: VerifyReport = {
  state: "never",
  startedAt: null,
  finishedAt: null,
  progress: { entriesDone: 0, entriesTotal: 0, documentsDone: 0, documentsTotal: 0 },
  faults: { found: 0, repaired: 0, listed: [] },
};

function* passOf(job: ScrubJob, clock: Clock, isVerify: boolean): Generator<number> {
  const file = isVerify ? checkFile(job) : undefined;
  for (let shard = 0; shard < job.replica.cluster.shardCount; shard++) {
    const logged = yield* scrubLog(job, shard);
    yield* scrubDocuments(job, shard, logged);
    scrubBuckets(job, shard);
    yield 1;
  }
  yield* scrubAside(job);
  scrubStanding(job, clock.nowMs());
  while (file?.isDone === false) yield limits.SCRUB_TURN_ROWS;
}

/** The engine's word on its own file; it comes when it comes. */
function checkFile(job: ScrubJob): { isDone: boolean } {
  const check = { isDone: false };
  void job.replica.store.scrub.checkFile().then((lines) => {
    for (const what of lines)
      job.report({ table: "file", where: "atoll.db", what, repair: "none" });
    check.isDone = true;
  });
  return check;
}
