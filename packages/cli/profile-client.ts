/**
 * Speaking to a region about profiles, as any client of it does: what one request saw, the next one sees.
 *
 * The session token is kept from request to request. A person may carry it on to the next command, in this
 * region or another one: `--session` tells it, and goes on from one that is named.
 */
import type { Command } from "commander";
import { failureOf } from "./admin-client.ts";
import { endpointUrl } from "./command-context.ts";
import type { HttpAnswer, HttpRequest } from "./http-client.ts";
import { HttpClient, sendOrTell } from "./http-client.ts";
import type { Terminal } from "./terminal.ts";

export interface SessionOptions {
  readonly endpoint: string;
  /** True: told, and begun anew. */
  readonly session?: string | true;
}

export function withSession(command: Command, endpoint: string): Command {
  return command
    .option("--endpoint <url>", "REST URL of a region", endpointUrl, endpoint)
    .option("--session [token]", "tell the session token on standard error, and go on from one");
}

export class ProfileClient {
  readonly #endpoint: string;
  readonly #http = new HttpClient({ connections: 1 });
  #token: string | undefined;

  constructor({ endpoint, session }: SessionOptions) {
    this.#endpoint = endpoint;
    this.#token = session === true ? undefined : session;
  }

  get token(): string | undefined {
    return this.#token;
  }

  /** `path` below /v1/profiles; `about`: what a refusal is told of. Throws `AtollError` for every refusal. */
  async ask(
    about: string,
    { path, headers, ...request }: Omit<HttpRequest, "url"> & { readonly path: string },
  ): Promise<HttpAnswer> {
    const asked = {
      ...request,
      url: `${this.#endpoint}/v1/profiles${path}`,
      headers: { ...headers, ...(this.#token !== undefined && { "session-token": this.#token }) },
    };
    const answer = await sendOrTell(this.#http, asked, "REST");
    const token = answer.headers["session-token"];
    if (typeof token === "string") this.#token = token;
    if (answer.status >= 300) throw failureOf(about, answer);
    return answer;
  }

  close(): void {
    this.#http.close();
  }
}

/** Runs `work` with a client of its own, and tells the session token to whoever asked for it. */
export async function withProfiles(
  options: SessionOptions,
  terminal: Terminal,
  work: (client: ProfileClient) => Promise<void>,
): Promise<void> {
  const client = new ProfileClient(options);
  try {
    await work(client);
    const { token } = client;
    if (options.session !== undefined && token !== undefined) {
      terminal.tell(`Session-Token: ${token}`);
    }
  } finally {
    client.close();
  }
}

export function profilePath(id: string): string {
  return `/${encodeURIComponent(id)}`;
}
