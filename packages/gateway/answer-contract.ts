/** What all questions to a region have in common: a session on the way in, a session and a profile back. */
import type { ProfileId } from "@atoll/core";

/** How a request relates to what its client has seen before. */
export interface SessionOptions {
  /** The token as the client sent it; undefined for a request without a session. */
  readonly token: string | undefined;
  /** How long to wait for this region to catch up, milliseconds. */
  readonly waitMs: number;
  /** After that: `strict` fails with `session-not-available`, `lenient` serves what is here. */
  readonly handling: "strict" | "lenient";
  /** Aborted when the client has left: no wait goes on, and what has not been written is not. */
  readonly signal?: AbortSignal | undefined;
}

/** Facts that every answer carries in its headers. */
export interface Answer {
  /** To be sent with the next request of the same session. */
  readonly sessionToken: string;
  /** True when `lenient` handling served something older than the session had seen. */
  readonly stale: boolean;
}

export interface ProfileSnapshot {
  readonly id: ProfileId;
  /** Canonical JSON (RFC 8785). */
  readonly json: string;
  /** Entity-tag without its quotes: 22 characters of base64url. */
  readonly etag: string;
  /** Hexadecimal, sorted. */
  readonly heads: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly hasConflicts: boolean;
}
