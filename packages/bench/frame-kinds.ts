/**
 * What each kind of frame is there for: the one table by which traffic is divided.
 *
 *     link         making and keeping the link: there whether anything differs or not
 *     log          asking the log for what was missed
 *     entries      batches: entries, and a little around them
 *     comparison   everything else
 *
 * A kind that this table does not know counts as comparison: a new message of the protocol then shows in the
 * figures until somebody says what it is for, and never makes them look better than they are.
 */
import type { LogEntry } from "@atoll/core";
import { decodeFrame } from "@atoll/sync";

export type FrameClass = "link" | "log" | "entries" | "comparison";

const CLASS_BY_KIND: Readonly<Record<string, FrameClass>> = {
  hello: "link",
  proof: "link",
  refusal: "link",
  spent: "link",
  heartbeat: "link",
  need: "log",
  served: "log",
  trimmed: "log",
  batch: "entries",
};

export interface ClassifiedFrame {
  readonly class: FrameClass;
  /** The message's kind; `unreadable` for bytes that are no message. */
  readonly kind: string;
  /** Of a batch; otherwise empty. */
  readonly entries: readonly LogEntry[];
}

export function classifyFrame(frame: Uint8Array): ClassifiedFrame {
  const decoded = decodeFrame(frame);
  if (decoded.kind !== "message") return { class: "comparison", kind: "unreadable", entries: [] };
  const { message } = decoded;
  return {
    class: CLASS_BY_KIND[message.kind] ?? "comparison",
    kind: message.kind,
    entries: message.kind === "batch" ? message.entries : [],
  };
}

/** The bytes that the users' edits are made of; all else is ours. */
export function changeBytes(entries: readonly LogEntry[]): number {
  return entries.reduce((sum, { change }) => sum + change.length, 0);
}
