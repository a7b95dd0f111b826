/**
 * The twin of the WebSocket transport: a network in memory that a clock drives.
 *
 * Keeps what the contract promises (whole frames, in order, until the link goes down) and nothing more:
 * every frame takes its link's delay, and an address nobody listens on ends in `linkDown`. A cut, of both
 * directions or of one, is silent: what is sent into it arrives after it heals, as TCP would retransmit, unless one of the ends
 * has given the link up before. A pair may be made slow: frames leave one after the other, and what has
 * not left is the link's backlog, as are frames that are stuck in a cut. Time passes only when the clock
 * is told.
 */
import type { Clock, Random } from "@atoll/core";
import { must } from "@atoll/core";
import type { LinkId, Transport, TransportHandler } from "./transport.ts";

interface End {
  readonly owner: MemoryTransport;
  readonly id: LinkId;
  other: End | undefined;
  up: boolean;
  /** When everything that was sent so far has left. */
  freeMs: number;
  /** Bytes that have left and are stuck in a cut. */
  stalledBytes: number;
}

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One-way delay of a frame, drawn anew for each; order within a link is kept. */
  readonly delayMs: { readonly min: number; readonly max: number };
}

export class MemoryNetwork {
  readonly #options: MemoryNetworkOptions;
  readonly #transports = new Map<string, MemoryTransport>();
  /** Directions that are cut, each with what happens when it heals. */
  readonly #cuts = new Map<string, (() => void)[]>();

