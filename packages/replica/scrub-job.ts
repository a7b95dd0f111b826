/**
 * What the parts of a scrub share: where they look, how far they are, and what they found.
 */
import type { Hlc } from "@atoll/core";
import { HLC_ZERO, isAtollError, limits } from "@atoll/core";
import type { Log } from "@atoll/core";
import type { Replica } from "./replica.ts";

export interface ScrubFault {
  /** The table, or `file` for what the engine says of itself. */
  readonly table: string;
  /** Which row, in the words of its key. */
  readonly where: string;
  readonly what: string;
  /** `peers`: what was lost is a gap now, and catch-up fetches it from any peer. */
  readonly repair: "done" | "peers" | "none";
}

export class ScrubJob {
  readonly replica: Replica;
  readonly #log: Log;
  readonly faults: ScrubFault[] = [];
  found = 0;
  repaired = 0;
  entriesDone = 0;
  documentsDone = 0;
  /** What the log said was the highest timestamp when the pass began; undefined: it did not decode. */
  readonly lastHlcBefore: Hlc | undefined;
  /** The highest timestamp of all rows seen. */
  highestHlc: Hlc = HLC_ZERO;
  /** A gap was opened: peers must be asked. */
  hasGaps = false;
  /** Entries of our own were lost: their numbers must not be given again. */
  mustRenew = false;
  /** A document row was taken away, and may have left its body. */
  hasOrphans = false;

  constructor(replica: Replica, log: Log) {
    this.replica = replica;
    this.#log = log;
    this.lastHlcBefore = readable(() => replica.store.lastHlc());
  }

  report(fault: ScrubFault): void {
    this.found++;
    if (fault.repair !== "none") this.repaired++;
    if (this.faults.length < limits.SCRUB_FAULTS_LISTED_MAX) this.faults.push(fault);
    this.#log.error("scrub-fault", { ...fault });
  }
}

/** Undefined where what is stored does not decode. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isAtollError(error)) return undefined;
    throw error;
  }
}
