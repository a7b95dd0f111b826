/**
 * The real applications on a free port of this machine, for tests, and clients that hide nothing.
 *
 * `call` shows an answer as it came, without following, decoding or throwing; `exchange` sends
 * bytes that are no request at all.
 */
import { Agent, request as httpRequest } from "node:http";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, RequestListener, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { ManualClock, MemoryLog, SeededRandom, systemClock } from "@atoll/core";
import type { RegionName } from "@atoll/core";
import { createAdminApp, createPublicApp } from "./app.ts";
import type { PublicAppDeps } from "./app.ts";
import { FakeAdmin, FakeService } from "./fake-service.ts";
import { createHttpServer } from "./http-server.ts";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  json(): Record<string, unknown>;
}

export interface CallOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** Sends the body in pieces, without Content-Length. */
  readonly chunked?: boolean;
}

export interface OpenOptions extends Pick<
  PublicAppDeps,
  "forwardTo" | "forwardBounds" | "gate" | "corsOrigins" | "logRequests"
> {
  readonly region?: string;
}

export class Loopback {
  readonly service = new FakeService();
  readonly admin = new FakeAdmin();
  readonly log = new MemoryLog();
  /** Time stands still; turns of the event loop do not. */
  readonly clock = Object.assign(new ManualClock(), {
    afterTurn: (run: () => void) => systemClock.afterTurn(run),
  });
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  #server: Server | undefined;

  async open(app: "public" | "admin" = "public", options: OpenOptions = {}): Promise<void> {
    const { service, admin, log, clock } = this;
    service.region = (options.region ?? "eu") as RegionName;
    const random = new SeededRandom("gateway");
    const deps = {
      service,
      admin,
      links: () => admin.links,
      log,
      clock,
      random,
      region: service.region,
      version: "1.2.3",
      ...(options.gate && { gate: options.gate }),
      ...(options.corsOrigins && { corsOrigins: options.corsOrigins }),
      ...(options.logRequests && { logRequests: options.logRequests }),
      ...(options.forwardTo && { forwardTo: options.forwardTo }),
      ...(options.forwardBounds && { forwardBounds: options.forwardBounds }),
    };
    await this.serve(app === "public" ? createPublicApp(deps) : createAdminApp(deps));
  }

  async serve(listener: RequestListener): Promise<void> {
    const server = createHttpServer(listener);
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo).port;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}`);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }

  call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const { body, chunked = false } = options;
    const headers: OutgoingHttpHeaders = { ...options.headers };
    if (chunked) headers["Transfer-Encoding"] = "chunked";
    else if (body !== undefined) headers["Content-Length"] = Buffer.byteLength(body);
    return new Promise((resolve, reject) => {
      const target = { host: "127.0.0.1", port: this.port, agent: this.#agent };
      const request = httpRequest({ ...target, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: () => JSON.parse(text) as Record<string, unknown>,
          });
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  /** A write of JSON with the media type that its method takes. */
  write(method: string, path: string, body: unknown, headers: OutgoingHttpHeaders = {}) {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    return this.call(method, path, {
      headers: { "Content-Type": type, ...headers },
      body: JSON.stringify(body),
    });
  }

  /** Sends bytes as they are; resolves with all that came back once the server has hung up. */
  exchange(bytes: string): Promise<string> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const socket = connect(this.port, "127.0.0.1", () => socket.write(bytes, "latin1"));
      socket.on("data", (chunk) => chunks.push(chunk));
      socket.on("error", () => undefined); // a reset is one way of hanging up
      socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    });
  }
}
