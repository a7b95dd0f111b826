/**
 * A span for each request that a route took: from its gate to the head of its answer.
 *
 * Begun where the route is known and not earlier, so that its name is the path as mounted and never
 * somebody's profile. Probes are left out: they would be most of all traces.
 *
 * Where nothing is recorded a request may still be part of its client's trace: log and problems name that.
 */
import type { Request } from "express";
import { parseTraceparent } from "@atoll/core";
import type { Tracing } from "@atoll/core";
import type { Reply } from "./answer.ts";
import type { Access } from "./policy.ts";

export function traceRequest(
  tracing: Tracing,
  request: Request,
  reply: Reply,
  { load }: Access,
): void {
  if (load === "health") return;
  const { route, requestId } = reply.locals;
  const { method } = request;
  reply.locals.span = tracing.begin(`${method} ${route}`, {
    kind: "server",
    parent: request.get("traceparent"),
    attributes: {
      "http.request.method": method,
      "http.route": route,
      "atoll.request_id": requestId,
    },
  });
}

/** The trace that this request is part of, ours or its client's. */
export function traceOf({ locals, req }: Reply): { readonly traceId?: string } {
  const context = parseTraceparent(locals.span?.traceparent ?? req.headers["traceparent"]);
  return context === undefined ? {} : { traceId: context.traceId };
}