  /** Bytes per millisecond of pairs that are slow. */
  readonly #speeds = new Map<string, number>();

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
  }

  /** A transport that listens under this name; its URL is `memory://name`. */
  transport(name: string): MemoryTransport {
    const transport = new MemoryTransport(this, name, this.#options.clock);
    this.#transports.set(name, transport);
    return transport;
  }

  /** Nothing passes between two names from now on, either way, and nobody is told. */
  cut(a: string, b: string): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Nothing passes from one to the other; the way back is open. No new link comes up either. */
  cutOneWay(from: string, to: string): void {
    const key = directionKey(from, to);
    if (!this.#cuts.has(key)) this.#cuts.set(key, []);
  }

  heal(a: string, b: string): void {
    for (const key of [directionKey(a, b), directionKey(b, a)]) {
      const stalled = this.#cuts.get(key) ?? [];
      this.#cuts.delete(key);
      for (const arrive of stalled) arrive();
    }
  }

  /** In either direction: a connection needs both. */
  isCut(a: string, b: string): boolean {
    return this.#cuts.has(directionKey(a, b)) || this.#cuts.has(directionKey(b, a));
  }

  /** Each direction between two names carries this many bytes per second from now on. */
  throttle(a: string, b: string, bytesPerSecond: number): void {
    this.#speeds.set(pairKey(a, b), bytesPerSecond / 1000);
  }

  bytesPerMs(a: string, b: string): number {
    return this.#speeds.get(pairKey(a, b)) ?? Infinity;
  }

  /** Happens now, or when the way is no longer cut. */
  pass(from: string, to: string, arrive: () => void): void {
    const stalled = this.#cuts.get(directionKey(from, to));
    if (stalled === undefined) arrive();
    else stalled.push(arrive);
  }

  listener(name: string): MemoryTransport | undefined {
    return this.#transports.get(name);
  }

  remove(name: string): void {
    this.#transports.delete(name);
  }

  delayMs(): number {
    const { min, max } = this.#options.delayMs;
    return min + (max - min) * this.#options.random.float();
  }
}

export class MemoryTransport implements Transport {
  readonly name: string;
  readonly #network: MemoryNetwork;
  readonly #clock: Clock;
  readonly #ends = new Map<LinkId, End>();
  readonly #arrivesMs = new Map<LinkId, number>();
  #handler: TransportHandler | undefined;
  #nextLink: LinkId = 1;

  constructor(network: MemoryNetwork, name: string, clock: Clock) {
    this.#network = network;
    this.name = name;
    this.#clock = clock;
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler;
  }

  dial(url: string): LinkId {
    const target = new URL(url).hostname;
    const end = newEnd(this, this.#nextLink++, undefined);
    this.#ends.set(end.id, end);
    this.#clock.after(this.#network.delayMs(), () => {
      const listener = this.#network.listener(target);
      if (listener === undefined || this.#network.isCut(this.name, target)) {
        this.#down(end, "unreachable");
      } else {
        listener.#accept(end);
      }
    });
    return end.id;
  }

  send(link: LinkId, frame: Uint8Array): void {
    const end = this.#ends.get(link);
    const other = end?.other;
    if (end?.up !== true || other === undefined) return;
    const bytes = new Uint8Array(frame); // what is on the way does not change any more
    const perMs = this.#network.bytesPerMs(this.name, other.owner.name);
    end.freeMs = Math.max(end.freeMs, this.#clock.monotonicMs()) + bytes.length / perMs;
    const soonestMs = end.freeMs + this.#network.delayMs();
    const arrivesMs = Math.max(soonestMs, this.#arrivesMs.get(link) ?? 0);
    this.#arrivesMs.set(link, arrivesMs);
    this.#clock.after(arrivesMs - this.#clock.monotonicMs(), () => {
      end.stalledBytes += bytes.length;
      this.#network.pass(this.name, other.owner.name, () => {
        end.stalledBytes -= bytes.length;
        if (other.up) other.owner.#handler?.frame(other.id, bytes);
      });
    });
  }

  /** Links that are up or being dialled. */
  get linkCount(): number {
    return this.#ends.size;
  }

  backlogBytes(link: LinkId): number {
    const end = this.#ends.get(link);
    if (end?.other === undefined) return 0;
    const waitMs = Math.max(0, end.freeMs - this.#clock.monotonicMs());
    if (waitMs === 0) return end.stalledBytes;
    return end.stalledBytes + waitMs * this.#network.bytesPerMs(this.name, end.other.owner.name);
  }

  /** The largest backlog of its links. */
  backlogBytesMax(): number {
    return Math.max(0, ...[...this.#ends.keys()].map((link) => this.backlogBytes(link)));
  }

  close(link: LinkId, reason: string): void {
    const end = this.#ends.get(link);
    if (end === undefined) return;
    const { other } = end;
    this.#clock.after(0, () => this.#down(end, `closed here: ${reason}`));
    if (other === undefined) return;
    const delayMs = Math.max(0, (this.#arrivesMs.get(link) ?? 0) - this.#clock.monotonicMs());
    this.#clock.after(delayMs + this.#network.delayMs(), () => {
      this.#network.pass(this.name, other.owner.name, () => {
        other.owner.#down(other, `closed by peer: ${reason}`);
      });
    });
  }

  stop(): Promise<void> {
    this.crash();
    return Promise.resolve();
  }

  /** Gone without a word, as after kill -9: the other ends notice as TCP would, by a reset. */
  crash(): void {
    this.#network.remove(this.name);
    this.#handler = undefined;
    for (const { other } of this.#ends.values()) {
      if (other === undefined) continue;
      this.#clock.after(this.#network.delayMs(), () => {
        this.#network.pass(this.name, other.owner.name, () => {
          other.owner.#down(other, "reset by peer");
        });
      });
    }
    this.#ends.clear();
  }

  #accept(dialled: End): void {
    const end = newEnd(this, this.#nextLink++, dialled);
    this.#ends.set(end.id, end);
    dialled.other = end;
    dialled.up = true;
    must(this.#handler, "handler").linkUp(end.id, false);
    dialled.owner.#handler?.linkUp(dialled.id, true);
  }

  #down(end: End, reason: string): void {
    if (!this.#ends.delete(end.id)) return;
    end.up = false;
    this.#handler?.linkDown(end.id, reason);
  }
}

function directionKey(from: string, to: string): string {
  return `${from} ${to}`;
}

function newEnd(owner: MemoryTransport, id: LinkId, other: End | undefined): End {
  return { owner, id, other, up: other !== undefined, freeMs: 0, stalledBytes: 0 };
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
