/**
 * Asking one region's admin listener: JSON there and back, and every other answer told as what it is.
 */
import { AtollError } from "@atoll/core";
import type { ErrorCode } from "@atoll/core";
import { ConnectionError, HttpClient, parseJson, problemText } from "./http-client.ts";
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

export class AdminClient {
  readonly #endpoint: string;
  readonly #http = new HttpClient({ connections: 1 });

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** Resolves for the statuses that are named; everything else is an `AtollError` in one line. */
  async ask(
    method: HttpRequest["method"],
    path: string,
    expected: readonly number[] = [200],
  ): Promise<AdminAnswer> {
    const answer = await this.#send(method, path);
    if (expected.includes(answer.status)) {
      return { status: answer.status, body: parseJson(answer.body) };
    }
    const code = CODE_BY_STATUS.get(answer.status) ?? "malformed-request";
    const isRefused = code === "unauthenticated" || code === "forbidden";
    throw new AtollError(code, `${this.#endpoint}: ${problemText(answer)}`, {
      ...(isRefused && { mend: "Set ATOLL_TOKEN to an API key or a token with the right role." }),
    });
  }

  close(): void {
    this.#http.close();
  }

  async #send(method: HttpRequest["method"], path: string): Promise<HttpAnswer> {
    const isPost = method === "POST";
    try {
      return await this.#http.send({
        method,
        url: `${this.#endpoint}/admin/v1${path}`,
        ...(isPost && { headers: { "content-type": "application/json" }, body: "{}" }),
      });
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      throw new AtollError("malformed-request", error.message, {
        mend: "name the admin URL of a region that runs, with --endpoint",
      });
    }
  }
}

/** Runs `work` with a client of its own. */
export async function withAdmin<T>(
  endpoint: string,
  work: (admin: AdminClient) => Promise<T>,
): Promise<T> {
  const admin = new AdminClient(endpoint);
  try {
    return await work(admin);
  } finally {
    admin.close();
  }
}
