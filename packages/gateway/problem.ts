/**
 * Everything thrown ends here, as a problem document (RFC 9457).
 *
 * One total table from code to status: a new `ErrorCode` does not compile until it has a row. What
 * we did not foresee becomes `internal`: logged once with its stack, told to the client by
 * Request-Id only. A client that has gone away is nobody's error.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type { NextFunction, Request } from "express";
import { AtollError, isAtollError } from "@atoll/core";
import type { ErrorCode, Log } from "@atoll/core";
import { send } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { ClientGone, discardBody } from "./body.ts";
import { traceOf } from "./request-tracing.ts";

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Sent when the error itself names no time. */
  readonly retryAfterSeconds?: number;
}

const START_UP: ProblemKind = { status: 500, title: "Internal error" };

export const PROBLEMS: Readonly<Record<ErrorCode, ProblemKind>> = {
  "malformed-request": { status: 400, title: "Malformed request" },
  unauthenticated: { status: 401, title: "Not authenticated" },
  forbidden: { status: 403, title: "Forbidden" },
  "not-found": { status: 404, title: "Not found" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  "not-acceptable": { status: 406, title: "No acceptable representation" },
  "precondition-failed": { status: 412, title: "Precondition failed" },
  "payload-too-large": { status: 413, title: "Payload too large" },
  "unsupported-media-type": { status: 415, title: "Unsupported media type" },
  "validation-failed": { status: 422, title: "Validation failed" },
  "counter-requires-increment": { status: 422, title: "Counter requires an increment" },
  "rate-limited": { status: 429, title: "Too many requests", retryAfterSeconds: 1 },
  "cursor-expired": { status: 410, title: "Cursor expired" },
  "patch-test-failed": { status: 409, title: "Patch test failed" },
  "unknown-base": { status: 409, title: "Unknown base version" },
  "stale-conflict": { status: 409, title: "Conflict has changed" },
  "idempotency-mismatch": { status: 422, title: "Idempotency-Key of another request" },

  "session-not-available": { status: 503, title: "Session not available", retryAfterSeconds: 1 },
  "durability-not-met": { status: 504, title: "Durability not met" },
  "outcome-unknown": { status: 502, title: "Outcome unknown" },
  overloaded: { status: 503, title: "Overloaded", retryAfterSeconds: 1 },
  draining: { status: 503, title: "Draining", retryAfterSeconds: 5 },
  "storage-full": { status: 507, title: "Storage full" },
  "storage-failed": { status: 503, title: "Storage failed", retryAfterSeconds: 5 },
  // Another region may well have it; here it stays as it is until an operator acts.
  "document-quarantined": { status: 503, title: "Document quarantined" },
  "already-running": { status: 409, title: "Already running" },
  "cut-unavailable": { status: 409, title: "Cut not available", retryAfterSeconds: 1 },

  // Of a process that is starting: no request can meet them.
  "config-invalid": START_UP,
  "address-in-use": START_UP,
  "data-directory-unusable": START_UP,
  "data-directory-locked": START_UP,
  "incompatible-data": START_UP,

  internal: { status: 500, title: "Internal error" },
};

/** The `type` of a problem is this and its code. */
export const TYPE_BASE = "https://atoll.dev/problems/";

/** Express tells an error handler by its four parameters. */
export function problemHandler(log: Log) {
  return (thrown: unknown, request: Request, reply: Reply, _next?: NextFunction): void => {
    if (thrown instanceof ClientGone) {
      reply.destroy();
      return;
    }
    const error = toAtollError(thrown);
    if (PROBLEMS[error.code].status === 500) logInternal(log, thrown, request, reply);
    if (reply.headersSent) {
      reply.destroy(); // half an answer cannot be taken back, only cut off
      return;
    }
    sendProblem(request, reply, error);
  };
}

/** Also for refusals that are an ordinary answer and carry headers of their own, such as 404. */
export function sendProblem(
  request: Request,
  reply: Reply,
  error: AtollError,
  headers: OutgoingHttpHeaders = {},
): void {
  const body = { ...problemBody(error, requestNames(reply)), instance: pathOf(request) };
  discardBody(request);
  const problemHeaders = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    ...headersOf(error, request.method),
    ...headers,
  };
  send(reply, body.status, problemHeaders, JSON.stringify(body));
}

/** What a request is called in the logs: here, and where its client looks. */
export interface RequestNames {
  readonly requestId: string;
  readonly traceId?: string;
}

export function requestNames(reply: Reply): RequestNames {
  return { requestId: reply.locals.requestId, ...traceOf(reply) };
}

/** What a problem document says but for where it happened: a part of a batch says the same. */
export function problemBody(thrown: unknown, names: RequestNames) {
  const error = toAtollError(thrown);
  const { status, title } = PROBLEMS[error.code];
  const { faults, missingRegions, durableIn, missingIn, cursor } = error.data;
  return {
    type: TYPE_BASE + error.code,
    title,
    status,
    detail: status === 500 ? "the request failed here; its id is in our log" : error.message,
    ...names,
    ...(faults !== undefined && {
      errors: faults.map(({ pointer, detail, code }) => ({ pointer, detail, code })),
    }),
    ...(missingRegions !== undefined && { missingRegions }),
    ...(durableIn !== undefined && { durableIn }),
    ...(missingIn !== undefined && { missingIn }),
    ...(cursor !== undefined && { cursor }),
  };
}

function headersOf(error: AtollError, method: string): OutgoingHttpHeaders {
  const { allow, accept, etag, challenge, retryAfterSeconds } = error.data;
  const retryAfter = retryAfterSeconds ?? PROBLEMS[error.code].retryAfterSeconds;
  const acceptName = method === "PATCH" ? "Accept-Patch" : "Accept";
  return {
    ...(allow !== undefined && { Allow: allow.join(", ") }),
    ...(accept !== undefined && { [acceptName]: accept.join(", ") }),
    ...(etag !== undefined && { ETag: etag }),
    ...(challenge !== undefined && { "WWW-Authenticate": challenge }),
    ...(retryAfter !== undefined && { "Retry-After": Math.ceil(retryAfter) }),
  };
}

function toAtollError(thrown: unknown): AtollError {
  if (isAtollError(thrown)) return thrown;
  // The router's own error for a path parameter that does not decode.
  if (thrown instanceof URIError) {
    return new AtollError("malformed-request", "the path is not valid percent-encoded UTF-8");
  }
  return new AtollError("internal", "internal error", {}, thrown);
}

function logInternal(log: Log, thrown: unknown, request: Request, reply: Reply): void {
  log.error("request-failed", {
    requestId: reply.locals.requestId,
    method: request.method,
    error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    ...(thrown instanceof Error && thrown.cause instanceof Error && { cause: thrown.cause.stack }),
  });
}

/** As sent, without the query. */
function pathOf(request: Request): string {
  const [path] = request.originalUrl.split("?", 1);
  return path ?? "/";
}
