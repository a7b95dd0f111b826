/**
 * Which pages of other sites may call this region (the CORS protocol of the Fetch standard).
 *
 * Off unless origins are named. What a page may send follows from what routes read; what it may see, from
 * what answers carry. Credentials are bearer tokens that the page itself holds, so cookies are never
 * allowed and `*` would not be needed.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { limits } from "@atoll/core";

const SENT =
  "Authorization, Content-Type, Accept, If-Match, If-None-Match, Prefer, Session-Token, Request-Id, " +
  "Idempotency-Key, Base-Version, Last-Event-ID, traceparent, tracestate";
const SEEN =
  "ETag, Location, Session-Token, Session-Status, Served-By-Region, Forwarded-By-Region, Durable-In, " +
  "Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, Request-Id, Document-Heads, " +
  "Server-Timing, Idempotency-Replayed, Link";

export class Cors {
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** Any origin is named. */
  get isOn(): boolean {
    return this.#origins.size > 0;
  }

  /** Headers of every answer to this request. */
  headers(request: IncomingHttpHeaders): OutgoingHttpHeaders {
    if (!this.isOn) return {};
    const { origin } = request;
    if (origin === undefined || !this.#origins.has(origin)) return { Vary: "Origin" };
    const isAsking = request["access-control-request-method"] !== undefined;
    return {
      Vary: "Origin",
      "Access-Control-Allow-Origin": origin,
      "Access-Control-Expose-Headers": SEEN,
      // The page may embed what it may fetch.
      "Cross-Origin-Resource-Policy": "cross-origin",
      ...(isAsking && {
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "Access-Control-Allow-Headers": SENT,
        "Access-Control-Max-Age": limits.CORS_SECONDS,
      }),
    };
  }
}
