/**
 * A piece of network that can fail: a TCP proxy between two regions that are real processes.
 *
 *     who dials ──out──▶ proxy ──out──▶ who listens
 *               ◀─back──       ◀─back──                each direction has an impairment of its own
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
import { systemClock } from "@atoll/core";
import { Conveyor } from "./conveyor.ts";
import { FrameMangler } from "./frame-mangler.ts";
import type { FrameFaults, Impairment, Passage } from "./impairment.ts";
import { UNIMPAIRED } from "./impairment.ts";
import { reset } from "./reset.ts";

export type Direction = "out" | "back";
export type { Impairment, Passage } from "./impairment.ts";

const HOST = "127.0.0.1";
const DIRECTIONS = ["out", "back"] as const;

export interface LinkProxyOptions {
  /** Who listens; on this machine, unless a host is named. */
  readonly targetPort: number;
  readonly targetHost?: string;
  /** Where the proxy listens: here, on a port of the system's choice, unless it is said. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Cuts what passes into pieces, and draws everything else that is left to chance. */
  readonly random: Random;
  /** What passes are WebSockets, whose frames may be doubled, held and damaged; any bytes otherwise. */
  readonly isWebSocket?: boolean;
}

export class LinkProxy {
  readonly #options: LinkProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #dials = 0;
  readonly #impairments: Record<Direction, Impairment> = { out: UNIMPAIRED, back: UNIMPAIRED };

  static async open(options: LinkProxyOptions): Promise<LinkProxy> {
    const proxy = new LinkProxy(options);
    proxy.#server.listen(options.listen ?? { host: HOST, port: 0 });
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(options: LinkProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (dialler) => {
      this.#dials++;
      const connection = new Connection(dialler, options, this.#impairments, () =>
        this.#connections.delete(connection),
      );
      this.#connections.add(connection);
      connection.flow();
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that were ever made to it. */
  get dials(): number {
    return this.#dials;
  }

  set(direction: Direction, passage: Passage): void {
    this.impair(direction, { passage });
  }

  /** Changes what is named and leaves the rest as it is. */
  impair(direction: Direction, change: Partial<Impairment>): void {
    this.#impairments[direction] = { ...this.#impairments[direction], ...change };
    for (const connection of this.#connections) connection.flow();
  }

  clear(): void {
    for (const direction of DIRECTIONS) this.impair(direction, UNIMPAIRED);
  }

  /** Ends what is connected now with RST, towards both; how many that were. */
  reset(): number {
    const count = this.#connections.size;
    for (const connection of this.#connections) connection.reset();
    return count;
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** For the report of a failed test. */
  describe(): string {
    const { out, back } = this.#impairments;
    const count = this.#connections.size;
    return `to ${this.#options.targetPort}: out ${said(out)}, back ${said(back)}, ${count} connections`;
  }
}

/** What differs from a link on which nothing is wrong. */
function said(impairment: Impairment): string {
  const faults = Object.entries(impairment).filter(
    ([name, value]) => name !== "passage" && value !== UNIMPAIRED[name as keyof Impairment],
  );
  const more = faults.map(([name, value]) => ` ${name} ${JSON.stringify(value)}`);
  return impairment.passage + more.join("");
}

class Connection {
  readonly #impairments: Readonly<Record<Direction, Impairment>>;
  readonly #options: LinkProxyOptions;
  readonly #dialler: Socket;
  readonly #gone: () => void;
  #listener: Socket | undefined;
  readonly #conveyors = new Map<Direction, Conveyor>();
  /** Directions whose source was reset; told on when they pass. */
  readonly #broken = new Set<Direction>();

  constructor(
    dialler: Socket,
    options: LinkProxyOptions,
    impairments: Readonly<Record<Direction, Impairment>>,
    gone: () => void,
  ) {
    this.#dialler = dialler.setNoDelay();
    this.#options = options;
    this.#impairments = impairments;
    this.#gone = gone;
    dialler.on("error", () => this.#break("out"));
    dialler.once("close", () => this.#closed());
  }

  /** Lets pass what may pass now, and holds the rest. */
  flow(): void {
    if (this.#listener === undefined && DIRECTIONS.every((each) => this.#passes(each))) {
      this.#connect();
    }
    for (const [direction, conveyor] of this.#conveyors) {
      if (this.#broken.has(direction) && this.#passes(direction)) {
        const sink = this.#sink(direction);
        if (sink !== undefined) reset(sink);
      } else conveyor.flow();
    }
  }

  reset(): void {
    reset(this.#dialler);
    if (this.#listener !== undefined) reset(this.#listener);
  }

  #connect(): void {
    this.#listener = connect({
      host: this.#options.targetHost ?? HOST,
      port: this.#options.targetPort,
      allowHalfOpen: true,
    });
    this.#listener.setNoDelay();
    this.#listener.on("error", () => this.#break("back"));
    this.#listener.once("close", () => this.#closed());
    this.#join("out", this.#dialler, this.#listener);
    this.#join("back", this.#listener, this.#dialler);
  }

  #join(direction: Direction, source: Socket, sink: Socket): void {
    const { random, isWebSocket = false } = this.#options;
    const impairment = (): Impairment => this.#impairments[direction];
    const conveyor = new Conveyor({ source, sink, impairment, random, clock: systemClock });
    const faults = (): FrameFaults | undefined => impairment().frames;
    const pass = (bytes: Buffer): void => conveyor.take(bytes);
    const mangler = new FrameMangler({ faults, random, clock: systemClock, pass });
    this.#conveyors.set(direction, conveyor);
    source.on("data", (chunk: Buffer) => (isWebSocket ? mangler.take(chunk) : pass(chunk)));
    source.on("end", () => {
      mangler.end();
      conveyor.end();
    });
  }

  #break(direction: Direction): void {
    this.#broken.add(direction);
    this.flow();
  }

  #closed(): void {
    const isOver = this.#dialler.destroyed && (this.#listener?.destroyed ?? true);
    if (!isOver) return;
    for (const conveyor of this.#conveyors.values()) conveyor.close();
    this.#gone();
  }

  #passes(direction: Direction): boolean {
    return this.#impairments[direction].passage === "pass";
  }

  #sink(direction: Direction): Socket | undefined {
    return direction === "out" ? this.#listener : this.#dialler;
  }
}
