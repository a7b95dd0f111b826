/**
 * Media types: what a body claims to be, and what its reader would take.
 *
 * Both are decided before anything is read or written: a write that is answered 406 after it has
 * happened would be repeated.
 */
import type { Request } from "express";
import { AtollError } from "@atoll/core";
import { hasBody } from "./body.ts";
import { parseParameter, splitOutsideQuotes } from "./quoted-list.ts";

export const JSON_TYPE = "application/json";
export const MERGE_PATCH_TYPE = "application/merge-patch+json";
export const JSON_PATCH_TYPE = "application/json-patch+json";
/** Differences by characters of texts and counts of counters. */
export const PATCHES_TYPE = "application/vnd.atoll.patches+json";
export const OPERATIONS_TYPE = "application/vnd.atoll.ops+json";
export const DOCUMENT_TYPE = "application/vnd.automerge";
export const CHANGES_TYPE = "application/vnd.automerge.changes";
export const SCHEMA_TYPE = "application/schema+json";
export const NDJSON_TYPE = "application/x-ndjson";
export const EVENT_STREAM_TYPE = "text/event-stream";
export const ENVELOPE_TYPE = "application/vnd.atoll.profile+json";

/** `bare`: the profile's own JSON, its metadata in headers. `envelope`: both in one document. */
export type Format = "bare" | "envelope";

/**
 * In the order of our liking. With charset, because clients ask for it so and JSON is UTF-8
 * anyway.
 */
const FORMAT_BY_TYPE: ReadonlyMap<string, Format> = new Map([
  [JSON_TYPE, "bare"],
  [`${JSON_TYPE};charset=utf-8`, "bare"],
  [ENVELOPE_TYPE, "envelope"],
  [`${ENVELOPE_TYPE};charset=utf-8`, "envelope"],
]);
const OFFERED = [...FORMAT_BY_TYPE.keys()];

/** Whether `Accept` says what it wants without anything to negotiate. */
export function isPlainAccept(accept: string | undefined): boolean {
  return plainFormat(accept) !== undefined;
}

function plainFormat(accept: string | undefined): Format | undefined {
  if (accept === undefined || accept === "*/*" || accept === JSON_TYPE) return "bare";
  return accept === ENVELOPE_TYPE ? "envelope" : undefined;
}

export function negotiateFormat(request: Request): Format {
  const plain = plainFormat(request.headers.accept);
  if (plain !== undefined) return plain;
  const best = request.accepts(OFFERED);
  const format = best === false ? undefined : FORMAT_BY_TYPE.get(best);
  if (format !== undefined) return format;
  throw new AtollError(
    "not-acceptable",
    `a profile is available as ${JSON_TYPE} and ${ENVELOPE_TYPE}`,
  );
}

/**
 * Refuses a body that is not plain UTF-8 of a type that its route takes, or that is not there; says
 * which of the types it is.
 */
export function requireContentType<T extends string>(request: Request, types: readonly T[]): T {
  if (!hasBody(request)) throw new AtollError("malformed-request", "the body is empty");
  const coding = request.headers["content-encoding"];
  if (coding !== undefined && coding.trim().toLowerCase() !== "identity") {
    throw unsupported("send the body without a content coding", types);
  }
  // Node would keep the first of several; whoever checked the request before us may keep the last.
  if ((request.headersDistinct["content-type"]?.length ?? 0) > 1) {
    throw new AtollError("malformed-request", "Content-Type may be sent once");
  }
  const [essence, ...parameters] = splitOutsideQuotes(request.headers["content-type"] ?? "", ";");
  const type = types.find((each) => each === essence?.toLowerCase());
  if (type === undefined) throw unsupported(`the body must be ${types.join(" or ")}`, types);
  for (const each of parameters) {
    const parameter = parseParameter(each);
    if (parameter?.name === "charset" && parameter.value.toLowerCase() !== "utf-8") {
      throw unsupported("the body must be UTF-8", types);
    }
  }
  return type;
}

function unsupported(detail: string, accept: readonly string[]): AtollError {
  return new AtollError("unsupported-media-type", detail, { accept });
}
