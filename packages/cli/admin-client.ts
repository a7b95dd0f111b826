/**
 * Asking one region's admin listener: JSON there and back, and every other answer told as what it is.
 */
import { AtollError } from "@atoll/core";
import type { ErrorCode } from "@atoll/core";
import { HttpClient, parseJson, problemText, sendOrTell } from "./http-client.ts";
import type { HttpAnswer, HttpRequest } from "./http-client.ts";

export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
}

const CODE_BY_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "not-found"],
]);

/** A status that several problems share: the document says which it is. */
const CODES_BY_TYPE: ReadonlySet<string> = new Set<ErrorCode>([
  "cut-unavailable",
  "already-running",
  "document-quarantined",
]);

export class AdminClient {
  readonly #endpoint: string;
  readonly #http: HttpClient;

  /** `credential`: of the environment unless another is named. */
  constructor(endpoint: string, credential?: string) {
    this.#endpoint = endpoint;
    this.#http = new HttpClient({
      connections: 1,
      ...(credential !== undefined && { credential }),
    });
  }

  /** Resolves for the statuses that are named; everything else is an `AtollError` in one line. */
  async ask(
    method: HttpRequest["method"],
    path: string,
    expected: readonly number[] = [200],
    sent: unknown = {},
  ): Promise<AdminAnswer> {
    const answer = await this.#send(method, path, sent);
    if (expected.includes(answer.status)) {
      return { status: answer.status, body: parseJson(answer.body) };
    }
    throw failureOf(this.#endpoint, answer);
  }

  #url(path: string): string {
    return `${this.#endpoint}/admin/v1${path}`;
  }

  /** Sends or receives bytes as they are. */
  async askBytes(
    method: "GET" | "POST",
    path: string,
    sent?: { readonly type: string; readonly bytes: Uint8Array },
  ): Promise<HttpAnswer> {
    const request = {
      method,
      url: this.#url(path),
      ...(sent && { headers: { "content-type": sent.type }, body: sent.bytes }),
    };
    const answer = await sendOrTell(this.#http, request, "admin");
    if (answer.status === 200) return answer;
    throw failureOf(this.#endpoint, answer);
  }

  close(): void {
    this.#http.close();
  }

  async #send(method: HttpRequest["method"], path: string, sent: unknown): Promise<HttpAnswer> {
    const hasBody = method === "POST" || method === "PUT";
    const request = {
      method,
      url: this.#url(path),
      ...(hasBody && {
        headers: { "content-type": "application/json" },
        body: JSON.stringify(sent),
      }),
    };
    return sendOrTell(this.#http, request, "admin");
  }
}

/** Runs `work` with a client of its own. */
export async function withAdmin<T>(
  endpoint: string,
  work: (admin: AdminClient) => Promise<T>,
  credential?: string,
): Promise<T> {
  const admin = new AdminClient(endpoint, credential);
  try {
    return await work(admin);
  } finally {
    admin.close();
  }
}

/** What `of` has answered, as the failure that a person is told. */
export function failureOf(of: string, answer: HttpAnswer): AtollError {
  const code = codeOf(answer);
  const isRefused = code === "unauthenticated" || code === "forbidden";
  return new AtollError(code, `${of}: ${problemText(answer)}`, {
    ...(isRefused && { mend: "Set ATOLL_TOKEN to an API key or a token with the right role." }),
  });
}

function codeOf({ status, body }: HttpAnswer): ErrorCode {
  const problem = parseJson(body) as { readonly type?: unknown } | null | undefined;
  const type = typeof problem?.type === "string" ? problem.type.split("/").at(-1) : undefined;
  if (type !== undefined && CODES_BY_TYPE.has(type)) return type as ErrorCode;
  return CODE_BY_STATUS.get(status) ?? "malformed-request";
}
