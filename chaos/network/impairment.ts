/**
 * What is wrong with one direction of one link, as data.
 *
 * Every fault of the network is a value here, so that a scenario says what is wrong and a backend how it is
 * done: the proxy holds bytes back, a namespace drops packets. What a backend cannot do it refuses by
 * name (`links.ts`), because a fault that silently did nothing would be a scenario that silently passed.
 */

export type Passage = "pass" | "swallow";

export interface FrameFaults {
  /** Chance that a frame is sent twice. */
  readonly duplicateRate: number;
  /** Chance that a frame is held until after the one behind it. */
  readonly reorderRate: number;
  /** Chance that a frame is cut short or damaged. */
  readonly corruptRate: number;
}

export interface Impairment {
  /** `swallow`: nothing arrives and nobody is told, as when packets are dropped. */
  readonly passage: Passage;
  /** One way. */
  readonly delayMs: number;
  /** Up to this much more, drawn for each piece; order is kept. */
  readonly jitterMs: number;
  readonly bytesPerSecond: number;
  /** Bytes arrive in pieces of at most this many. */
  readonly sliceBytes: number;
  /** Undefined: bytes pass without being looked at. */
  readonly frames: FrameFaults | undefined;
  /** Chance that a packet is lost; below TCP, so only where there are packets. */
  readonly lossRate: number;
}

export const UNIMPAIRED: Impairment = {
  passage: "pass",
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: Infinity,
  sliceBytes: Infinity,
  frames: undefined,
  lossRate: 0,
};
