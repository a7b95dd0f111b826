/**
 * Hands a request on to the region that has what its session has seen, and its answer back.
 *
 *     client ──▶ this region ──(not covered in time)──▶ the region with the newest unmet writes
 *            ◀────────────── its answer, as it came ◀──
 *
 * The mistake to avoid is an answer that lies about a write. Reads may be given up and tried again. A
 * write is handed on only because it was not even tried here; once its bytes may have reached the other
 * region, only that region knows what became of it, and no answer from there is answered 502
 * `outcome-unknown`, never "not now". Writes therefore travel on connections of their own: on a kept-
 * alive one, nobody can tell a connection that was closed before from one that was closed because.
 */
import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Request } from "express";
import { AtollError, errorText, isAtollError, limits } from "@atoll/core";
import type { Clock, Log, RegionName } from "@atoll/core";
import { relay } from "./answer.ts";
import type { Reply } from "./answer.ts";
import { departureSignal } from "./departure.ts";
import { FORWARDED_BY, forwardedMark } from "./forwarded.ts";
import { endToEnd, isSafe } from "./hops.ts";

export interface ForwardBounds {
  readonly forwardsMax?: number;
  readonly connectMsMax?: number;
  readonly answerMsMax?: number;
}

export interface ForwarderOptions extends ForwardBounds {
  readonly region: RegionName;
  /** Where each region answers clients: an origin, `http` or `https`, by the region's name. */
  readonly urls: ReadonlyMap<string, URL>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A request that could not be served here. */
export interface Forwardable {
  readonly request: Request;
  readonly reply: Reply;
  /** As it was received; undefined when it was not read, because nobody needs it. */
  readonly body: Uint8Array | undefined;
  /** What the other region may still wait; undefined when the client named no time. */
  readonly waitMs: number | undefined;
}

/** No answer of the other region's, and whether it can have seen the request. */
class Unanswered extends Error {
  readonly wasSent: boolean;

  constructor(reason: string, wasSent: boolean) {
    super(reason);
    this.wasSent = wasSent;
  }
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #forwardsMax: number;
  readonly #connectMsMax: number;
  readonly #answerMsMax: number;
  readonly #httpAgent: Agent;
  readonly #httpsAgent: HttpsAgent;
  #underWay = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#forwardsMax = options.forwardsMax ?? limits.FORWARDS_MAX;
    this.#connectMsMax = options.connectMsMax ?? limits.FORWARD_CONNECT_MS_MAX;
    this.#answerMsMax = options.answerMsMax ?? limits.FORWARD_ANSWER_MS_MAX;
    this.#httpAgent = new HttpAgent({ keepAlive: true });
    this.#httpsAgent = new HttpsAgent({ keepAlive: true });
  }

  /** Whether there is anybody to hand a request to. */
  get isUseful(): boolean {
    return this.#options.urls.size > 0;
  }

  /** Throws what it was given unless that is a session whose writes another region is known to have. */
  async instead(thrown: unknown, forwardable: Forwardable): Promise<void> {
    if (!isAtollError(thrown) || thrown.code !== "session-not-available") throw thrown;
    const [region] = thrown.data.missingRegions ?? [];
    const url = region === undefined ? undefined : this.#options.urls.get(region);
    if (region === undefined || url === undefined) throw thrown;
    if (this.#underWay >= this.#forwardsMax) {
      throw new AtollError("overloaded", "too many requests wait for other regions to answer", {
        retryAfterSeconds: 1,
      });
    }
    this.#underWay++;
    try {
      await this.#exchange(url, forwardable);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      throw this.#unanswered(error, region, thrown, forwardable);
    } finally {
      this.#underWay--;
    }
  }

