/**
 * Transport on WebSockets (ws). Knows bytes and links, nothing of what they say.
 *
 * Compression stays off: batches are compressed above, where it is known what is worth it, and
 * permessage-deflate costs memory per socket. Fragments, chunks and payloads are bounded well below the
 * library's defaults (CVE-2026-48779). A frame over the bound ends its link with 1009 before it is
 * buffered; the process and the other links never see it.
 *
 * What is said to a peer in one turn leaves in one write: a batch and the heartbeat behind it are one packet, and
 * one event for the other side.
 *
 * With `tls` both ends show a certificate before a byte of HTTP is read, and a link is only ever up
 * when the peer's names a region; without it this transport says nothing of who the peer is.
 */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:https";
import { Server as TlsServer, TLSSocket } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import { AtollError, assert, errorText, limits, regionOfCertificate } from "@atoll/core";
import type { Log, RegionName } from "@atoll/core";
import { WebSocket, WebSocketServer } from "ws";
import type { ClientOptions, RawData } from "ws";
import type { LinkTls } from "./peer-certificate.ts";
import { secureContextOf } from "./peer-certificate.ts";
import type { TlsFault } from "./tls-fault.ts";
import { NoRegionError, acceptFault, dialFault, tlsFault } from "./tls-fault.ts";
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
  /** Mutual TLS on every link; plain WebSockets without it. */
  readonly tls?: LinkTls | undefined;
}

export class WebSocketTransport implements Transport {
  readonly #options: WebSocketTransportOptions;
  readonly #http: Server;
  readonly #server: WebSocketServer;
  readonly #sockets = new Map<LinkId, WebSocket>();
  /** What carries them, as soon as there is one. */
  readonly #carriers = new Map<LinkId, Duplex>();
  /** Carriers that hold what was said in this turn until it ends. */
  readonly #held = new Set<Duplex>();
  /** Everything that connected, also what never got as far as a link: it would hold up `stop`. */
  readonly #accepted = new Set<Socket>();
  /** The last fault told of each address that was dialled: redialling repeats it, the log need not. */
  readonly #toldByUrl = new Map<string, string>();
  #tls: LinkTls | undefined;
  #handler: TransportHandler | undefined;
  #nextLink: LinkId = 1;
  #stopped = false;

