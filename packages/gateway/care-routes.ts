/**
 * `/admin/v1/quarantine` and `/admin/v1/verify`: what was set aside, and looking for what is damaged.
 *
 * What changes something takes a JSON object, if only an empty one, for the reason that all admin writes
 * do: a page of another site cannot send it.
 */
import type { Express, Request } from "express";
import { AtollError } from "@atoll/core";
import { send, sendJson } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import {
  dropQuarantined,
  getQuarantined,
  getVerification,
  listQuarantine,
  retryQuarantined,
  startVerification,
} from "./contract/admin-care.ts";
import { parseQuery } from "./contract/operation.ts";
import { JSON_TYPE } from "./media-type.ts";
import type { AdminService } from "./profile-service.ts";
import { readJsonObject } from "./request.ts";

export function mountCareRoutes(app: Express, admin: AdminService): void {
  const { quarantine, scrub } = admin;

  function list(request: Request, reply: Reply): void {
    const { limit } = parseQuery(request, listQuarantine.query);
    sendJson(reply, 200, quarantine.list(limit));
  }

  async function drop(request: Request, reply: Reply): Promise<void> {
    const isDropped = await quarantine.drop(idOf(request));
    found(isDropped || undefined);
    send(reply, 204, { "Cache-Control": "no-store" });
  }

  async function retry(request: Request, reply: Reply): Promise<void> {
    const id = idOf(request);
    await readJsonObject(request, JSON_TYPE);
    sendJson(reply, 200, found(await quarantine.retry(id)));
  }

  async function verify(request: Request, reply: Reply): Promise<void> {
    await readJsonObject(request, JSON_TYPE);
    if (!scrub.verify()) throw new AtollError("already-running", "a verification is running");
    sendJson(reply, 202, scrub.report());
  }

  mountOperations(app, [
    [listQuarantine, list],
    [
      getQuarantined,
      (request, reply) => sendJson(reply, 200, found(quarantine.show(idOf(request)))),
    ],
    [dropQuarantined, drop],
    [retryQuarantined, retry],
    [getVerification, (_request, reply) => sendJson(reply, 200, scrub.report())],
    [startVerification, verify],
  ]);
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
