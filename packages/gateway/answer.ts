/**
 * The one place where a response is written.
 *
 * Headers are collected as plain data and handed to `writeHead` in one piece: nothing is half set
 * when a handler fails, and the read route pays for no header object, no `res.send` and no content
 * sniffing of Express. The piece is a list of names and values: of an object Node looks up each name
 * again. What every answer carries is made once, by `identifier`, the first in line.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Request, Response } from "express";
import { limits, must } from "@atoll/core";
import type { RegionName, Span, Tracing } from "@atoll/core";
import { codingFor, encode } from "./content-coding.ts";
import type { Cors } from "./cors.ts";
import type { Access } from "./policy.ts";
import type { Principal } from "./principal.ts";
import type { RequestIds } from "./request-ids.ts";
import { NO_ROUTE } from "./request-metrics.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import type { TurnAnswers } from "./turn-answers.ts";

export type AnswerLocals = {
  requestId: string;
  /** Headers of every answer to this request. */
  common: OutgoingHttpHeaders;
  gate: Gate;
  metrics: RequestMetrics;
  /** As mounted. */
  route: string;
  requestLog?: RequestLog | undefined;
  /** Undefined: off. */
  tracing?: Tracing | undefined;
  /** Of this request, where its trace is recorded. */
  span?: Span | undefined;
  /** Monotonic. */
  startedMs: number;
  /** Who asks; known once the gate has been passed. */
  principal?: Principal;
  /** What of the request the audit log should say besides its path. */
  detail?: Readonly<Record<string, string>>;
};

/** Told each answer, when its head has been written. */
export type RequestLog = (reply: Reply, status: number, ms: number) => void;

export type Reply = Response<unknown, AnswerLocals>;
export type Handler = (request: Request, reply: Reply) => void | Promise<void>;

/** What stands between a route and its handler. */
export interface Gate {
  pass(request: Request, reply: Reply, access: Access, handler: Handler): void | Promise<void>;
  /** Counts a large answer until its client has taken it. Throws overloaded, unless it must be told. */
  holdAnswer(reply: Reply, bytes: number, mustTell: boolean): void;
}

export interface IdentifyDeps {
  readonly requestIds: RequestIds;
  readonly region: RegionName;
  /** Product and version, where the listener is not open to the world. */
  readonly server?: string;
  readonly gate: Gate;
  readonly metrics: RequestMetrics;
  readonly cors?: Cors | undefined;
  readonly requestLog?: RequestLog | undefined;
  readonly tracing?: Tracing | undefined;
}

const PRINTABLE = /^[\x20-\x7e]+$/;

/** Nothing here is a page: no sniffing, no scripts, no frames, no embedding from other sites. */
const SECURITY_HEADERS: OutgoingHttpHeaders = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Never throws: what comes after relies on it, problems too. */
export function identifier(deps: IdentifyDeps): (request: Request, reply: Reply) => void {
  const fixed: OutgoingHttpHeaders = {
    "Request-Id": "", // has its place here, because an object is copied faster than put together
    ...SECURITY_HEADERS,
    "Served-By-Region": deps.region,
    ...(deps.server !== undefined && { Server: deps.server }),
  };
  return (request, reply) => {
    const requestId = requestIdOf(request, deps);
    const { gate, metrics, cors, requestLog, tracing } = deps;
    const common = { ...fixed };
    common["Request-Id"] = requestId;
    if (cors?.isOn === true) Object.assign(common, cors.headers(request.headers));
    reply.locals = {
      requestId,
      common,
      gate,
      metrics,
      route: NO_ROUTE,
      requestLog,
      tracing,
      startedMs: metrics.now(),
    };
  };
}

/** How an answer is sent. */
export interface Sending {
  /** It is about what has been done, and is not refused for want of room. */
  readonly mustTell?: boolean;
  /** With the other answers of this turn, and not at once. */
  readonly turn?: TurnAnswers | undefined;
}

