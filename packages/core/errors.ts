/**
 * Every failure that somebody outside may meet, in one closed union.
 *
 * The codes are the slugs of the problem types that REST clients see (RFC 9457, section 3.1.1) and
 * the reasons that operators read in logs. A new code does not compile until the gateway's table of
 * statuses names it.
 */
export type ErrorCode =
  // the request
  | "malformed-request"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "method-not-allowed"
  | "not-acceptable"
  | "precondition-failed"
  | "payload-too-large"
  | "unsupported-media-type"
  | "validation-failed"
  | "counter-requires-increment"
  | "rate-limited"
  | "cursor-expired"
  | "patch-test-failed"
  | "unknown-base"
  | "stale-conflict"
  | "idempotency-mismatch"
  // the state of this region
  | "session-not-available"
  | "durability-not-met"
  | "outcome-unknown"
  | "overloaded"
  | "draining"
  | "storage-full"
  | "storage-failed"
  | "document-quarantined"
  | "already-running"
  | "cut-unavailable"
  // starting a process
  | "config-invalid"
  | "address-in-use"
  | "data-directory-unusable"
  | "data-directory-locked"
  | "incompatible-data"
  // ours
  | "internal";

/** One fault in a request's body, addressed by JSON Pointer (RFC 6901). */
export interface FieldFault {
  readonly pointer: string;
  readonly detail: string;
  readonly code: string;
}

export interface ErrorData {
  readonly faults?: readonly FieldFault[];
  /** The version now, for a precondition that failed: an entity-tag with its quotes. */
  readonly etag?: string;
  /** Regions whose writes the session has seen and this region has not; the newest first. */
  readonly missingRegions?: readonly string[];
  /** Regions that have said that they hold a write, and those that have not. */
  readonly durableIn?: readonly string[];
  readonly missingIn?: readonly string[];
  /** Where a change feed ends now. */
  readonly cursor?: string;
  readonly retryAfterSeconds?: number;
  readonly allow?: readonly string[];
  readonly accept?: readonly string[];
  /** How to authenticate, for the `WWW-Authenticate` header (RFC 6750 section 3). */
  readonly challenge?: string;
  /** What to do about it, in the imperative, for a person at a terminal. */
  readonly mend?: string;
}

/** A request, file or start that cannot be served, with what its reader needs to go on. */
export class AtollError extends Error {
  override readonly name = "AtollError";
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, detail: string, data: ErrorData = {}, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
    this.data = data;
  }
}

export function isAtollError(error: unknown): error is AtollError {
  return error instanceof AtollError;
}

/** The text of anything thrown, for a log field or a quarantine reason. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
