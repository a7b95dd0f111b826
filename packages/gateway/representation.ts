/**
 * A profile as HTTP shows it: the bare JSON with its metadata in headers, or both in an envelope.
 *
 *     bare        {"name":"Ann"}                       the service's canonical bytes, untouched
 *     envelope    {"id":…,"etag":…,"heads":[…],"createdAt":…,"updatedAt":…,"data":{"name":"Ann"}}
 *
 * The bare form keeps PUT, merge-patch and JSON Pointer exact: what is read is what may be written.
 * The canonical JSON is never changed on its way out, in the envelope neither.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { limits } from "@atoll/core";
import type { Fields } from "./fields.ts";
import { pick } from "./fields.ts";
import { httpDate } from "./http-date.ts";
import { shownId } from "./ownership.ts";
import { ENVELOPE_TYPE, JSON_TYPE } from "./media-type.ts";
import type { Format } from "./media-type.ts";
import { preferenceApplied } from "./prefer.ts";
import type { Preferences } from "./prefer.ts";
import type { Answer, ProfileSnapshot, SchemaService } from "./profile-service.ts";

export function bodyOf(
  profile: ProfileSnapshot,
  format: Format,
  schema: SchemaService,
  fields?: Fields,
): string {
  return format === "bare" ? dataOf(profile, fields) : envelopeOf(profile, schema, fields);
}

export function dataOf({ json }: ProfileSnapshot, fields: Fields | undefined): string {
  return fields === undefined ? json : pick(json, fields);
}

export function contentTypeOf(format: Format): string {
  return format === "bare" ? JSON_TYPE : ENVELOPE_TYPE;
}

/** Strong: heads identify the set of changes, and that set the bytes. */
export function entityTag(profile: ProfileSnapshot, fields?: Fields): string {
  return `"${profile.etag}${fields?.variant ?? ""}"`;
}

/** Of every answer that reads or writes a profile, whatever its status. */
export function sessionHeaders(answer: Answer, honoured: Preferences): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    "Session-Token": answer.sessionToken,
    "Cache-Control": "private, no-cache",
    Vary: "Accept, Accept-Encoding, Authorization",
  };
  if (answer.stale) headers["Session-Status"] = "stale";
  const applied = preferenceApplied(honoured);
  if (applied !== undefined) headers["Preference-Applied"] = applied;
  return headers;
}

/** Of every answer that is about one version of a profile. */
export function addProfileHeaders(
  headers: OutgoingHttpHeaders,
  profile: ProfileSnapshot,
  nowMs: number,
  fields?: Fields,
): void {
  headers["ETag"] = entityTag(profile, fields);
  // Time here may run ahead of this machine's clock, and HTTP forbids dates in the future.
  headers["Last-Modified"] = httpDate(Math.min(profile.updatedAtMs, nowMs));
  if (profile.heads.length <= limits.HEADS_IN_HEADER_MAX) {
    headers["Document-Heads"] = profile.heads.join(", ");
  }
  if (profile.hasConflicts) headers["Conflicts"] = "?1";
}

/** `schemaFaults` is there only when there are any. */
export function envelopeOf(
  profile: ProfileSnapshot,
  schema: SchemaService,
  fields?: Fields,
): string {
  const faults = schema.faults(profile.json);
  const metadata = JSON.stringify({
    id: shownId(profile.id),
    etag: profile.etag,
    heads: profile.heads,
    createdAt: new Date(profile.createdAtMs).toISOString(),
    updatedAt: new Date(profile.updatedAtMs).toISOString(),
    ...(profile.hasConflicts && { conflicts: true }),
    ...(faults.length > 0 && { schemaFaults: faults }),
  });
  return `${metadata.slice(0, -1)},"data":${dataOf(profile, fields)}}`;
}
