/**
 * Entity-tags and the conditions built of them (RFC 9110, sections 8.8.3 and 13).
 *
 *     our tag       "<22 characters of base64url>"      one for each set of heads
 *     its variants  "<22 characters>+gzip", "….f1"      same version, other bytes
 *
 * A condition speaks of the version, so variants are cut back to the first 22 characters before
 * they are compared. A malformed condition is refused: to ignore one is to overwrite what its
 * client wanted to protect. For the same reason a write guarded by a time alone is refused; our
 * times are advisory.
 */
import type { IncomingHttpHeaders } from "node:http";
import { AtollError, limits } from "@atoll/core";
import type { Precondition } from "./profile-service.ts";

export interface EntityTag {
  readonly weak: boolean;
  /** Without quotes and variant. */
  readonly tag: string;
}

const TAG_CHARS = 22;
const NO_PRECONDITION: Precondition = {};

/**
 * `*` or the tags of a list; undefined when it is neither. Empty items are skipped, as HTTP asks.
 */
export function parseEntityTags(text: string): "*" | readonly EntityTag[] | undefined {
  if (text.trim() === "*") return "*";
  const entityTag = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/y;
  const tags: EntityTag[] = [];
  let afterComma = true;
  let i = 0;
  while (i < text.length) {
    const char = text[i];
    if (char === " " || char === "\t") {
      i++;
    } else if (char === ",") {
      afterComma = true;
      i++;
    } else {
      entityTag.lastIndex = i;
      const match = entityTag.exec(text);
      if (match === null || !afterComma || tags.length === limits.ENTITY_TAGS_MAX) return undefined;
      tags.push({ weak: match[1] !== undefined, tag: withoutVariant(match[2] ?? "") });
      afterComma = false;
      i = entityTag.lastIndex;
    }
  }
  return tags.length === 0 ? undefined : tags;
}

/** The conditions of a write, for the service to evaluate in the same step as the write. */
export function writePrecondition(headers: IncomingHttpHeaders): Precondition {
  const ifMatch = conditionOf(headers, "if-match");
  const ifNoneMatch = conditionOf(headers, "if-none-match");
  if (headers["if-unmodified-since"] !== undefined && ifMatch === undefined) {
    throw new AtollError(
      "malformed-request",
      "If-Unmodified-Since cannot be honoured because times are advisory here; send If-Match",
    );
  }
  if (ifMatch === undefined && ifNoneMatch === undefined) return NO_PRECONDITION;
  return {
    ...(ifMatch !== undefined && { ifMatch: stronglyComparable(ifMatch) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: weaklyComparable(ifNoneMatch) }),
  };
}

/** Decides between 200, 304 and 412 for a profile that is here. If-Match goes first (13.2.2). */
export type ReadCondition = (etag: string) => "send" | "not-modified" | "failed";

const sendAlways: ReadCondition = () => "send";

/** Parsed before the profile is read, so that a bad condition costs nothing. */
export function readCondition(headers: IncomingHttpHeaders): ReadCondition {
  const ifMatch = conditionOf(headers, "if-match");
  const ifNoneMatch = conditionOf(headers, "if-none-match");
  // If-Modified-Since is not evaluated: a merge may change a profile and leave its time as it was.
  if (ifMatch === undefined && ifNoneMatch === undefined) return sendAlways;
  return (etag) => {
    if (ifMatch !== undefined && !includes(stronglyComparable(ifMatch), etag)) return "failed";
    if (ifNoneMatch !== undefined && includes(weaklyComparable(ifNoneMatch), etag)) {
      return "not-modified";
    }
    return "send";
  };
}

function conditionOf(
  headers: IncomingHttpHeaders,
  name: "if-match" | "if-none-match",
): "*" | readonly EntityTag[] | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const tags = parseEntityTags(text);
  if (tags !== undefined) return tags;
  throw new AtollError(
    "malformed-request",
    `${name === "if-match" ? "If-Match" : "If-None-Match"} must be * or at most ` +
      `${limits.ENTITY_TAGS_MAX} entity-tags in double quotes, separated by commas`,
  );
}

function withoutVariant(tag: string): string {
  const mark = tag[TAG_CHARS];
  return mark === "+" || mark === "." ? tag.slice(0, TAG_CHARS) : tag;
}

/** A weak tag never equals anything in a strong comparison. */
function stronglyComparable(tags: "*" | readonly EntityTag[]): "*" | readonly string[] {
  return tags === "*" ? "*" : tags.filter((each) => !each.weak).map((each) => each.tag);
}

function weaklyComparable(tags: "*" | readonly EntityTag[]): "*" | readonly string[] {
  return tags === "*" ? "*" : tags.map((each) => each.tag);
}

function includes(tags: "*" | readonly string[], etag: string): boolean {
  return tags === "*" || tags.includes(etag);
}
