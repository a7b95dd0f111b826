/**
 * One direction of one connection: bytes go in as they come and come out late, slow, in crumbs, or not at all.
 *
 *     source ──▶ take ──▶ [ piece due at t₁ ][ piece due at t₂ ][ end ] ──▶ sink
 *
 * Order is kept whatever the jitter, because TCP keeps it: a piece is never due before the one in front of
 * it. When too much waits, the source is paused, and the sender feels what it would feel of a full pipe.
 */
import type { Socket } from "node:net";
import type { Clock, Random, Timer } from "@atoll/core";
import type { Impairment } from "./impairment.ts";

/** What lies on the belt before the sender is stopped: a long fat pipe has about this much in flight. */
const BELT_BYTES_MAX = 256 * 1024;

export interface ConveyorOptions {
  readonly source: Socket;
  readonly sink: Socket;
  readonly impairment: () => Impairment;
  readonly random: Random;
  readonly clock: Clock;
}

interface Piece {
  /** Undefined: the source has ended. */
  readonly bytes: Buffer | undefined;
  readonly dueMs: number;
}

export class Conveyor {
  readonly #options: ConveyorOptions;
  readonly #belt: Piece[] = [];
  #beltBytes = 0;
  #lastDueMs = 0;
  /** When the pipe has sent what it was given. */
  #freeMs = 0;
  #timer: Timer | undefined;
  #isSinkFull = false;

  constructor(options: ConveyorOptions) {
    this.#options = options;
    options.sink.on("drain", () => {
      this.#isSinkFull = false;
      this.flow();
    });
  }

  take(bytes: Buffer): void {
    for (const piece of this.#cut(bytes)) this.#put(piece);
    this.flow();
  }

  end(): void {
    this.#put(undefined);
    this.flow();
  }

  /** Sends what may be sent now, and sees to the source. To be called when the impairment changes. */
  flow(): void {
    const { source, impairment } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (impairment().passage === "pass") this.#send();
    const isHeld = impairment().passage === "swallow" || this.#isSinkFull;
    if (isHeld || this.#beltBytes >= BELT_BYTES_MAX) source.pause();
    else source.resume();
  }

  close(): void {
    this.#timer?.cancel();
    this.#belt.length = 0;
  }

  #put(bytes: Buffer | undefined): void {
    const { impairment, random, clock } = this.#options;
    const { delayMs, jitterMs } = impairment();
    const lateMs = delayMs + (jitterMs > 0 ? jitterMs * random.float() : 0);
    this.#lastDueMs = Math.max(this.#lastDueMs, clock.monotonicMs() + lateMs);
    this.#belt.push({ bytes, dueMs: this.#lastDueMs });
    this.#beltBytes += bytes?.length ?? 0;
  }

  #send(): void {
    const { sink, clock, impairment } = this.#options;
    for (let piece = this.#belt[0]; piece !== undefined; piece = this.#belt[0]) {
      if (this.#isSinkFull) return;
      const waitMs = Math.max(piece.dueMs, this.#freeMs) - clock.monotonicMs();
      if (waitMs > 0) {
        this.#timer = clock.after(waitMs, () => this.flow());
        return;
      }
      this.#belt.shift();
      if (piece.bytes === undefined) {
        sink.end();
        continue;
      }
      this.#beltBytes -= piece.bytes.length;
      const { bytesPerSecond } = impairment();
      const sendMs = (piece.bytes.length / bytesPerSecond) * 1_000;
      this.#freeMs = Math.max(this.#freeMs, clock.monotonicMs()) + sendMs;
      if (!sink.destroyed) this.#isSinkFull = !sink.write(piece.bytes);
    }
  }

  /** In crumbs when that is asked for, and otherwise in two: a reader that relies on chunks is wrong. */
  *#cut(bytes: Buffer): Generator<Buffer> {
    const { impairment, random } = this.#options;
    const { sliceBytes, bytesPerSecond } = impairment();
    const most = Math.min(sliceBytes, bytesPerSecond === Infinity ? Infinity : 1_024);
    if (most === Infinity) {
      const cut = random.below(bytes.length);
      if (cut > 0) yield bytes.subarray(0, cut);
      yield bytes.subarray(cut);
      return;
    }
    for (let at = 0; at < bytes.length;) {
      const length = 1 + random.below(most);
      yield bytes.subarray(at, at + length);
      at += length;
    }
  }
}
