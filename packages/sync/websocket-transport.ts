/**
 * Transport on WebSockets (ws). Knows bytes and links, nothing of what they say.
 *
 * Compression stays off: batches are compressed above, where it is known what is worth it, and
 * permessage-deflate costs memory per socket. Fragments, chunks and payloads are bounded well below the
 * library's defaults (CVE-2026-48779). A frame over the bound ends its link with 1009 before it is
 * buffered; the process and the other links never see it.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { AtollError, errorText, limits } from "@atoll/core";
import type { Log } from "@atoll/core";
import { WebSocket, WebSocketServer } from "ws";
import type { RawData } from "ws";
import type { LinkId, Transport, TransportHandler } from "./transport.ts";

const OPTIONS = {
  perMessageDeflate: false,
  maxPayload: limits.FRAME_BYTES_MAX,
  maxFragments: limits.FRAME_FRAGMENTS_MAX,
  maxBufferedChunks: limits.FRAME_CHUNKS_MAX,
} as const;

/** Peers connect here; everything else gets 404. */
export const PEER_PATH = "/peer";

export interface WebSocketTransportOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly log: Log;
}

export class WebSocketTransport implements Transport {
  readonly #options: WebSocketTransportOptions;
  readonly #http: Server;
  readonly #server: WebSocketServer;
  readonly #sockets = new Map<LinkId, WebSocket>();
  #handler: TransportHandler | undefined;
  #nextLink: LinkId = 1;
  #stopped = false;

  constructor(options: WebSocketTransportOptions) {
    this.#options = options;
    this.#http = createServer((_request, response) => {
      response.writeHead(426, { "content-type": "text/plain" }).end("replicas speak WebSocket\n");
    });
    this.#server = new WebSocketServer({ ...OPTIONS, server: this.#http, path: PEER_PATH });
    this.#server.on("connection", (socket) => this.#open(this.#nextLink++, socket, false));
    this.#server.on("error", () => undefined); // the http server's, reported by listen()
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler;
  }

  /** Binds the peer listener. Throws `AtollError` address-in-use. Returns the port it got. */
  async listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    this.#http.listen({ host, port });
    try {
      await once(this.#http, "listening");
    } catch (error) {
      throw new AtollError(
        "address-in-use",
        `cannot listen for peers on ${host}:${port}`,
        {},
        error,
      );
    }
    return (this.#http.address() as AddressInfo).port;
  }

  dial(url: string): LinkId {
    const id = this.#nextLink++;
    const target = new URL(PEER_PATH, url);
    const socket = new WebSocket(target, { ...OPTIONS, handshakeTimeout: limits.HANDSHAKE_MS_MAX });
    this.#open(id, socket, true);
    return id;
  }

  send(link: LinkId, frame: Uint8Array): void {
    const socket = this.#sockets.get(link);
    if (socket?.readyState === WebSocket.OPEN) socket.send(frame, { binary: true });
  }

  backlogBytes(link: LinkId): number {
    return this.#sockets.get(link)?.bufferedAmount ?? 0;
  }

  close(link: LinkId, reason: string): void {
    const socket = this.#sockets.get(link);
    if (socket === undefined) return;
    if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
    else socket.close(1000, reason.slice(0, 100)); // ws itself gives up on a deaf peer after 30 s
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const socket of this.#sockets.values()) socket.terminate();
    this.#server.close();
    if (!this.#http.listening) return;
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, "close");
  }

  #open(id: LinkId, socket: WebSocket, dialled: boolean): void {
    this.#sockets.set(id, socket);
    let failure: string | undefined;
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (isBinary) this.#handler?.frame(id, data as Buffer);
      else socket.close(1003, "binary frames only");
    });
    socket.on("error", (error) => {
      failure = errorText(error);
    });
    socket.on("close", (code, reason) => {
      if (!this.#sockets.delete(id)) return;
      const said = reason.length > 0 ? `: ${reason.toString()}` : "";
      this.#handler?.linkDown(id, failure ?? `closed ${code}${said}`);
    });
    if (dialled) socket.on("open", () => this.#handler?.linkUp(id, true));
    else this.#handler?.linkUp(id, false);
  }
}
