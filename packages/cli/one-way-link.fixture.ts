/** A link between two processes that can be cut in one direction, without a word to either end: for tests. */
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

const HOST = "127.0.0.1";

export type Way = "out" | "back";

export class OneWayLink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #cut = new Set<Way>();

  static async open(targetPort: number): Promise<OneWayLink> {
    const link = new OneWayLink(targetPort);
    link.#server.listen({ host: HOST, port: 0 });
    await once(link.#server, "listening");
    return link;
  }

  private constructor(targetPort: number) {
    this.#server = createServer((dialler) => {
      const listener = connect({ host: HOST, port: targetPort });
      this.#carry("out", dialler, listener);
      this.#carry("back", listener, dialler);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What is sent that way is thrown away from now on; connections stay up, as a bad route leaves them. */
  cut(...ways: readonly Way[]): void {
    for (const way of ways) this.#cut.add(way);
  }

  /** As if the cable were plugged in again: what half-lives is reset, and dialled anew. */
  heal(): void {
    this.#cut.clear();
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(way: Way, source: Socket, sink: Socket): void {
    this.#sockets.add(source);
    source.setNoDelay();
    source.on("data", (chunk: Buffer) => {
      if (!this.#cut.has(way)) sink.write(chunk);
    });
    source.on("error", () => sink.destroy());
    source.on("close", () => {
      this.#sockets.delete(source);
      sink.destroy();
    });
  }
}
