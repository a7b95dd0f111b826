/**
 * A transport that lets somebody look at every frame it sends, and changes nothing.
 *
 * Looking where frames are sent counts each of them once, and sees what was lost on the way, too: it was
 * paid for.
 */
import type { LinkId, Transport, TransportHandler } from "@atoll/sync";

export class TappedTransport implements Transport {
  readonly #inner: Transport;
  readonly #onSend: (frame: Uint8Array) => void;

  constructor(inner: Transport, onSend: (frame: Uint8Array) => void) {
    this.#inner = inner;
    this.#onSend = onSend;
  }

  attach(handler: TransportHandler): void {
    this.#inner.attach(handler);
  }

  dial(url: string): LinkId {
    return this.#inner.dial(url);
  }

  send(link: LinkId, frame: Uint8Array): void {
    this.#onSend(frame);
    this.#inner.send(link, frame);
  }

  backlogBytes(link: LinkId): number {
    return this.#inner.backlogBytes(link);
  }

  close(link: LinkId, reason: string): void {
    this.#inner.close(link, reason);
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }
}
