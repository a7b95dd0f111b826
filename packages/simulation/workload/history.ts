/** What clients asked and what they were told, in the order of asking: all that the checkers see of them. */
import type { ProfileEdit } from "@atoll/profile";
import type { Outcome } from "./client.ts";

export interface Call {
  /** Place in the history. */
  readonly index: number;
  readonly session: number;
  readonly region: number;
  readonly id: string;
  /** Undefined: a read. */
  readonly edit: ProfileEdit | undefined;
  /** The member that this write adds to `marks`. */
  readonly mark?: string;
  readonly added?: string;
  readonly removed?: string;
  /** For a write that follows a read: the index of the read. */
  readonly basedOn?: number;
  readonly token: string | undefined;
  readonly invokedMs: number;
  /** Both undefined while it is under way. */
  completedMs: number | undefined;
  outcome: Outcome | undefined;
}

export class History {
  readonly calls: Call[] = [];

  begin(call: Omit<Call, "index" | "completedMs" | "outcome">): Call {
    const begun: Call = {
      ...call,
      index: this.calls.length,
      completedMs: undefined,
      outcome: undefined,
    };
    this.calls.push(begun);
    return begun;
  }
}

/** It was done, and the client knows. */
export function isDone(call: Call): boolean {
  return call.outcome?.kind === "found" || call.outcome?.kind === "absent";
}

/** It may have been done, for all the client knows. */
export function isUnclear(call: Call): boolean {
  return call.outcome === undefined || call.outcome.kind === "unknown";
}

export function isWrite(call: Call): boolean {
  return call.edit !== undefined;
}
