/**
 * `/admin/v1/documents`: one document for whoever compares regions.
 *
 * Facts are for operators. What is in a profile is for auditors, and of their own tenant: that somebody
 * mends a link gives him no right to read what goes over it.
 */
import type { Express, Request } from "express";
import { AtollError, limits } from "@atoll/core";
import { sendCoded, sendJson } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { readBody } from "./body.ts";
import { mountOperations } from "./contract-routes.ts";
import {
  getDocumentChanges,
  getDocumentContent,
  getDocumentFacts,
  listActors,
  previewMerge,
} from "./contract/admin-documents.ts";
import { CHANGES_TYPE, requireContentType } from "./media-type.ts";
import { tenantOf } from "./ownership.ts";
import type { AdminService } from "./profile-service.ts";

export function mountDocumentDeskRoutes(app: Express, admin: AdminService): void {
  const { documents } = admin;

  function facts(request: Request, reply: Reply): void {
    sendJson(reply, 200, found(documents.facts(docIdOf(request))));
  }

  /** A document whose profile is not known belongs to nobody in particular. */
  function ownDocId(request: Request, reply: Reply): string {
    const docId = docIdOf(request);
    const tenant = documents.facts(docId)?.tenant ?? tenantOf(reply);
    if (tenant !== tenantOf(reply)) throw absent();
    return docId;
  }

  function content(request: Request, reply: Reply): void {
    sendJson(reply, 200, found(documents.content(ownDocId(request, reply))));
  }

  function changes(request: Request, reply: Reply): void | Promise<void> {
    const bytes = found(documents.chunks(ownDocId(request, reply)));
    const headers = { "Content-Type": CHANGES_TYPE, "Cache-Control": "no-store" };
    return sendCoded(reply, 200, headers, bytes);
  }

  async function preview(request: Request, reply: Reply): Promise<void> {
    const docId = ownDocId(request, reply);
    requireContentType(request, [CHANGES_TYPE]);
    const theirs = await readBody(request, limits.PREVIEW_BYTES_MAX);
    sendJson(reply, 200, documents.preview(docId, theirs));
  }

  mountOperations(app, [
    [getDocumentFacts, facts],
    [getDocumentContent, content],
    [getDocumentChanges, changes],
    [previewMerge, preview],
    [listActors, (_request, reply) => sendJson(reply, 200, { actors: admin.actors() })],
  ]);
}

function docIdOf(request: Request): string {
  const { docId } = request.params;
  return typeof docId === "string" ? docId : "";
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw absent();
  return value;
}

function absent(): AtollError {
  return new AtollError("not-found", "this region has no such document that you may see");
}
