/**
 * Clients that take and give slowly, or not at all: what a region must bear without others noticing.
 *
 *     dripping   sends its request byte by byte, and begins again when it is hung up on
 *     sipping    asks for a page of profiles every ten seconds, and reads a little of it each second
 *     deaf       follows the change feed from the beginning and never reads
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Clock, Timer } from "@atoll/core";

const DRIP_MS = 1_000;
const SIP_MS = 1_000;
const SIPS_EACH = 10;
const REDIAL_MS = 200;

const HEAD = "Host: profiles.internal\r\nConnection: keep-alive\r\n";
const LIST = `GET /v1/profiles?pageSize=20 HTTP/1.1\r\n${HEAD}\r\n`;
const FEED = `GET /v1/changes?include=data HTTP/1.1\r\n${HEAD}Accept: application/x-ndjson\r\n\r\n`;
const DRIPPED = `GET /v1/profiles/anybody HTTP/1.1\r\n${HEAD}X-Slow: ${"x".repeat(64)}`;

export class SlowClients {
  readonly #port: number;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<Timer>();
  #isOver = false;
  /** Times that a client was hung up on. */
  hungUp = 0;

  constructor(port: number, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  get open(): number {
    return this.#sockets.size;
  }

  dripping(count: number): void {
    for (let i = 0; i < count; i++) this.#after((DRIP_MS * i) / count, () => this.#drip());
  }

  sipping(count: number): void {
    for (let i = 0; i < count; i++)
      this.#after((SIPS_EACH * SIP_MS * i) / count, () => this.#sip());
  }

  deaf(count: number): void {
    for (let i = 0; i < count; i++) {
      const socket = this.#dial(() => undefined);
      socket.pause();
      socket.write(FEED);
    }
  }

  close(): void {
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    for (const socket of this.#sockets) socket.destroy();
  }

  #drip(): void {
    const socket = this.#dial(() => this.#drip());
    socket.resume();
    const drop = (at: number): void => {
      if (socket.destroyed) return;
      socket.write(DRIPPED[at % DRIPPED.length] ?? "");
      this.#after(DRIP_MS, () => drop(at + 1));
    };
    drop(0);
  }

  /** Answers pile up behind what it reads. */
  #sip(): void {
    const socket = this.#dial(() => this.#sip());
    socket.pause();
    const sip = (count: number): void => {
      if (socket.destroyed) return;
      if (count % SIPS_EACH === 0) socket.write(LIST);
      socket.read(64);
      this.#after(SIP_MS, () => sip(count + 1));
    };
    sip(0);
  }

  #dial(again: () => void): Socket {
    const socket = connect({ port: this.#port, host: "127.0.0.1" });
    this.#sockets.add(socket);
    socket.on("error", () => undefined); // hung up on: what these clients are for
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (this.#isOver) return;
      this.hungUp++;
      this.#after(REDIAL_MS, again);
    });
    return socket;
  }

  #after(delayMs: number, run: () => void): void {
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer);
      if (!this.#isOver) run();
    });
    this.#timers.add(timer);
  }
}
