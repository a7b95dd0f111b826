/**
 * A link as long as an ocean is wide: a relay between two processes through which every byte takes its delay,
 * in either direction.
 *
 *     region ──TCP──▶ here … delay … ──TCP──▶ region
 *
 * It stands in a process of its own and not in a region's: there a stall would hold up what is on its way, too, which
 * no ocean does. Order is kept, bandwidth is not limited, and nothing is lost.
 */
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import type { Clock } from "@atoll/core";

const HOST = "127.0.0.1";

interface Waiting {
  readonly dueMs: number;
  readonly arrive: () => void;
}

/** What is under way in one direction. */
export class DelayLine {
  readonly #clock: Clock;
  readonly #delayMs: number;
  #waiting: Waiting[] = [];

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  pass(arrive: () => void): void {
    this.#waiting.push({ dueMs: this.#clock.monotonicMs() + this.#delayMs, arrive });
    if (this.#waiting.length === 1) this.#wait(this.#delayMs);
  }

  #wait(delayMs: number): void {
    this.#clock.after(delayMs, () => {
      const nowMs = this.#clock.monotonicMs();
      const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs);
      this.#waiting = this.#waiting.slice(due.length);
      const next = this.#waiting[0];
      if (next !== undefined) this.#wait(Math.max(0, next.dueMs - nowMs));
      for (const { arrive } of due) arrive();
    });
  }
}

/** Whoever connects to its port talks to the one behind it, later. */
export class SlowLink {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** `to`: the port of this machine where the other end listens. `delayMs`: one way. */
  static async open(options: {
    readonly to: number;
    readonly delayMs: number;
    readonly clock: Clock;
  }): Promise<SlowLink> {
    const { to, delayMs, clock } = options;
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ host: HOST, port: to, noDelay: true });
      relay(near, far, new DelayLine(clock, delayMs));
      relay(far, near, new DelayLine(clock, delayMs));
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      }
    });
    server.listen(0, HOST);
    await once(server, "listening");
    return new SlowLink(server, sockets);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function relay(from: Socket, to: Socket, line: DelayLine): void {
  from.on("data", (bytes) => line.pass(() => to.write(bytes)));
  from.on("error", () => undefined); // "close" follows
  from.on("close", () => line.pass(() => to.destroy()));
}
