/**
 * `/livez` and `/readyz`, as Kubernetes and people at a terminal read them.
 *
 * Alive means that the process turns its event loop: a region with a full disk or no peers must not
 * be restarted for it. Ready means that requests should be sent here.
 */
import type { Express } from "express";
import { sendText } from "./answer.ts";
import type { AdminService } from "./profile-service.ts";
import { mountResource } from "./resource.ts";

export function mountHealthRoutes(app: Express, admin: Pick<AdminService, "readiness">): void {
  mountResource(app, "/livez", {
    get: (_request, reply) => sendText(reply, 200, "ok"),
  });
  mountResource(app, "/readyz", {
    get: (request, reply) => {
      const checks = admin.readiness();
      const ready = checks.every((each) => each.ok);
      const status = ready ? 200 : 503;
      if (request.query["verbose"] === undefined) {
        return sendText(reply, status, ready ? "ok" : "not ready");
      }
      const lines = checks.map(({ check, ok, detail }) => {
        const line = ok ? `[+]${check} ok` : `[-]${check} failed`;
        return detail === undefined ? line : `${line}: ${detail}`;
      });
      const verdict = ready ? "readyz check passed" : "readyz check failed";
      sendText(reply, status, [...lines, verdict, ""].join("\n"));
    },
  });
}
