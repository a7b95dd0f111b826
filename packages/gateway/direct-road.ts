/**
 * The short way to the one resource that nearly all requests are about.
 *
 *     GET /v1/profiles/ada          ──▶ gate ──▶ handler
 *     GET /v1/profiles/ada?fields=… ──▶ Express ──▶ gate ──▶ handler
 *
 * To find a route costs Express more than to read a profile costs us: it gives every request and answer
 * another prototype, and walks layers that take the path apart. So a target that is spelt as plainly as
 * can be is recognised first, and what is mounted for it is called: the very same handlers, behind the
 * same gate, by the same line of the policy. Whatever is not plain (a query, an escape, a method that is
 * not mounted, an Accept that must be negotiated) goes the long way and means what it means there.
 *
 * The price: a handler of this resource may use of a request what Node gives it, its `params` and its
 * `originalUrl`, and nothing else of Express.
 */
import type { Request } from "express";
import { assert } from "@atoll/core";
import type { Handler, Reply } from "./answer.ts";
import { isPlainAccept } from "./media-type.ts";
import type { Resource } from "./resource.ts";

const PARAMETER = "/:id";
/** Ids that can stand in a path as they are; what is no id is refused by the handler. */
const PLAIN_ID = /^[A-Za-z0-9._:~-]{1,128}$/;

export class DirectRoad {
  readonly #prefix: string;
  readonly #resource: Resource;

  constructor(resource: Resource) {
    assert(resource.path.endsWith(PARAMETER), "the resource has one parameter, at its end");
    this.#prefix = resource.path.slice(0, 1 - PARAMETER.length);
    this.#resource = resource;
  }

  /** What answers this request; undefined when the router has to find that out. */
  handlerOf(request: Request): Handler | undefined {
    const { url, method, headers } = request;
    if (!url.startsWith(this.#prefix) || !isPlainAccept(headers.accept)) return undefined;
    const id = url.slice(this.#prefix.length);
    const handler = PLAIN_ID.test(id) ? this.#resource.handlers.get(method) : undefined;
    if (handler === undefined) return undefined;
    request.params = { id };
    request.originalUrl = url;
    return handler;
  }

  /** Calls it; whatever it throws or rejects with comes to `failed`, as Express would have it. */
  static walk(
    handler: Handler,
    request: Request,
    reply: Reply,
    failed: (thrown: unknown) => void,
  ): void {
    try {
      const working = handler(request, reply);
      if (working instanceof Promise) working.catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  }
}
