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
import {
  getBuild,
  getConfig,
  getMetrics,
  getPeers,
  getStatus,
  setPeerState,
} from "./contract/admin-region.ts";
import { parseQuery } from "./contract/operation.ts";
import { mountDocumentDeskRoutes } from "./document-desk-routes.ts";
import { mountDrainRoutes } from "./drain-routes.ts";
import type { AdminService, PeerState } from "./profile-service.ts";
import { readJsonObject } from "./request.ts";
import { mountTruthRoutes } from "./truth-routes.ts";

export function mountAdminRoutes(app: Express, admin: AdminService): void {
  mountCareRoutes(app, admin);
  mountTruthRoutes(app, admin);
  mountDocumentDeskRoutes(app, admin);
  mountDrainRoutes(app, admin);
  async function metrics(_request: Request, reply: Reply): Promise<void> {
    const { contentType } = admin.metrics;
    const text = await admin.metrics.text();
    send(reply, 200, { "Content-Type": contentType, "Cache-Control": "no-store" }, text);
  }

  async function setState(request: Request, reply: Reply): Promise<void> {
    const { region } = request.params;
    const { state } = await readJsonObject(request, JSON_TYPE);
    if (!isPeerState(state)) throw badState();
    reply.locals.detail = { state };
    if (typeof region !== "string" || !admin.setPeerState(region, state)) {
      throw new AtollError("not-found", "no peer has this region's name");
    }
    sendJson(reply, 200, { region, state });
  }

  function audit(request: Request, reply: Reply): void {
    const { limit } = parseQuery(request, getAudit.query);
    sendJson(reply, 200, { entries: admin.audit.list(limit) });
  }

  mountOperations(app, [
    [getStatus, (_request, reply) => sendJson(reply, 200, admin.status())],
    [getPeers, (_request, reply) => sendJson(reply, 200, { peers: admin.status()["peers"] })],
    [getConfig, (_request, reply) => sendJson(reply, 200, admin.config())],
    [getBuild, (_request, reply) => sendJson(reply, 200, admin.build())],
    [getMetrics, metrics],
    [setPeerState, setState],
    [getAudit, audit],
  ]);
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
