/**
 * A link as long as an ocean is wide: every frame of a link that this end dialled takes its delay, in both
 * directions. The other end adds nothing, so each frame is delayed once.
 *
 * Order is kept, bandwidth is not limited, and nothing is lost.
 */
import type { Clock } from "@atoll/core";
import type { LinkId, Transport, TransportHandler } from "@atoll/sync";

interface Waiting {
  readonly dueMs: number;
  readonly arrive: () => void;
}

/** Frames under way in one direction. */
class Pipe {
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

export class DelayedTransport implements Transport {
  readonly #inner: Transport;
  readonly #clock: Clock;
  readonly #delayMsOf: (url: string) => number;
  readonly #outward = new Map<LinkId, Pipe>();
  readonly #inward = new Map<LinkId, Pipe>();

  /** `delayMsOf`: one way, of the region at this address. */
  constructor(inner: Transport, clock: Clock, delayMsOf: (url: string) => number) {
    this.#inner = inner;
    this.#clock = clock;
    this.#delayMsOf = delayMsOf;
  }

  attach(handler: TransportHandler): void {
    this.#inner.attach({
      linkUp: (link, dialled) => handler.linkUp(link, dialled),
      frame: (link, bytes) => {
        const pipe = this.#inward.get(link);
        if (pipe === undefined) handler.frame(link, bytes);
        else pipe.pass(() => handler.frame(link, bytes));
      },
      linkDown: (link, reason) => {
        this.#outward.delete(link);
        this.#inward.delete(link);
        handler.linkDown(link, reason);
      },
    });
  }

  dial(url: string): LinkId {
    const link = this.#inner.dial(url);
    const delayMs = this.#delayMsOf(url);
    this.#outward.set(link, new Pipe(this.#clock, delayMs));
    this.#inward.set(link, new Pipe(this.#clock, delayMs));
    return link;
  }

  send(link: LinkId, frame: Uint8Array): void {
    const pipe = this.#outward.get(link);
    if (pipe === undefined) this.#inner.send(link, frame);
    else pipe.pass(() => this.#inner.send(link, frame));
  }

  backlogBytes(link: LinkId): number {
    return this.#inner.backlogBytes(link);
  }

  close(link: LinkId, reason: string): void {
    const pipe = this.#outward.get(link);
    if (pipe === undefined) this.#inner.close(link, reason);
    else pipe.pass(() => this.#inner.close(link, reason));
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }
}
