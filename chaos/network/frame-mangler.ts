/**
 * Frames that arrive twice, in another order, or damaged: what TCP forbids and a broken peer or proxy does.
 *
 * Under TCP lost, doubled and reordered packets become delays and resets, so these faults only exist above
 * it. Control frames pass as they are: they are the library's, not the product's.
 *
 * A damaged frame is one that is cut short, or one with a bit turned in its last quarter, where the contents
 * of changes lie. Links are authenticated and encrypted in production, so damage means a peer whose memory
 * is broken; a peer that lies well about what it holds is not played here (nor in the simulator).
 */
import type { Clock, Random, Timer } from "@atoll/core";
import type { FrameFaults } from "./impairment.ts";
import type { Frame } from "./websocket-frames.ts";
import { BINARY_OPCODE, FrameSplitter, truncated } from "./websocket-frames.ts";

/** A frame that is held goes on after this long if no other overtakes it. */
const HELD_MS_MAX = 40;

export interface FrameManglerOptions {
  readonly faults: () => FrameFaults | undefined;
  readonly random: Random;
  readonly clock: Clock;
  readonly pass: (bytes: Buffer) => void;
}

export class FrameMangler {
  readonly #options: FrameManglerOptions;
  readonly #splitter = new FrameSplitter();
  #held: Buffer | undefined;
  #timer: Timer | undefined;

  constructor(options: FrameManglerOptions) {
    this.#options = options;
  }

  take(chunk: Buffer): void {
    for (const item of this.#splitter.take(chunk)) {
      if (Buffer.isBuffer(item)) this.#options.pass(item);
      else this.#handle(item);
    }
  }

  end(): void {
    this.#release();
    const rest = this.#splitter.end();
    if (rest.length > 0) this.#options.pass(rest);
  }

  #handle(frame: Frame): void {
    const { faults, random, pass } = this.#options;
    const rates = faults();
    if (rates === undefined || frame.opcode !== BINARY_OPCODE) {
      this.#release();
      pass(frame.bytes);
      return;
    }
    const bytes = random.float() < rates.corruptRate ? damaged(frame, random) : frame.bytes;
    if (this.#held === undefined && random.float() < rates.reorderRate) {
      this.#hold(bytes);
      return;
    }
    pass(bytes);
    if (random.float() < rates.duplicateRate) pass(bytes);
    this.#release();
  }

  #hold(bytes: Buffer): void {
    this.#held = bytes;
    this.#timer = this.#options.clock.after(HELD_MS_MAX, () => this.#release());
  }

  #release(): void {
    this.#timer?.cancel();
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#options.pass(held);
  }
}

function damaged(frame: Frame, random: Random): Buffer {
  const payloadBytes = frame.bytes.length - frame.headerBytes;
  if (payloadBytes < 8 || random.below(2) === 0) {
    return truncated(frame, random.below(Math.max(1, payloadBytes)));
  }
  const bytes = Buffer.from(frame.bytes);
  const from = frame.headerBytes + Math.floor((payloadBytes * 3) / 4);
  const at = from + random.below(bytes.length - from);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
}
