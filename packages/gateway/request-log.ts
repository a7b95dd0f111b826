/**
 * A line for each request: who, what, how it ended and how long it took.
 *
 * The route as mounted and not the path, which names somebody's profile. Off unless asked for: at full
 * speed it is the most expensive thing that a read does.
 */
import type { Log } from "@atoll/core";
import type { RequestLog } from "./answer.ts";
import { traceOf } from "./request-tracing.ts";

export function requestLogger(log: Log): RequestLog {
  return (reply, status, ms) => {
    const { requestId, route, principal } = reply.locals;
    log.info("request", {
      requestId,
      method: reply.req.method,
      route,
      status,
      ms: Math.round(ms * 100) / 100,
      ...(principal !== undefined && { principal: principal.name }),
      ...traceOf(reply),
    });
  };
}
