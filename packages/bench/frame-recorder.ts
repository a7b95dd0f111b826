/**
 * The frames of a pair, in the order in which they were sent.
 */
import type { FrameClass } from "./frame-kinds.ts";
import { changeBytes, classifyFrame } from "./frame-kinds.ts";

export interface RecordedFrame {
  readonly from: string;
  readonly class: FrameClass;
  readonly kind: string;
  readonly bytes: number;
  readonly changeBytes: number;
  readonly entryCount: number;
  /** The frame itself, of a batch and if they are kept. */
  readonly frame: Uint8Array | undefined;
}

export class FrameRecorder {
  readonly frames: RecordedFrame[] = [];
  readonly #keepsBatches: boolean;

  constructor({ keepsBatches = false } = {}) {
    this.#keepsBatches = keepsBatches;
  }

  /** To be called for each frame that `from` sends. */
  tap(from: string): (frame: Uint8Array) => void {
    return (frame) => {
      const { class: frameClass, kind, entries } = classifyFrame(frame);
      const keeps = this.#keepsBatches && frameClass === "entries";
      this.frames.push({
        from,
        class: frameClass,
        kind,
        bytes: frame.length,
        changeBytes: changeBytes(entries),
        entryCount: entries.length,
        frame: keeps ? new Uint8Array(frame) : undefined,
      });
    };
  }

  bytesOf(...classes: readonly FrameClass[]): number {
    return this.of(...classes).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  of(...classes: readonly FrameClass[]): RecordedFrame[] {
    return this.frames.filter((frame) => classes.includes(frame.class));
  }

  /** Bytes by kind of message, for whoever wonders what the sum is made of. */
  bytesByKind(): Record<string, number> {
    const bytesByKind: Record<string, number> = {};
    for (const { kind, bytes } of this.frames) bytesByKind[kind] = (bytesByKind[kind] ?? 0) + bytes;
    return bytesByKind;
  }
}

/**
 * Round trips of a conversation: each turn, a run of frames of one side, is half a round.
 * Over a link of constant delay a turn costs one such delay.
 */
export function roundTrips(frames: readonly RecordedFrame[]): number {
  let turns = 0;
  let speaker: string | undefined;
  for (const { from } of frames) {
    if (from !== speaker) turns++;
    speaker = from;
  }
  return turns / 2;
}