  async #exchange(url: URL, forwardable: Forwardable): Promise<void> {
    const { clock, log, region } = this.#options;
    const { request, reply, waitMs } = forwardable;
    const departure = departureSignal(reply);
    departure.throwIfAborted();
    const outgoing = this.#open(url, forwardable);
    let incoming: IncomingMessage | undefined;
    let isLeft = false;
    const leave = (): void => {
      isLeft = (incoming?.errored ?? null) === null; // else it is we who have cut it off
      outgoing.destroy(departure.reason as Error);
    };
    departure.addEventListener("abort", leave);
    const patienceMs = (waitMs ?? limits.RECEIPT_WAIT_MS_DEFAULT) + this.#answerMsMax;
    const overdue = clock.after(patienceMs, () =>
      outgoing.destroy(new Error(`no answer within ${patienceMs} ms`)),
    );
    try {
      incoming = await this.#answerOf(outgoing, url);
      const headers = endToEnd(incoming.headers);
      headers[FORWARDED_BY] = region;
      await relay(reply, incoming.statusCode ?? 502, headers, incoming);
    } catch (error) {
      outgoing.destroy();
      if (isLeft) throw departure.reason;
      if (!reply.headersSent) throw error;
      const { requestId } = reply.locals; // half an answer: the connection has been cut off
      log.warn("forwarded-answer-cut", { requestId, path: request.path, reason: errorText(error) });
    } finally {
      overdue.cancel();
      departure.removeEventListener("abort", leave);
    }
  }

  #open(url: URL, { request, reply, body, waitMs }: Forwardable): ClientRequest {
    const headers = endToEnd(request.headers);
    for (const name of OF_THIS_HOP) delete headers[name];
    headers["Request-Id"] = reply.locals.requestId;
    headers[FORWARDED_BY] = forwardedMark(this.#options.region, waitMs);
    if (body !== undefined) headers["Content-Length"] = body.length;
    const isTls = url.protocol === "https:";
    // `agent: false`: a connection for this request alone, see above.
    const kept = isTls ? this.#httpsAgent : this.#httpAgent;
    const target = {
      hostname: url.hostname.replace(/^\[|\]$/g, ""), // IPv6 stands in brackets in URLs alone
      port: url.port === "" ? undefined : url.port,
      method: request.method,
      path: pathOf(request),
      headers,
      agent: isSafe(request.method) ? kept : (false as const),
    };
    const outgoing = isTls ? httpsRequest(target) : httpRequest(target);
    outgoing.end(body);
    return outgoing;
  }

  #answerOf(outgoing: ClientRequest, url: URL): Promise<IncomingMessage> {
    const { clock } = this.#options;
    let wasSent = false;
    const connecting = clock.after(this.#connectMsMax, () =>
      outgoing.destroy(new Error(`no connection within ${this.#connectMsMax} ms`)),
    );
    const connected = (): void => {
      wasSent = true; // from here on the bytes are out of our hands
      connecting.cancel();
    };
    outgoing.on("socket", (socket) => {
      if (outgoing.reusedSocket) connected();
      else socket.once(url.protocol === "https:" ? "secureConnect" : "connect", connected);
    });
    return new Promise((resolve, reject) => {
      outgoing.on("error", (error) => {
        connecting.cancel();
        // The code alone: addresses inside are not the client's business.
        reject(new Unanswered((error as NodeJS.ErrnoException).code ?? error.message, wasSent));
      });
      outgoing.on("response", (incoming) => {
        connecting.cancel();
        // A load balancer's own 502 is no answer, and its 404 must not pass for one.
        if (incoming.headers["served-by-region"] !== undefined) return resolve(incoming);
        reject(new Unanswered(`status ${incoming.statusCode ?? 0} from no region`, true));
        outgoing.destroy();
      });
    });
  }

  #unanswered(
    { message, wasSent }: Unanswered,
    region: string,
    refusal: AtollError,
    { request, reply }: Forwardable,
  ): AtollError {
    if (wasSent && !isSafe(request.method)) {
      const { requestId } = reply.locals;
      this.#options.log.warn("forwarded-write-unanswered", { requestId, region, reason: message });
      return new AtollError(
        "outcome-unknown",
        `the write was handed on to ${region}, whose answer did not come (${message}): ` +
          "it may have been applied there; here it was not",
        { mend: "read the profile before writing it again" },
      );
    }
    return new AtollError(
      "session-not-available",
      `${refusal.message}, and ${region} does not answer (${message})`,
      refusal.data,
    );
  }
}

/** Set anew for the connection between the regions, and for whether the body goes along. */
const OF_THIS_HOP = ["host", "expect", "content-length", "forwarded-by-region", "request-id"];
/** Never the target as it was sent: in absolute form it names a host of the client's choice. */
function pathOf(request: Request): string {
  const { originalUrl } = request;
  if (originalUrl.startsWith("/")) return originalUrl;
  const { pathname, search } = new URL(originalUrl, "http://atoll");
  return pathname + search;
}
