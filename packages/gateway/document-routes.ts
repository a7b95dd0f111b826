/** A profile's document for programs that speak Automerge themselves: whole, or what they lack of it. */
import type { Express, Request } from "express";
import { sendCoded } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { parseQuery } from "./contract/operation.ts";
import { getChanges, getSnapshot } from "./contract/reads.ts";
import type { Exchange } from "./exchange.ts";
import { noSuchProfile } from "./exchange.ts";
import { CHANGES_TYPE, DOCUMENT_TYPE } from "./media-type.ts";
import { sendProblem } from "./problem.ts";
import { profileIdOf } from "./request.ts";

export function mountDocumentRoutes(app: Express, exchange: Exchange): void {
  const { past } = exchange.service;

  async function snapshot(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    await exchange.read(request, reply, {
      ask: (session) => past.snapshot(id, session),
      answer(answer, headers) {
        if (answer.kind === "absent") return sendProblem(request, reply, noSuchProfile(), headers);
        const { etag, bytes } = answer.value;
        const all = { ...headers, "Content-Type": DOCUMENT_TYPE, ETag: `"${etag}.a"` };
        return sendCoded(reply, 200, all, bytes);
      },
    });
  }

  async function changes(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    const { heads = [] } = parseQuery(request, getChanges.query);
    await exchange.read(request, reply, {
      ask: (session) => past.changes(id, heads, session),
      answer(answer, headers) {
        if (answer.kind === "absent") return sendProblem(request, reply, noSuchProfile(), headers);
        const all = { ...headers, "Content-Type": CHANGES_TYPE };
        return sendCoded(reply, 200, all, Buffer.concat(answer.value));
      },
    });
  }

  mountOperations(app, [
    [getSnapshot, snapshot],
    [getChanges, changes],
  ]);
}
