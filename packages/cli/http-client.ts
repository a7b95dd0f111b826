/**
 * HTTP as the command needs it: kept-alive connections, a bounded answer, and nothing thrown away.
 *
 * `node:http` rather than `fetch`, because the demo sends tens of thousands of requests from the machine
 * that also serves them. A status is an ordinary answer, whatever it is; only a connection that fails
 * rejects, with a `ConnectionError`.
 */
import { Agent, request as requestHttp } from "node:http";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { Agent as SecureAgent, request as requestHttps } from "node:https";
import { AtollError, limits } from "@atoll/core";
import { commandCredential } from "@atoll/server";

export interface HttpRequest {
  readonly method: "GET" | "PUT" | "PATCH" | "DELETE" | "POST";
  readonly url: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The same as it came. */
  readonly bytes: Buffer;
}

export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

export class HttpClient {
  readonly #plain: Agent;
  readonly #secure: SecureAgent;
  readonly #authorization: OutgoingHttpHeaders | undefined;

  /** `credential`: of the environment unless another is named. */
  constructor({
    connections,
    credential = commandCredential(),
  }: {
    readonly connections: number;
    readonly credential?: string | undefined;
  }) {
    this.#authorization =
      credential === undefined ? undefined : { authorization: `Bearer ${credential}` };
    const options = { keepAlive: true, maxSockets: connections, scheduling: "lifo" as const };
    this.#plain = new Agent(options);
    this.#secure = new SecureAgent(options);
  }

  send({ method, url, headers, body, timeoutMs }: HttpRequest): Promise<HttpAnswer> {
    const target = new URL(url);
    const isSecure = target.protocol === "https:";
    const start = isSecure ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(new ConnectionError(`${target.host}: ${error.message}`, { cause: error }));
      };
      const all: OutgoingHttpHeaders = { ...this.#authorization, ...headers };
      if (body !== undefined) all["content-length"] = Buffer.byteLength(body);
      const outgoing = start(target, {
        method,
        headers: all,
        agent: isSecure ? this.#secure : this.#plain,
        timeout: timeoutMs ?? limits.COMMAND_REQUEST_MS_MAX,
      });
      outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
      outgoing.on("error", fail);
      outgoing.on("response", (incoming) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > limits.COMMAND_ANSWER_BYTES_MAX) {
            outgoing.destroy(new Error("the answer is too large"));
          }
        });
        incoming.on("error", fail);
        incoming.on("end", () => {
          const all = Buffer.concat(chunks);
          const { statusCode: status = 0, headers: received } = incoming;
          resolve({ status, headers: received, body: all.toString("utf8"), bytes: all });
        });
      });
      outgoing.end(body);
    });
  }

  /** Lets go of idle connections; those in use end with their answer. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }
}

/** For a command that asks one region. `which`: of its URLs; who does not answer is told in one line. */
export async function sendOrTell(
  http: HttpClient,
  request: HttpRequest,
  which: "admin" | "REST",
): Promise<HttpAnswer> {
  try {
    return await http.send(request);
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    throw new AtollError("malformed-request", error.message, {
      mend: `name the ${which} URL of a region that runs, with --endpoint`,
    });
  }
}

/** What an answer that is no success says about itself, in one line. */
export function problemText({ status, body }: HttpAnswer): string {
  const problem = parseJson(body);
  if (typeof problem !== "object" || problem === null) return `status ${status}`;
  const { title, detail } = problem as { readonly title?: unknown; readonly detail?: unknown };
  const words = [title, detail].filter((part) => typeof part === "string" && part !== "");
  return `status ${status}${words.length > 0 ? `: ${words.join(": ")}` : ""}`;
}

/** Undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
