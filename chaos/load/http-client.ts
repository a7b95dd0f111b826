/**
 * The workload's client, over HTTP: what the simulator asks in memory is asked here of real processes.
 *
 * What became of a request decides everything that follows, so no doubt is resolved by guessing: a connection
 * that was never made is a refusal, and everything else without an answer is unknown. Nothing is repeated.
 */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { Agent, request as httpRequest } from "node:http";
import type {
  Outcome,
  ProfileClient,
  ProfileEdit,
  RequestOptions,
  WriteRequest,
} from "@atoll/simulation/workload";

/** Beyond what a request itself asks to wait. Longer than a region may take to notice anything. */
const ANSWER_MS_MAX = 10_000;
/** To each region, as a pool of a real client holds them: more than that wait for a free one. */
const SOCKETS_MAX = 24;
/** Nothing of the request has left: what TCP says of a host where nobody listens. */
const NEVER_SENT = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"];
/** What a write may have done although it was answered with an error. */
const DOUBTFUL: readonly string[] = ["internal", "outcome-unknown", "durability-not-met"];

interface Body {
  readonly type: string;
  readonly value: unknown;
}

export class HttpClient implements ProfileClient {
  readonly #targets: readonly { readonly host: string; readonly port: number }[];
  readonly #agents: readonly Agent[];

  /** Where each region answers clients, by its place. */
  constructor(targets: readonly { readonly host: string; readonly port: number }[]) {
    this.#targets = targets;
    this.#agents = targets.map(() => new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX }));
  }

  read(region: number, id: string, options: RequestOptions): Promise<Outcome> {
    return this.#send(region, "GET", `/v1/profiles/${id}`, headersOf(options), undefined);
  }

  write(region: number, id: string, edit: ProfileEdit, request: WriteRequest): Promise<Outcome> {
    const { ifMatch, ifNoneMatch, durability } = request;
    const headers = headersOf(request);
    if (ifMatch !== undefined) headers["if-match"] = ifMatch.map((tag) => `"${tag}"`).join(", ");
    if (ifNoneMatch !== undefined) headers["if-none-match"] = ifNoneMatch;
    if (durability !== undefined) {
      headers["prefer"] = `${String(headers["prefer"])}, durability=${durability}`;
    }
    const path = `/v1/profiles/${id}`;
    if (edit.kind === "put") {
      const body = { type: "application/json", value: edit.value };
      return this.#send(region, "PUT", path, headers, body);
    }
    if (edit.kind === "delete") return this.#send(region, "DELETE", path, headers, undefined);
    return this.#send(region, "PATCH", `${path}?upsert=true`, headers, patchOf(edit));
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  #send(
    region: number,
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    body: Body | undefined,
  ): Promise<Outcome> {
    const text = body === undefined ? undefined : JSON.stringify(body.value);
    if (body !== undefined) headers["content-type"] = body.type;
    if (text !== undefined) headers["content-length"] = Buffer.byteLength(text);
    return new Promise((resolve) => {
      const request = httpRequest(
        { ...this.#targets[region], agent: this.#agents[region], method, path, headers },
        (answer) => {
          collect(answer).then(
            (said) => resolve(outcomeOf(method, headers, answer, said)),
            () => resolve({ kind: "unknown" }),
          );
        },
      );
      request.setTimeout(ANSWER_MS_MAX, () => request.destroy());
      request.on("error", (error: NodeJS.ErrnoException) => {
        const isUnsent = NEVER_SENT.includes(error.code ?? "");
        resolve(isUnsent ? { kind: "refused", code: "unreachable" } : { kind: "unknown" });
      });
      request.end(text);
    });
  }
}

/** `handling` is always said, so no region hands a session on to another: we choose who answers. */
function headersOf({ token, waitMs, handling }: RequestOptions): OutgoingHttpHeaders {
  return {
    prefer: `wait=${waitMs / 1_000}, handling=${handling}`,
    ...(token !== undefined && { "session-token": token }),
  };
}

function patchOf(edit: Exclude<ProfileEdit, { kind: "put" | "delete" }>): Body {
  switch (edit.kind) {
    case "merge-patch":
      return { type: "application/merge-patch+json", value: edit.patch };
    case "json-patch":
      return { type: "application/json-patch+json", value: edit.operations };
    case "increment": {
      const value = [{ op: "increment", path: edit.pointer, by: edit.by }];
      return { type: "application/vnd.atoll.ops+json", value };
    }
    case "operations":
      return { type: "application/vnd.atoll.ops+json", value: edit.operations };
    case "revert":
      throw new Error("the workload draws no reverts");
  }
}

async function collect(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function outcomeOf(
  method: string,
  asked: OutgoingHttpHeaders,
  answer: IncomingMessage,
  text: string,
): Outcome {
  const { headers, statusCode = 0 } = answer;
  const token = headerOf(headers, "session-token");
  const isStale = headerOf(headers, "session-status") === "stale";
  const receipt = headerOf(headers, "durable-in")?.split(", ");
  const durableIn = receipt && { durableIn: receipt };
  if ((statusCode === 200 || statusCode === 201) && token !== undefined) {
    const etag = (headerOf(headers, "etag") ?? "").slice(1, 23); // without quotes and variant
    const heads = headerOf(headers, "document-heads")?.split(", ") ?? [];
    const changed = method === "GET" ? undefined : changedBy(asked, statusCode, etag);
    const about = { etag, heads, token, isStale, ...durableIn };
    return { kind: "found", json: text, ...about, ...(changed !== undefined && { changed }) };
  }
  if ((statusCode === 204 || statusCode === 404) && token !== undefined) {
    return { kind: "absent", token, isStale, ...durableIn };
  }
  const code = codeOf(text) ?? `status-${statusCode}`;
  const isDoubtful = method !== "GET" && DOUBTFUL.includes(code);
  return isDoubtful ? { kind: "unknown" } : { kind: "refused", code };
}

/** Whether something was recorded, where the answer lets one know. */
function changedBy(asked: OutgoingHttpHeaders, status: number, etag: string): boolean | undefined {
  if (status === 201) return true;
  const guard = asked["if-match"];
  return typeof guard === "string" ? guard !== `"${etag}"` : undefined;
}

function codeOf(text: string): string | undefined {
  try {
    const { type } = JSON.parse(text) as { type?: string };
    return type?.split("/").at(-1);
  } catch {
    return undefined;
  }
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
