/**
 * Hands a request to the replica's own process, over a socket of this machine, and its answer back.
 *
 *     client ──▶ reader ──(whatever is no plain read)──▶ replica
 *            ◀── its answer, as it came ◀───────────────
 *
 * Nothing is read into memory and nothing is decided here: bodies and streams pass through, each as fast as
 * its slower side takes it. The replica authenticates again; what a reader adds is only where the client
 * came from, in a header that no client can set, because a reader overwrites it.
 */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { Agent, request as httpRequest } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Request } from "express";
import { AtollError, errorText } from "@atoll/core";
import type { Log } from "@atoll/core";
import type { Reply } from "./answer.ts";
import { ClientGone } from "./body.ts";
import { endToEnd, endToEndAsWritten, isSafe } from "./hops.ts";

export const CLIENT_ADDRESS = "atoll-client-address";

/** Nobody listens: nothing of the request has left. */
const NEVER_SENT: readonly unknown[] = ["ECONNREFUSED", "ENOENT"];

export class HandOver {
  readonly #socketPath: string;
  readonly #log: Log;
  readonly #agent = new Agent({ keepAlive: true });

  /** `socketPath`: where the replica's process listens. */
  constructor({ socketPath, log }: { readonly socketPath: string; readonly log: Log }) {
    this.#socketPath = socketPath;
    this.#log = log;
  }

  /** Rejects with `AtollError` while nothing has been answered: draining, overloaded, outcome-unknown. */
  async pass(request: Request, reply: Reply): Promise<void> {
    const outgoing = this.#open(request);
    const leave = (): void => {
      if (!reply.writableFinished) outgoing.destroy(new ClientGone("the client is gone"));
    };
    reply.once("close", leave);
    request.once("error", leave);
    try {
      const incoming = await answerOf(outgoing, request);
      reply.writeHead(incoming.statusCode ?? 502, endToEndAsWritten(incoming));
      reply.flushHeaders(); // a stream says that it is there before it says anything else
      await pipeline(incoming, reply);
    } catch (error) {
      outgoing.destroy();
      if (error instanceof ClientGone || reply.destroyed)
        throw new ClientGone("the client is gone");
      if (reply.headersSent) {
        this.#log.warn("answer-cut", { path: request.url, reason: errorText(error) });
        reply.destroy();
        return;
      }
      throw unanswered(error, request);
    } finally {
      reply.off("close", leave);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(request: Request): ClientRequest {
    const { method, url: path, headers, socket } = request;
    const passed: OutgoingHttpHeaders = endToEnd(headers);
    delete passed["expect"]; // answered by this process
    passed[CLIENT_ADDRESS] = socket.remoteAddress ?? "";
    if (headers["transfer-encoding"] !== undefined) passed["transfer-encoding"] = "chunked";
    const { "content-length": length, "transfer-encoding": coding } = headers;
    const outgoing = httpRequest({
      ...{ socketPath: this.#socketPath, agent: this.#agent, method, path, headers: passed },
    });
    if (length === undefined && coding === undefined) outgoing.end();
    else request.pipe(outgoing);
    return outgoing;
  }
}

function answerOf(outgoing: ClientRequest, request: Request): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once("response", resolve);
    // Kept for the whole exchange: an answer that comes before the body has been taken may end in an error.
    outgoing.on("error", (error) => {
      request.unpipe(outgoing);
      reject(error);
    });
  });
}

function unanswered(error: unknown, { method }: Request): AtollError {
  const { code } = error as NodeJS.ErrnoException;
  if (NEVER_SENT.includes(code)) {
    return new AtollError("draining", "this region is starting or stopping", {
      retryAfterSeconds: 1,
    });
  }
  if (isSafe(method)) {
    return new AtollError("overloaded", "this region did not answer", { retryAfterSeconds: 1 });
  }
  return new AtollError(
    "outcome-unknown",
    "the answer to this write did not come; it may have been applied",
    { mend: "read the profile before writing it again" },
  );
}
