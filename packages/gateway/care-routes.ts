/**
 * `/admin/v1/quarantine` and `/admin/v1/verify`: what was set aside, and looking for what is damaged.
 *
 * What changes something takes a JSON object, if only an empty one, for the reason that all admin writes
 * do: a page of another site cannot send it.
 */
import type { Express, Request } from "express";
import { AtollError, limits } from "@atoll/core";
import { send, sendJson } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { JSON_TYPE } from "./media-type.ts";
import type { AdminService } from "./profile-service.ts";
import { readJsonObject } from "./request.ts";
import { mountResource } from "./resource.ts";

export function mountCareRoutes(app: Express, admin: AdminService): void {
  const { quarantine, scrub } = admin;

  mountResource(app, "/admin/v1/quarantine", {
    get: (request, reply) => sendJson(reply, 200, quarantine.list(limitOf(request))),
  });

  mountResource(app, "/admin/v1/quarantine/:id", {
    get: (request, reply) => sendJson(reply, 200, found(quarantine.show(idOf(request)))),
    async delete(request, reply): Promise<void> {
      const isDropped = await quarantine.drop(idOf(request));
      found(isDropped || undefined);
      send(reply, 204, { "Cache-Control": "no-store" });
    },
  });

  mountResource(app, "/admin/v1/quarantine/:id/retry", {
    async post(request: Request, reply: Reply): Promise<void> {
      const id = idOf(request);
      await readJsonObject(request, JSON_TYPE);
      sendJson(reply, 200, found(await quarantine.retry(id)));
    },
  });

  mountResource(app, "/admin/v1/verify", {
    get: (_request, reply) => sendJson(reply, 200, scrub.report()),
    async post(request: Request, reply: Reply): Promise<void> {
      await readJsonObject(request, JSON_TYPE);
      if (!scrub.verify()) throw new AtollError("already-running", "a verification is running");
      sendJson(reply, 202, scrub.report());
    },
  });
}

function found<T>(value: T | undefined): T {
  if (value !== undefined) return value;
  throw new AtollError("not-found", "no quarantine record has this id");
}

function idOf(request: Request): number {
  const { id } = request.params;
  if (typeof id === "string" && /^[1-9]\d{0,14}$/.test(id)) return Number(id);
  throw new AtollError("not-found", "a quarantine record's id is a whole number from 1");
}

function limitOf(request: Request): number {
  const { limit } = request.query;
  if (limit === undefined) return limits.QUARANTINE_LISTED_DEFAULT;
  const value = typeof limit === "string" && /^\d{1,6}$/.test(limit) ? Number(limit) : 0;
  if (value >= 1 && value <= limits.QUARANTINE_LISTED_MAX) return value;
  throw new AtollError(
    "malformed-request",
    `limit must be a whole number from 1 to ${limits.QUARANTINE_LISTED_MAX}`,
  );
}
