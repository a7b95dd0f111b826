/** History, differences, conflicts and explanations of one profile: what the document remembers. */
import type { OutgoingHttpHeaders } from "node:http";
import type { Express, Request } from "express";
import { sendCoded } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { mountOperations } from "./contract-routes.ts";
import { parseBody, parseQuery } from "./contract/operation.ts";
import type { WireChange, WireValue, WireWriter } from "./contract/past.ts";
import {
  explainValue,
  getConflicts,
  getDiff,
  getHistory,
  resolveConflict,
  revertProfile,
} from "./contract/past.ts";
import type { Exchange } from "./exchange.ts";
import { PROFILES, noSuchProfile } from "./exchange.ts";
import { JSON_PATCH_TYPE, JSON_TYPE, PATCHES_TYPE } from "./media-type.ts";
import type { ChangeInfo, PastAnswer, WrittenValue } from "./past-contract.ts";
import { sendProblem } from "./problem.ts";
import type { SessionOptions } from "./profile-service.ts";
import { profileIdOf, readJsonBody } from "./request.ts";
import { writePrecondition } from "./validators.ts";

export function mountPastRoutes(app: Express, exchange: Exchange): void {
  const { past } = exchange.service;

  /** Answers what was found as JSON, and 404 otherwise. */
  function ask<T>(
    request: Request,
    reply: Reply,
    question: (session: SessionOptions) => Promise<PastAnswer<T>>,
    show: (value: T, headers: OutgoingHttpHeaders) => unknown,
  ): Promise<void> {
    return exchange.read(request, reply, {
      ask: question,
      answer(answer, headers) {
        if (answer.kind === "absent") return sendProblem(request, reply, noSuchProfile(), headers);
        const all = { "Content-Type": JSON_TYPE, ...headers };
        const body = show(answer.value, all);
        return sendCoded(reply, 200, all, JSON.stringify(body));
      },
    });
  }

  async function history(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    const { pageSize, pageToken } = parseQuery(request, getHistory.query);
    const page = { limit: pageSize, after: pageToken };
    await ask(
      request,
      reply,
      (session) => past.history(id, page, session),
      ({ changes, next }, headers) => {
        const items = changes.map(wireChange);
        if (next === undefined) return { items };
        const nextPageToken = `${next.maxOp}.${next.hash}`;
        const query = new URLSearchParams({ pageSize: `${pageSize}`, pageToken: nextPageToken });
        headers["Link"] = `<${PROFILES}/${id}/history?${query.toString()}>; rel="next"`;
        return { items, nextPageToken };
      },
    );
  }

  async function diff(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    const { from, to, format: asked } = parseQuery(request, getDiff.query);
    const isOther = request.accepts(JSON_PATCH_TYPE) === false;
    const format = isOther && request.accepts(PATCHES_TYPE) !== false ? "patches" : asked;
    await ask(
      request,
      reply,
      (session) => past.diff(id, { from, to, format }, session),
      ({ patch }, headers) => {
        headers["Content-Type"] = format === "patches" ? PATCHES_TYPE : JSON_PATCH_TYPE;
        return patch;
      },
    );
  }

  async function conflicts(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    await ask(
      request,
      reply,
      (session) => past.conflicts(id, session),
      (found) => ({
        items: found.map(({ pointer, values }) => ({
          pointer,
          winner: values[0]?.opId ?? "",
          values: values.map(wireValue),
        })),
      }),
    );
  }

  async function explain(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    const { pointer } = parseQuery(request, explainValue.query);
    await ask(
      request,
      reply,
      (session) => past.explain(id, pointer, session),
      ({ kind, value, rule, opId, writer, losers, parts }) => ({
        pointer,
        kind,
        value,
        rule,
        opId: opId ?? null,
        writer: wireWriter(writer),
        losers: losers.map(wireValue),
        parts: parts.map(wireValue),
      }),
    );
  }

  async function resolve(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    const writing = exchange.writingOf(request, reply);
    const precondition = writePrecondition(request.headers);
    const { value: body, bytes } = await readJsonBody(request, JSON_TYPE);
    const { pointer, ...choice } = parseBody(body, resolveConflict.body["application/json"]);
    const operations = [{ op: "resolve" as const, path: pointer, ...choice }];
    const edit = { kind: "operations" as const, operations };
    await exchange.write(request, reply, id, edit, precondition, { ...writing, body: bytes });
  }

  async function revert(request: Request, reply: Reply): Promise<void> {
    const id = profileIdOf(request, reply);
    const writing = exchange.writingOf(request, reply);
    const precondition = writePrecondition(request.headers);
    const { value: body, bytes } = await readJsonBody(request, JSON_TYPE);
    const { to, paths } = parseBody(body, revertProfile.body["application/json"]);
    const edit = { kind: "revert" as const, to, ...(paths && { pointers: paths }) };
    await exchange.write(request, reply, id, edit, precondition, { ...writing, body: bytes });
  }

  mountOperations(app, [
    [getHistory, history],
    [getDiff, diff],
    [getConflicts, conflicts],
    [resolveConflict, resolve],
    [revertProfile, revert],
    [explainValue, explain],
  ]);
}

function wireChange(change: ChangeInfo): WireChange {
  return { ...wireWriter(change), opCount: change.opCount };
}

function wireWriter(change: ChangeInfo): WireWriter;
function wireWriter(change: ChangeInfo | undefined): WireWriter | null;
function wireWriter(change: ChangeInfo | undefined): WireWriter | null {
  if (change === undefined) return null;
  const { hash, deps, region, actor, seq, timeMs, message, principal } = change;
  return {
    hash,
    deps: [...deps],
    region: region ?? null,
    actor,
    seq,
    time: new Date(timeMs).toISOString(),
    message: message ?? null,
    principal: principal ?? null,
  };
}

function wireValue({ opId, value, writer }: WrittenValue): WireValue {
  return { opId, value, writer: wireWriter(writer) };
}
