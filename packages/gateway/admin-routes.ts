/**
 * `/admin/v1`: what an operator sees and turns, on a listener of its own.
 *
 * No browser can be tricked into these writes: a page of another site may not send a JSON body here
 * without asking first (CORS), and nothing here ever consents.
 */
import type { Express, Request } from "express";
import { AtollError } from "@atoll/core";
import type { FieldFault } from "@atoll/core";
import { send, sendJson } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { JSON_TYPE } from "./media-type.ts";
import { mountCareRoutes } from "./care-routes.ts";
import { mountOperations } from "./contract-routes.ts";
import { getAudit } from "./contract/admin-audit.ts";
import { parseQuery } from "./contract/operation.ts";
import { mountDocumentDeskRoutes } from "./document-desk-routes.ts";
import { mountDrainRoutes } from "./drain-routes.ts";
import type { AdminService, PeerState } from "./profile-service.ts";
import { readJsonObject } from "./request.ts";
import { mountResource } from "./resource.ts";
import { mountTruthRoutes } from "./truth-routes.ts";

export function mountAdminRoutes(app: Express, admin: AdminService): void {
  mountCareRoutes(app, admin);
  mountTruthRoutes(app, admin);
  mountDocumentDeskRoutes(app, admin);
  mountDrainRoutes(app, admin);
  mountOperations(app, [
    [
      getAudit,
      (request, reply) => {
        const { limit } = parseQuery(request, getAudit.query);
        sendJson(reply, 200, { entries: admin.audit.list(limit) });
      },
    ],
  ]);

  mountResource(app, "/admin/v1/status", {
    get: (_request, reply) => sendJson(reply, 200, admin.status()),
  });

  mountResource(app, "/admin/v1/peers", {
    get: (_request, reply) => sendJson(reply, 200, { peers: admin.status()["peers"] }),
  });

  mountResource(app, "/admin/v1/config", {
    get: (_request, reply) => sendJson(reply, 200, admin.config()),
  });

  mountResource(app, "/admin/v1/build", {
    get: (_request, reply) => sendJson(reply, 200, admin.build()),
  });

  mountResource(app, "/metrics", {
    async get(_request: Request, reply: Reply): Promise<void> {
      const { contentType } = admin.metrics;
      const text = await admin.metrics.text();
      send(reply, 200, { "Content-Type": contentType, "Cache-Control": "no-store" }, text);
    },
  });

  mountResource(app, "/admin/v1/peers/:region/state", {
    async put(request: Request, reply: Reply): Promise<void> {
      const { region } = request.params;
      const { state } = await readJsonObject(request, JSON_TYPE);
      if (!isPeerState(state)) throw badState();
      reply.locals.detail = { state };
      if (typeof region !== "string" || !admin.setPeerState(region, state)) {
        throw new AtollError("not-found", "no peer has this region's name");
      }
      sendJson(reply, 200, { region, state });
    },
  });
}

function isPeerState(value: unknown): value is PeerState {
  return value === "active" || value === "paused";
}

function badState(): AtollError {
  const fault: FieldFault = {
    pointer: "/state",
    detail: 'must be "active" or "paused"',
    code: "enum",
  };
  return new AtollError("validation-failed", `state ${fault.detail}`, { faults: [fault] });
}
