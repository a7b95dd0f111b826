/**
 * A profile as HTTP shows it: the bare JSON with its metadata in headers, or both in an envelope.
 *
 *     bare        {"name":"Ann"}                       the service's canonical bytes, untouched
 *     envelope    {"id":…,"etag":…,"heads":[…],"createdAt":…,"updatedAt":…,"data":{"name":"Ann"}}
 *
 * The bare form keeps PUT, merge-patch and JSON Pointer exact: what is read is what may be written.
 * The canonical JSON is never parsed on its way out, in the envelope neither.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { limits } from "@atoll/core";
import { ENVELOPE_TYPE, JSON_TYPE } from "./media-type.ts";
import type { Format } from "./media-type.ts";
import { preferenceApplied } from "./prefer.ts";
import type { Preferences } from "./prefer.ts";
import type { Answer, ProfileSnapshot } from "./profile-service.ts";

export function bodyOf(profile: ProfileSnapshot, format: Format): string {
  return format === "bare" ? profile.json : envelopeOf(profile);
}

export function contentTypeOf(format: Format): string {
  return format === "bare" ? JSON_TYPE : ENVELOPE_TYPE;
}

/** Strong: heads identify the set of changes, and that set the bytes. */
export function entityTag(profile: ProfileSnapshot): string {
  return `"${profile.etag}"`;
}

/** Of every answer that reads or writes a profile, whatever its status. */
export function sessionHeaders(answer: Answer, honoured: Preferences): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    "Session-Token": answer.sessionToken,
    "Cache-Control": "private, no-cache",
    Vary: "Accept, Authorization",
  };
  if (answer.stale) headers["Session-Status"] = "stale";
  const applied = preferenceApplied(honoured);
  if (applied !== undefined) headers["Preference-Applied"] = applied;
  return headers;
}

/** Headers of versions that are read again and again; one of another time would be another version. */
const headersOf = new WeakMap<ProfileSnapshot, OutgoingHttpHeaders>();

/** Of every answer that is about one version of a profile. Not to be changed: others get the same. */
export function profileHeaders(
  profile: ProfileSnapshot,
  nowMs: number,
): Readonly<OutgoingHttpHeaders> {
  let headers = headersOf.get(profile);
  if (headers === undefined) {
    headers = headersAt(profile, nowMs);
    if (profile.updatedAtMs <= nowMs) headersOf.set(profile, headers);
  }
  return headers;
}

function headersAt(profile: ProfileSnapshot, nowMs: number): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ETag: entityTag(profile),
    // Time here may run ahead of this machine's clock, and HTTP forbids dates in the future.
    "Last-Modified": new Date(Math.min(profile.updatedAtMs, nowMs)).toUTCString(),
  };
  if (profile.heads.length <= limits.HEADS_IN_HEADER_MAX) {
    headers["Document-Heads"] = profile.heads.join(", ");
  }
  if (profile.hasConflicts) headers["Conflicts"] = "?1";
  return headers;
}

function envelopeOf(profile: ProfileSnapshot): string {
  const metadata = JSON.stringify({
    id: profile.id,
    etag: profile.etag,
    heads: profile.heads,
    createdAt: new Date(profile.createdAtMs).toISOString(),
    updatedAt: new Date(profile.updatedAtMs).toISOString(),
  });
  return `${metadata.slice(0, -1)},"data":${profile.json}}`;
}
