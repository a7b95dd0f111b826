/**
 * One HTTP listener, from its first connection to an end that loses no answer.
 *
 * `close` refuses new connections at once, lets the requests under way finish, and closes kept-alive
 * connections as they fall idle. Whoever is still busy after `DRAIN_MS_MAX` is cut off: a process that
 * waits for its slowest client never stops.
 */
import { chmodSync, rmSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@atoll/core";
import { limits } from "@atoll/core";
import { createHttpServer } from "@atoll/gateway";
import type { Address } from "./address.ts";

/** Idle connections are looked for this often while draining. */
const DRAIN_LOOK_MS = 50;

export interface HttpListener {
  /** The port is the real one, also when port 0 was asked for. */
  readonly address: Address;
  close(): Promise<void>;
}

/** Rejects with what `listen` says: EADDRINUSE, EACCES, EADDRNOTAVAIL. */
export async function listenForHttp(
  app: RequestListener,
  { host, port }: Address,
  clock: Clock,
): Promise<HttpListener> {
  const server = createHttpServer(app);
  await listening(server, { host, port });
  const real = (server.address() as AddressInfo).port;
  let closing: Promise<void> | undefined;
  return {
    address: { host, port: real },
    close: () => (closing ??= drain(server, clock)),
  };
}

/**
 * The same, for processes of this machine and user alone. Connections are kept for as long as those who
 * opened them like: one that closes between two requests would leave a write in doubt.
 */
export async function listenOnSocket(
  app: RequestListener,
  path: string,
  clock: Clock,
): Promise<{ close(): Promise<void> }> {
  const server = createHttpServer(app);
  server.keepAliveTimeout = 0;
  rmSync(path, { force: true }); // left by a process that was killed; whoever holds the directory is alone
  await listening(server, { path });
  chmodSync(path, 0o600);
  return { close: () => drain(server, clock) };
}

function listening(
  server: Server,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function drain(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const untilMs = clock.monotonicMs() + limits.DRAIN_MS_MAX;
    let timer = clock.after(0, look);
    server.close(() => {
      timer.cancel();
      resolve();
    });
    function look(): void {
      if (clock.monotonicMs() >= untilMs) return server.closeAllConnections();
      server.closeIdleConnections();
      timer = clock.after(DRAIN_LOOK_MS, look);
    }
  });
}