/** For HEAD, Node keeps the headers and leaves the body away. */
export function send(
  reply: Reply,
  status: number,
  headers: OutgoingHttpHeaders,
  body?: string | Uint8Array,
  { turn }: Sending = {},
): void {
  const ms = msSince(reply);
  const fields = headerFields(reply, headers, ms);
  if (body !== undefined) fields.push("Content-Length", Buffer.byteLength(body));
  reply.writeHead(status, fields);
  if (turn === undefined) reply.end(body);
  else turn.end(reply, body);
  tell(reply, status, ms);
}

/** The head of an answer whose body follows in pieces. */
export function sendHead(reply: Reply, status: number, headers: OutgoingHttpHeaders): void {
  const ms = msSince(reply);
  reply.writeHead(status, headerFields(reply, headers, ms));
  reply.flushHeaders();
  tell(reply, status, ms);
}

/** The same, compressed if the client takes it so and it is worth it. Never throws away what it sends. */
export function sendCoded(
  reply: Reply,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Uint8Array,
  sending: Sending = {},
): void | Promise<void> {
  const { length } = body;
  if (length > limits.ANSWER_LARGE_BYTES) {
    reply.locals.gate.holdAnswer(reply, length, sending.mustTell ?? false);
  }
  const isTiny = body.length < limits.ANSWER_COMPRESSED_BYTES_MIN;
  const coding = isTiny ? undefined : codingFor(reply.req.headers["accept-encoding"]);
  if (coding === undefined) return send(reply, status, headers, body, sending);
  const etag = headers["ETag"];
  const coded = {
    ...headers,
    "Content-Encoding": coding,
    ...(typeof etag === "string" && { ETag: `${etag.slice(0, -1)}+${coding}"` }),
  };
  const encoded = encode(Buffer.from(body), coding);
  if (!(encoded instanceof Promise)) return send(reply, status, coded, encoded, sending);
  return encoded.then((bytes) => {
    if (!reply.destroyed) send(reply, status, coded, bytes);
  });
}

/** Hands on an answer of another region: its headers instead of ours, its body as it comes. */
export async function relay(
  reply: Reply,
  status: number,
  headers: OutgoingHttpHeaders,
  body: Readable,
): Promise<void> {
  reply.writeHead(status, headers);
  tell(reply, status, msSince(reply));
  await pipeline(body, reply);
}

/** Names and values by turns. An answer's own come instead of those of every answer; what varies, besides. */
function headerFields(
  reply: Reply,
  headers: OutgoingHttpHeaders,
  ms: number,
): OutgoingHttpHeader[] {
  const { common } = reply.locals;
  const fields: OutgoingHttpHeader[] = [];
  for (const name in common) {
    if (headers[name] === undefined) fields.push(name, must(common[name], name));
  }
  for (const name in headers) {
    const own = must(headers[name], name);
    const besides = name === "Vary" ? common[name] : undefined;
    fields.push(name, besides === undefined ? own : `${String(own)}, ${String(besides)}`);
  }
  fields.push("Server-Timing", `app;dur=${ms.toFixed(2)}`);
  return fields;
}

function msSince({ locals }: Reply): number {
  return locals.metrics.now() - locals.startedMs;
}

function tell(reply: Reply, status: number, ms: number): void {
  const { metrics, route, span, requestLog } = reply.locals;
  metrics.answered(reply.req.method, route, status, ms);
  span?.end({ attributes: { "http.response.status_code": status }, failed: status >= 500 });
  requestLog?.(reply, status, ms);
}

export function sendText(reply: Reply, status: number, text: string): void {
  const headers = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" };
  send(reply, status, headers, text);
}

/** For answers that no cache may keep: the admin listener's. */
export function sendJson(reply: Reply, status: number, value: unknown): void {
  const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
  send(reply, status, headers, JSON.stringify(value));
}

function requestIdOf(request: Request, deps: IdentifyDeps): string {
  const given = request.headers["request-id"];
  const usable =
    typeof given === "string" &&
    given.length <= limits.REQUEST_ID_CHARS_MAX &&
    PRINTABLE.test(given);
  return usable ? given : deps.requestIds.next();
}
