/**
 * Tells the audit log each request that would change something, as it ends.
 *
 * Which those are is the policy's to say and not a list of its own: every route that is for operators. Who
 * was not let in is told too, by no name.
 */
import type { Clock } from "@atoll/core";
import type { RequestLog } from "./answer.ts";
import { POLICY } from "./policy.ts";
import type { AuditService } from "./profile-service.ts";

export function operatorAudit(audit: AuditService, clock: Clock): RequestLog {
  return (reply, status) => {
    const { route, principal, requestId, detail } = reply.locals;
    const { method, path, socket } = reply.req;
    if (POLICY[`${method} ${route}`]?.permission !== "operate") return;
    audit.record({
      at: new Date(clock.nowMs()).toISOString(),
      who: principal?.name ?? null,
      from: socket.remoteAddress ?? null,
      what: `${method} ${path}`,
      ...(detail !== undefined && { detail }),
      status,
      requestId,
    });
  };
}
