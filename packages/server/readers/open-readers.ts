/**
 * How a region with readers takes its clients: readers on the port, and a socket for what they hand over.
 */
import type { IncomingMessage, RequestListener } from "node:http";
import { join } from "node:path";
import type { Log, Meter } from "@atoll/core";
import { AtollError, limits, systemClock } from "@atoll/core";
import type { RateLimits } from "@atoll/gateway";
import { CLIENT_ADDRESS } from "@atoll/gateway";
import { addressText } from "../address.ts";
import type { RegionConfig } from "../config.ts";
import { listenOnSocket } from "../http-listener.ts";
import { listenFailure } from "../listen-failure.ts";
import type { Opened } from "../opened.ts";
import { HAND_OVER_SOCKET } from "./reader-messages.ts";
import { ReaderPool } from "./reader-pool.ts";

/** Where clients reach it. Throws `AtollError`: config-invalid, address-in-use. */
export async function openReaders(
  app: RequestListener,
  { dataDirectory, listen, readers: count }: RegionConfig,
  rooms: {
    readonly log: Log;
    readonly meter: Meter;
    readonly rates: RateLimits;
    readonly opened: Opened[];
  },
): Promise<string> {
  const { log, meter, rates, opened } = rooms;
  const path = join(dataDirectory, HAND_OVER_SOCKET);
  refuseLong(path);
  const socket = await listenOnSocket(app, path, systemClock);
  opened.push({ what: "hand-over socket", close: () => socket.close() });
  const pool = new ReaderPool({
    ...{ count, clock: systemClock, log, meter },
    heard: (spent) => rates.hearFromOurs(spent),
  });
  opened.push({ what: "readers", close: () => pool.close() });
  try {
    const port = await pool.start();
    return `http://${addressText({ ...listen.rest, port })}`;
  } catch (error) {
    throw listenFailure(error, listen.rest, "listen.rest");
  }
}

/** Only readers speak to that socket, and each says it of every request. */
export function addressFromReader({ headers }: IncomingMessage): string {
  const address = headers[CLIENT_ADDRESS];
  return typeof address === "string" ? address : "";
}

function refuseLong(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= limits.SOCKET_PATH_BYTES_MAX) return;
  throw new AtollError("config-invalid", `the path of a socket may not have ${bytes} bytes`, {
    faults: [{ pointer: "/data", detail: `${path} is too long`, code: "too-long" }],
    mend: "choose a shorter data directory, or no gateway.workers",
  });
}
