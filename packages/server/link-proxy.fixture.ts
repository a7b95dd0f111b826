/**
 * A piece of network that can fail: a TCP proxy between two regions, for tests with real processes.
 *
 *     who dials ──out──▶ proxy ──out──▶ who listens        pass      bytes go on, cut where chance wills
 *               ◀─back──       ◀─back──                    swallow   nothing is read any more
 *
 * Killing a process closes its sockets, and closing is the kind of failure that TCP tells everybody about.
 * A network that swallows packets says nothing: what was sent waits in the kernel, the end of a connection
 * waits behind it, and what is dialled meanwhile never answers. When the network is back all of it arrives
 * late, also on connections that both ends have long given up.
 *
 * A swallowed direction keeps new connections from getting anywhere, because TCP needs both ways to agree.
 */
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import type { Random } from "@atoll/core";

export type Direction = "out" | "back";
export type Passage = "pass" | "swallow";

const HOST = "127.0.0.1";

export interface LinkProxyOptions {
  /** Who listens. */
  readonly targetPort: number;
  /** Cuts what passes into pieces. */
  readonly random: Random;
}

export class LinkProxy {
  readonly #options: LinkProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #passage: Record<Direction, Passage> = { out: "pass", back: "pass" };

  static async open(options: LinkProxyOptions): Promise<LinkProxy> {
    const proxy = new LinkProxy(options);
    proxy.#server.listen({ host: HOST, port: 0 });
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(options: LinkProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (dialler) => {
      const connection = new Connection(dialler, options, this.#passage, () =>
        this.#connections.delete(connection),
      );
      this.#connections.add(connection);
      connection.flow();
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  set(direction: Direction, passage: Passage): void {
    this.#passage[direction] = passage;
    for (const connection of this.#connections) connection.flow();
  }

  /** Ends what is connected now with RST, towards both. */
  reset(): void {
    for (const connection of this.#connections) connection.reset();
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** For the report of a failed test. */
  describe(): string {
    const { out, back } = this.#passage;
    const count = this.#connections.size;
    return `to ${this.#options.targetPort}: out ${out}, back ${back}, ${count} connections`;
  }
}

class Connection {
  readonly #passage: Readonly<Record<Direction, Passage>>;
  readonly #options: LinkProxyOptions;
  readonly #dialler: Socket;
  readonly #gone: () => void;
  #listener: Socket | undefined;
  /** Directions whose source was reset; told on when they pass. */
  readonly #broken = new Set<Direction>();

  constructor(
    dialler: Socket,
    options: LinkProxyOptions,
    passage: Readonly<Record<Direction, Passage>>,
    gone: () => void,
  ) {
    this.#dialler = dialler.setNoDelay();
    this.#options = options;
    this.#passage = passage;
    this.#gone = gone;
    dialler.on("error", () => this.#break("out"));
    dialler.once("close", () => this.#closed());
  }

  /** Lets pass what may pass now, and holds the rest. */
  flow(): void {
    if (this.#listener === undefined && this.#passes("out") && this.#passes("back")) {
      this.#connect();
    }
    if (this.#listener === undefined) return;
    for (const direction of ["out", "back"] as const) {
      const source = this.#source(direction);
      if (!this.#passes(direction)) source?.pause();
      else if (this.#broken.has(direction)) this.#sink(direction)?.resetAndDestroy();
      else source?.resume();
    }
  }

  reset(): void {
    this.#dialler.resetAndDestroy();
    this.#listener?.resetAndDestroy();
  }

  #connect(): void {
    this.#listener = connect({ host: HOST, port: this.#options.targetPort, allowHalfOpen: true });
    this.#listener.setNoDelay();
    this.#listener.on("error", () => this.#break("back"));
    this.#listener.once("close", () => this.#closed());
    this.#join("out");
    this.#join("back");
  }

  #join(direction: Direction): void {
    const source = this.#source(direction);
    const sink = this.#sink(direction);
    source?.on("data", (chunk: Buffer) => {
      const cut = this.#options.random.below(chunk.length);
      if (cut > 0) sink?.write(chunk.subarray(0, cut));
      if (sink?.write(chunk.subarray(cut)) === false) source.pause();
    });
    source?.on("end", () => sink?.end());
    sink?.on("drain", () => this.#passes(direction) && source?.resume());
  }

  #break(direction: Direction): void {
    this.#broken.add(direction);
    this.flow();
  }

  #closed(): void {
    const isOver = this.#dialler.destroyed && (this.#listener?.destroyed ?? true);
    if (isOver) this.#gone();
  }

  #passes(direction: Direction): boolean {
    return this.#passage[direction] === "pass";
  }

  #source(direction: Direction): Socket | undefined {
    return direction === "out" ? this.#dialler : this.#listener;
  }

  #sink(direction: Direction): Socket | undefined {
    return direction === "out" ? this.#listener : this.#dialler;
  }
}
