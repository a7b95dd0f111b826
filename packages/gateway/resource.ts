/**
 * A path and the methods it has, declared together.
 *
 * OPTIONS, `Allow` and the 405 for everything else follow from the declaration, so that no route
 * can forget them or disagree with itself. The same holds for who may come in: what the policy does
 * not name cannot be mounted.
 */
import type { Express } from "express";
import { AtollError } from "@atoll/core";
import { send } from "./answer.ts";
import type { Handler, Reply } from "./answer.ts";
import { accessOf } from "./policy.ts";
import { traceRequest } from "./request-tracing.ts";

export interface Methods {
  /** Serves HEAD too. */
  readonly get?: Handler;
  readonly put?: Handler;
  readonly patch?: Handler;
  readonly post?: Handler;
  readonly delete?: Handler;
  /** RFC 10008: a read that has a body. */
  readonly query?: Handler;
  /** Media types that PATCH takes. */
  readonly acceptPatch?: readonly string[];
}

/** What was mounted. */
export interface Resource {
  readonly path: string;
  /** By method, as HTTP writes it; each goes through the gate by the policy's line for it. */
  readonly handlers: ReadonlyMap<string, Handler>;
}

export function mountResource(app: Express, path: string, methods: Methods): Resource {
  const route = app.route(path);
  const allow: string[] = [];
  const handlers = new Map<string, Handler>();
  const guarded = (method: string, handler: Handler): Handler => {
    const access = accessOf(method, path);
    const behindGate: Handler = (request, reply) => {
      const { locals } = reply;
      locals.route = path;
      if (locals.tracing !== undefined) traceRequest(locals.tracing, request, reply, access);
      return locals.gate.pass(request, reply, access, handler);
    };
    handlers.set(method.toUpperCase(), behindGate);
    return behindGate;
  };
  if (methods.get !== undefined) {
    route.get(guarded("get", methods.get));
    allow.push("GET", "HEAD");
  }
  if (methods.post !== undefined) {
    route.post(guarded("post", methods.post));
    allow.push("POST");
  }
  if (methods.put !== undefined) {
    route.put(guarded("put", methods.put));
    allow.push("PUT");
  }
  if (methods.patch !== undefined) {
    route.patch(guarded("patch", methods.patch));
    allow.push("PATCH");
  }
  if (methods.query !== undefined) {
    // Newer than the types: Express has a method for each that Node's parser knows.
    const guardedQuery = guarded("query", methods.query);
    (route as typeof route & { query(handler: Handler): void }).query(guardedQuery);
    allow.push("QUERY");
  }
  if (methods.delete !== undefined) {
    route.delete(guarded("delete", methods.delete));
    allow.push("DELETE");
  }
  allow.push("OPTIONS");
  route.options((_request, reply: Reply) => {
    const acceptPatch = methods.acceptPatch?.join(", ");
    const headers = { Allow: allow.join(", ") };
    send(
      reply,
      204,
      acceptPatch === undefined ? headers : { ...headers, "Accept-Patch": acceptPatch },
    );
  });
  route.all(() => {
    throw new AtollError("method-not-allowed", `this path has ${allow.join(", ")}`, { allow });
  });
  return { path, handlers };
}