  constructor(options: WebSocketTransportOptions) {
    this.#options = options;
    this.#tls = options.tls;
    const answer: RequestListener = (_request, response) => {
      response.writeHead(426, { "content-type": "text/plain" }).end("replicas speak WebSocket\n");
    };
    this.#http =
      options.tls === undefined ? createServer(answer) : this.#listenTls(options.tls, answer);
    this.#http.on("connection", (socket: Socket) => {
      this.#accepted.add(socket);
      void socket.remoteAddress; // remembered by the socket once read, and gone when it has closed
      socket.once("close", () => this.#accepted.delete(socket));
    });
    this.#server = new WebSocketServer({
      ...OPTIONS,
      server: this.#http,
      path: PEER_PATH,
      verifyClient: ({ req }, done) => {
        const fault = this.#tls !== undefined && this.#identityOf(req.socket) === undefined;
        if (fault) this.#refused(req.socket, tlsFault("no-region"));
        done(!fault, 403, "a certificate of this cluster is needed");
      },
    });
    this.#server.on("connection", (socket, request: IncomingMessage) => {
      const link = this.#nextLink++;
      this.#carriers.set(link, request.socket);
      this.#open(link, socket, undefined, this.#identityOf(request.socket));
    });
    this.#server.on("error", () => undefined); // the http server's, reported by listen()
  }

  /** New links show this certificate and believe this CA; links that are up live on. */
  renewTls(tls: LinkTls): void {
    assert(this.#http instanceof TlsServer, "a plain listener has no certificate to renew");
    this.#http.setSecureContext(secureContextOf(tls));
    this.#tls = tls;
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
    const handshake = { ...OPTIONS, handshakeTimeout: limits.HANDSHAKE_MS_MAX };
    const socket = new WebSocket(target, { ...handshake, ...this.#dialOptions() });
    this.#open(id, socket, url);
    return id;
  }

  send(link: LinkId, frame: Uint8Array): void {
    const socket = this.#sockets.get(link);
    if (socket?.readyState !== WebSocket.OPEN) return;
    this.#hold(this.#carriers.get(link));
    socket.send(frame, { binary: true });
  }

  #hold(carrier: Duplex | undefined): void {
    if (carrier === undefined || this.#held.has(carrier)) return;
    if (this.#held.size === 0) process.nextTick(() => this.#release());
    carrier.cork();
    this.#held.add(carrier);
  }

  #release(): void {
    for (const carrier of this.#held) carrier.uncork();
    this.#held.clear();
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
    this.#release(); // the last word
    for (const socket of this.#sockets.values()) socket.terminate();
    this.#server.close();
    if (!this.#http.listening) return;
    this.#http.close();
    for (const socket of this.#accepted) socket.destroy();
    await once(this.#http, "close");
  }

  #open(id: LinkId, socket: WebSocket, dialled: string | undefined, identity?: RegionName): void {
    this.#sockets.set(id, socket);
    let isUp = dialled === undefined;
    let failure: string | undefined;
    let proved = identity;
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (isBinary) this.#handler?.frame(id, data as Buffer);
      else socket.close(1003, "binary frames only");
    });
    socket.on("error", (error) => {
      failure = errorText(error);
      if (isUp || dialled === undefined) return;
      const fault = dialFault(error, dialled.startsWith("wss:"));
      if (fault !== undefined) failure = this.#dialFailed(dialled, fault);
    });
    socket.on("close", (code, reason) => {
      this.#carriers.delete(id);
      if (!this.#sockets.delete(id)) return;
      const said = reason.length > 0 ? `: ${reason.toString()}` : "";
      this.#handler?.linkDown(id, failure ?? `closed ${code}${said}`);
    });
    if (dialled === undefined) return this.#handler?.linkUp(id, false, proved);
    socket.on("upgrade", ({ socket: raw }) => {
      this.#carriers.set(id, raw);
      proved = this.#identityOf(raw);
    });
    socket.on("open", () => {
      if (this.#tls !== undefined && proved === undefined) {
        failure = this.#dialFailed(dialled, tlsFault("not-tls"));
        return socket.terminate();
      }
      isUp = true;
      this.#toldByUrl.delete(dialled);
      this.#handler?.linkUp(id, true, proved);
    });
  }

  #listenTls(tls: LinkTls, answer: RequestListener): Server {
    const server = createTlsServer(
      {
        ...secureContextOf(tls),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: limits.HANDSHAKE_MS_MAX,
      },
      answer,
    );
    server.on("tlsClientError", (error, socket) => {
      // Declared as an Error; it is the verdict's name.
      const verdict: unknown = socket.authorizationError;
      const fault = acceptFault(error, typeof verdict === "string" ? verdict : undefined);
      if (fault !== undefined) this.#refused(socket, fault);
    });
    return server;
  }

  #dialOptions(): ClientOptions {
    const tls = this.#tls;
    if (tls === undefined) return {};
    const check: ConnectionOptions["checkServerIdentity"] = (_host, { raw }) => {
      const region = regionOfCertificate(new X509Certificate(raw), tls.clusterId);
      return region === undefined ? new NoRegionError() : undefined;
    };
    return {
      ...secureContextOf(tls),
      rejectUnauthorized: true,
      // The region instead of the host, see peer-certificate.ts. The types of ws are wrong here.
      checkServerIdentity: check as never,
    };
  }

  #identityOf(socket: unknown): RegionName | undefined {
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    if (this.#tls === undefined || certificate === undefined) return undefined;
    return regionOfCertificate(certificate, this.#tls.clusterId);
  }

  #refused(socket: Socket, { code, detail }: TlsFault): void {
    // A TLS socket that was refused has let go of its connection, which alone knows the address.
    const connection: unknown = Reflect.get(socket, "_parent");
    const { remoteAddress } = connection instanceof Socket ? connection : socket;
    this.#options.log.warn("peer-refused", { from: remoteAddress, code, detail });
  }

  #dialFailed(url: string, { code, detail }: TlsFault): string {
    if (this.#toldByUrl.get(url) !== code) {
      this.#options.log.warn("dial-refused", { url, code, detail });
      this.#toldByUrl.set(url, code);
    }
    return `${code}: ${detail}`;
  }
}
