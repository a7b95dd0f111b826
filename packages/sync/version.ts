/**
 * Which protocol a link speaks.
 *
 *     ours     1 2 3        both use the highest that both know: min(max, max)
 *     theirs     2 3 4      here 3; where that lies below one side's lowest, the link is refused
 *
 * A release speaks the version it defines and those before it, so that regions can be upgraded one at a
 * time. HELLO comes before there is an agreement and REFUSAL may: both are read whatever version their
 * frame bears, and a sender who does not know better writes its lowest. Every other frame bears the version
 * that was agreed, and one that does not is malformed: it was made for somebody else.
 *
 *     1   everything but compressed batches
 *     2   compressed batches
 *     3   comparing where the log is trimmed
 *     4   what clients have used of their rates
 */
import type { Message } from "./messages.ts";

export const PROTOCOL_VERSION = 4;
/** The oldest protocol that this release still speaks. */
export const PROTOCOL_VERSION_MIN = 1;

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

export const VERSIONS_SPOKEN: VersionRange = { min: PROTOCOL_VERSION_MIN, max: PROTOCOL_VERSION };

/** Undefined when there is none that both speak. */
export function agreedVersion(ours: VersionRange, theirs: VersionRange): number | undefined {
  const version = Math.min(ours.max, theirs.max);
  return version >= ours.min && version >= theirs.min ? version : undefined;
}

/** Kinds that are read before, or without, an agreement. */
export function needsNoAgreement(kind: Message["kind"]): boolean {
  return kind === "hello" || kind === "refusal";
}
