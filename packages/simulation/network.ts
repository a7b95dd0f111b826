/**
 * The network between the regions: streams of whole frames that break, stall, crawl and lie.
 *
 * What the transport promises is kept: frames of a link arrive in order until it goes down. Loss is
 * therefore a link that breaks with everything under way; a partition is silence, and what was sent into it
 * arrives after it heals, as TCP would retransmit, unless an end has given the link up before.
 * Beyond the promise, where a run asks for it: a frame that comes twice, two that change places, and one
 * that is damaged, because PROTOCOL.md promises to live with those too.
 *
 *     send ─▶ queue (throttle) ─▶ on the way (latency, clog) ─▶ cut? wait ─▶ arrive
 */
import type { Random, RegionName } from "@atoll/core";
import { must } from "@atoll/core";
import type { LinkId, Transport, TransportHandler } from "@atoll/sync";
import type { Host, World } from "./world.ts";

export interface NetworkOptions {
  /** One way, between two regions. */
  readonly latencyMs: (from: string, to: string) => { readonly min: number; readonly max: number };
  /** Chance that a frame breaks its link. */
  readonly breakRate: number;
  readonly duplicateRate: number;
  readonly reorderRate: number;
  /** Links are streams: heartbeats rest on their order, all others may overtake. */
  readonly mayOvertake: (frame: Uint8Array) => boolean;
  readonly corruptRate: number;
  /** What to make of a frame that is damaged on the way; undefined leaves it alone. */
  readonly corrupt: (frame: Uint8Array, random: Random) => Uint8Array | undefined;
  /** Told of every frame that arrives. */
  readonly observe: (from: string, to: string, frame: Uint8Array) => void;
}

interface End {
  readonly owner: SimTransport;
  readonly id: LinkId;
  other: End | undefined;
  isUp: boolean;
  freeMs: number;
  arrivesMs: number;
  waitingBytes: number;
  frames: number;
}

/** A connection that nobody answers ends after this long. */
const DIAL_MS_MAX = 4_000;
/** The first frames of a link are its handshake: those are not repeated or moved. */
const HANDSHAKE_FRAMES = 3;

export class SimNetwork {
  readonly world: World;
  readonly options: NetworkOptions;
  readonly random: Random;
  readonly #listeners = new Map<string, SimTransport>();
  readonly #cuts = new Map<string, { count: number; readonly stalled: (() => void)[] }>();
  readonly #extraMs = new Map<string, number>();
  readonly #bytesPerMs = new Map<string, number>();
  /** Faults that are drawn per frame happen while this holds. */
  isFaulty = true;
  frames = 0;
  bytes = 0;

  constructor(world: World, random: Random, options: NetworkOptions) {
    this.world = world;
    this.random = random;
    this.options = options;
  }

  listen(transport: SimTransport): void {
    this.#listeners.set(transport.name, transport);
  }

  listener(name: string): SimTransport | undefined {
    return this.#listeners.get(name);
  }

