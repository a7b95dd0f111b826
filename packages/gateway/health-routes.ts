/**
 * `/livez`, `/startupz` and `/readyz`, as Kubernetes and people at a terminal read them.
 *
 * Alive means that the process turns its event loop: a region with a full disk or no peers must not
 * be restarted for it. Started means that the store is open and what a crash left is mended: nobody
 * listens before that, so the answer alone is the fact, and it never goes back. Ready means that requests
 * should be sent here.
 */
import type { Express, Request } from "express";
import { sendText } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { getLive, getReady, getStarted } from "./contract/health.ts";
import { parseQuery } from "./contract/operation.ts";
import type { AdminService } from "./profile-service.ts";

export function mountHealthRoutes(app: Express, admin: Pick<AdminService, "readiness">): void {
  /** That there is an answer is the answer. */
  function live(_request: Request, reply: Reply): void {
    sendText(reply, 200, "ok");
  }

  function ready(request: Request, reply: Reply): void {
    const { verbose } = parseQuery(request, getReady.query);
    const checks = admin.readiness();
    const isReady = checks.every((each) => each.ok);
    const status = isReady ? 200 : 503;
    if (verbose === undefined) return sendText(reply, status, isReady ? "ok" : "not ready");
    const lines = checks.map(({ check, ok, detail }) => {
      const line = ok ? `[+]${check} ok` : `[-]${check} failed`;
      return detail === undefined ? line : `${line}: ${detail}`;
    });
    const verdict = isReady ? "readyz check passed" : "readyz check failed";
    sendText(reply, status, [...lines, verdict, ""].join("\n"));
  }

  mountOperations(app, [
    [getLive, live],
    [getStarted, live],
    [getReady, ready],
  ]);
}
