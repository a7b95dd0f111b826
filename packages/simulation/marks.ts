/**
 * Which rare paths a run has taken.
 *
 * Three sources: what the code says itself (`sometimes`), what it logs, and what goes over the wire. The list of
 * what must be hit is `RARE_PATHS`; a path that no run takes is one that no run tests.
 */
import type { Log } from "@atoll/core";

export class MarkLog implements Log {
  readonly counts = new Map<string, number>();

  hit(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  countOf(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  debug(event: string): void {
    this.hit(`log: ${event}`);
  }
  info(event: string): void {
    this.hit(`log: ${event}`);
  }
  warn(event: string): void {
    this.hit(`log: ${event}`);
  }
  error(event: string): void {
    this.hit(`log: ${event}`);
  }
}

const KINDS: Readonly<Record<number, string>> = {
  3: "heartbeat",
  4: "batch",
  5: "need",
  6: "served",
  13: "refusal",
  14: "trimmed",
  32: "compare-open",
  33: "compare-same",
  34: "compare-stale",
  35: "ask-nodes",
  36: "compare-nodes",
  37: "ask-documents",
  38: "compare-documents",
  39: "ask-changes",
  40: "compare-changes",
  41: "want-changes",
  42: "wanted",
  43: "compare-lanes",
};

/** The second byte of a frame is its kind (PROTOCOL.md). */
export function marksOfFrame(frame: Uint8Array, marks: MarkLog): void {
  const kind = kindOf(frame);
  if (kind !== undefined) marks.hit(`wire: ${kind}`);
}

/** What a frame says it is; undefined where a handshake or nonsense says nothing. */
export function kindOf(frame: Uint8Array): string | undefined {
  return KINDS[frame[1] ?? 0];
}
