/**
 * Conditional requests (RFC 9110, section 13) on this region's copy.
 *
 * Tags without quotes. They say nothing about other regions: two of them may both accept a write that
 * names the same tag, and the writes merge.
 */
import { AtollError } from "@atoll/core";

export interface Precondition {
  /** `*`: it must exist. A list: its tag must be one of these. */
  readonly ifMatch?: "*" | readonly string[];
  /** `*`: it must not exist. A list: its tag must be none of these. */
  readonly ifNoneMatch?: "*" | readonly string[];
}

/** `etag`: of the profile as it is, undefined when there is none. Throws precondition-failed. */
export function checkPrecondition(precondition: Precondition, etag: string | undefined): void {
  const { ifMatch, ifNoneMatch } = precondition;
  if (ifMatch !== undefined && !matches(ifMatch, etag)) {
    throw failed("the profile is not the version named in If-Match", etag);
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, etag)) {
    throw failed("the profile is a version named in If-None-Match", etag);
  }
}

function matches(condition: "*" | readonly string[], etag: string | undefined): boolean {
  return etag !== undefined && (condition === "*" || condition.includes(etag));
}

function failed(detail: string, etag: string | undefined): AtollError {
  return new AtollError(
    "precondition-failed",
    `${detail}, in this region`,
    etag === undefined ? {} : { etag: `"${etag}"` },
  );
}