  forget(transport: SimTransport): void {
    if (this.#listeners.get(transport.name) === transport) this.#listeners.delete(transport.name);
  }

  /** Cuts add up: the way is open when each has been healed. */
  cut(from: string, to: string): void {
    const key = `${from} ${to}`;
    const cut = this.#cuts.get(key);
    if (cut === undefined) this.#cuts.set(key, { count: 1, stalled: [] });
    else cut.count++;
  }

  heal(from: string, to: string): void {
    const cut = this.#cuts.get(`${from} ${to}`);
    if (cut === undefined) return;
    cut.count--;
    if (cut.count > 0) return;
    this.#cuts.delete(`${from} ${to}`);
    for (const arrive of cut.stalled) arrive();
  }

  healAll(): void {
    for (const [key, cut] of [...this.#cuts]) {
      this.#cuts.delete(key);
      for (const arrive of cut.stalled) arrive();
    }
    this.#extraMs.clear();
    this.#bytesPerMs.clear();
  }

  isCut(a: string, b: string): boolean {
    return this.#cuts.has(`${a} ${b}`) || this.#cuts.has(`${b} ${a}`);
  }

  clog(from: string, to: string, extraMs: number): void {
    this.#extraMs.set(`${from} ${to}`, extraMs);
  }

  throttle(from: string, to: string, bytesPerMs: number | undefined): void {
    if (bytesPerMs === undefined) this.#bytesPerMs.delete(`${from} ${to}`);
    else this.#bytesPerMs.set(`${from} ${to}`, bytesPerMs);
  }

  bytesPerMs(from: string, to: string): number {
    return this.#bytesPerMs.get(`${from} ${to}`) ?? Infinity;
  }

  /** Every link between two regions breaks, with what is under way. */
  breakLinks(a: string, b: string): void {
    this.listener(a)?.breakLinks(b);
    this.listener(b)?.breakLinks(a);
  }

  latencyMs(from: string, to: string): number {
    const { min, max } = this.options.latencyMs(from, to);
    return min + (max - min) * this.random.float() + (this.#extraMs.get(`${from} ${to}`) ?? 0);
  }

  /** Happens now, or when the way is open again. */
  pass(from: string, to: string, arrive: () => void): void {
    const cut = this.#cuts.get(`${from} ${to}`);
    if (cut === undefined) arrive();
    else cut.stalled.push(arrive);
  }

  /** Drawn per frame. */
  happens(rate: number): boolean {
    return this.isFaulty && rate > 0 && this.random.float() < rate;
  }
}

export class SimTransport implements Transport {
  readonly name: string;
  readonly #network: SimNetwork;
  readonly #world: World;
  readonly #host: Host;
  readonly #life: number;
  readonly #ends = new Map<LinkId, End>();
  #handler: TransportHandler | undefined;
  #nextLink: LinkId = 1;

  constructor(network: SimNetwork, name: string, host: Host) {
    this.#network = network;
    this.#world = network.world;
    this.name = name;
    this.#host = host;
    this.#life = host.life;
    network.listen(this);
  }

  get linkCount(): number {
    return this.#ends.size;
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler;
  }

  dial(url: string): LinkId {
    const target = new URL(url).hostname;
    const end = this.#newEnd();
    this.#world.schedule(this.#network.latencyMs(this.name, target), undefined, () => {
      const listener = this.#network.listener(target);
      if (listener === undefined || this.#network.isCut(this.name, target)) {
        this.#later(this.#network.latencyMs(target, this.name), () => {
          this.#down(end, "unreachable");
        });
      } else {
        listener.#later(0, () => listener.#accept(end));
      }
    });
    this.#later(DIAL_MS_MAX, () => {
      if (end.other === undefined) this.#down(end, "timed out");
    });
    return end.id;
  }

  send(link: LinkId, frame: Uint8Array): void {
    const end = this.#ends.get(link);
    const other = end?.other;
    if (end?.isUp !== true || other === undefined) return;
    const network = this.#network;
    const { options } = network;
    let bytes: Uint8Array = new Uint8Array(frame);
    network.frames++;
    network.bytes += bytes.length;
    const isLive = end.frames++ >= HANDSHAKE_FRAMES;
    if (network.happens(options.breakRate)) return this.breakLinks(other.owner.name);
    if (isLive && network.happens(options.corruptRate)) {
      bytes = options.corrupt(bytes, network.random) ?? bytes;
    }
    const perMs = network.bytesPerMs(this.name, other.owner.name);
    end.freeMs = Math.max(end.freeMs, this.#world.nowMs) + bytes.length / perMs;
    const soonestMs = end.freeMs + network.latencyMs(this.name, other.owner.name);
    const overtakes = isLive && network.happens(options.reorderRate) && options.mayOvertake(frame);
    const arrivesMs = Math.max(soonestMs, end.arrivesMs);
    // What overtakes comes a little before the frame sent ahead of it.
    const atMs = overtakes ? Math.max(this.#world.nowMs, end.arrivesMs - 1) : arrivesMs;
    if (!overtakes) end.arrivesMs = arrivesMs;
    this.#deliver(end, other, bytes, atMs);
    if (isLive && network.happens(options.duplicateRate)) {
      end.arrivesMs += 1;
      this.#deliver(end, other, bytes, end.arrivesMs);
    }
  }

  backlogBytes(link: LinkId): number {
    const end = this.#ends.get(link);
    if (end?.other === undefined) return 0;
    return end.waitingBytes;
  }

  backlogBytesMax(): number {
    let most = 0;
    for (const link of this.#ends.keys()) most = Math.max(most, this.backlogBytes(link));
    return most;
  }

  close(link: LinkId, reason: string): void {
    const end = this.#ends.get(link);
    if (end === undefined) return;
    const { other } = end;
    this.#later(0, () => this.#down(end, `closed here: ${reason}`));
    if (other === undefined) return;
    const atMs = Math.max(this.#world.nowMs, end.arrivesMs);
    const lastMs = atMs - this.#world.nowMs + this.#network.latencyMs(this.name, other.owner.name);
    this.#tell(other, lastMs, `closed by peer: ${reason}`);
  }

  stop(): Promise<void> {
    this.crash();
    return Promise.resolve();
  }

  /** Gone without a word. `isSilent`: not even a reset, as of a machine that lost its power. */
  crash(isSilent = false): void {
    this.#network.forget(this);
    this.#handler = undefined;
    for (const { other } of this.#ends.values()) {
      if (other === undefined || isSilent) continue;
      this.#tell(other, this.#network.latencyMs(this.name, other.owner.name), "reset by peer");
    }
    this.#ends.clear();
  }

  breakLinks(peer: string): void {
    for (const end of [...this.#ends.values()]) {
      if (end.other?.owner.name !== peer) continue;
      end.isUp = false;
      end.other.isUp = false;
      this.#later(this.#network.latencyMs(peer, this.name), () => this.#down(end, "broken"));
      this.#tell(end.other, this.#network.latencyMs(this.name, peer), "broken");
    }
  }

  #deliver(end: End, other: End, bytes: Uint8Array, atMs: number): void {
    const from = this.name;
    const to = other.owner.name;
    end.waitingBytes += bytes.length;
    this.#world.schedule(atMs - this.#world.nowMs, undefined, () => {
      end.waitingBytes -= bytes.length;
      this.#network.pass(from, to, () => {
        if (!other.isUp) return;
        other.owner.#later(0, () => {
          if (!other.isUp) return;
          this.#network.options.observe(from, to, bytes);
          other.owner.#handler?.frame(other.id, bytes);
        });
      });
    });
  }

  /** An end of somebody else's learns that the link is over. */
  #tell(other: End, delayMs: number, reason: string): void {
    this.#world.schedule(delayMs, undefined, () => {
      this.#network.pass(this.name, other.owner.name, () => {
        other.owner.#later(0, () => other.owner.#down(other, reason));
      });
    });
  }

  #accept(dialled: End): void {
    if (this.#handler === undefined) return;
    const end = this.#newEnd();
    end.other = dialled;
    end.isUp = true;
    dialled.other = end;
    const dialler = dialled.owner;
    const backMs = this.#network.latencyMs(this.name, dialler.name);
    end.arrivesMs = this.#world.nowMs + backMs;
    // First the other side's news, then what we say: frames of ours come behind it.
    this.#world.schedule(backMs, undefined, () => {
      if (!dialler.#ends.has(dialled.id)) {
        this.#tell(end, 0, "reset by peer"); // it gave up, or died, meanwhile
        return;
      }
      dialled.isUp = true;
      dialler.#later(0, () => {
        if (dialler.#ends.has(dialled.id)) {
          dialler.#handler?.linkUp(dialled.id, true, this.name as RegionName);
        }
      });
    });
    must(this.#handler, "handler").linkUp(end.id, false, dialler.name as RegionName);
  }

  #down(end: End, reason: string): void {
    end.isUp = false;
    if (this.#ends.delete(end.id)) this.#handler?.linkDown(end.id, reason);
  }

  #newEnd(): End {
    const end: End = {
      owner: this,
      id: this.#nextLink++,
      other: undefined,
      isUp: false,
      freeMs: 0,
      arrivesMs: 0,
      waitingBytes: 0,
      frames: 0,
    };
    this.#ends.set(end.id, end);
    return end;
  }

  /** On the owner's host, if this process still lives. */
  #later(delayMs: number, run: () => void): void {
    if (this.#host.life === this.#life) this.#world.schedule(delayMs, this.#host, run);
  }
}
