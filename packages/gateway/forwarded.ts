/**
 * The mark on a request that one region hands on to another, and on the answer that comes back.
 *
 *     Forwarded-By-Region: eu-west-1;wait=0.75      on the request: do not hand it on again
 *     Forwarded-By-Region: eu-west-1                on the answer: Served-By-Region is another
 *
 * Two regions that each believe the other to be ahead would pass a request to and fro for ever. So the
 * mark counts as soon as it is there, whatever it holds: a marked request is served here, or refused.
 * A client that sets it itself only forgoes being handed on.
 */
import type { Request } from "express";
import { headerOf } from "./header.ts";
import { parsePrefer } from "./prefer.ts";
import { splitOutsideQuotes } from "./quoted-list.ts";

export const FORWARDED_BY = "Forwarded-By-Region";
const FORWARDED_BY_RECEIVED = FORWARDED_BY.toLowerCase();

export interface ForwardedMark {
  /** What is left of the time that the client asked to wait at most; undefined when it named none. */
  readonly waitMs: number | undefined;
}

/** Undefined for a request that comes from its client. */
export function forwardedMarkOf(request: Request): ForwardedMark | undefined {
  const header = headerOf(request, FORWARDED_BY_RECEIVED);
  if (header === undefined) return undefined;
  const [, parameter] = splitOutsideQuotes(header, ";");
  return { waitMs: parsePrefer(parameter).waitMs };
}

export function forwardedMark(region: string, waitMs: number | undefined): string {
  return waitMs === undefined ? region : `${region};wait=${waitMs / 1000}`;
}
