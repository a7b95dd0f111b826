/**
 * Which documents somebody has asked for lately: enough to tell the second time from the first.
 *
 * Most profiles of a large region are read once and not again for a long time. Kept, each would drive out one
 * that is wanted again, and become old memory that only a full collection gives back.
 *
 * Two sets of bits, of which the older one is emptied in turn: what was asked for in either was asked for. A bit
 * that two documents share makes the second look older than it is, and costs no more than keeping it. After
 * the doorkeeper of TinyLFU (Einziger, Friedman, Manes 2017, section 3.4.2).
 */
import { limits } from "@atoll/core";

export class SeenBefore {
  #young = new Uint8Array(limits.SEEN_BITS / 8);
  #old = new Uint8Array(limits.SEEN_BITS / 8);
  #count = 0;

  /** True from the second time on; the first time is noted. `position`: where a document lies, which is spread evenly. */
  again(position: number): boolean {
    const bit = position % limits.SEEN_BITS;
    const [at, mask] = [bit >>> 3, 1 << (bit & 7)];
    if ((((this.#young[at] ?? 0) | (this.#old[at] ?? 0)) & mask) !== 0) return true;
    if (this.#count >= limits.SEEN_ONCE_MAX) this.#turn();
    this.#young[at] = (this.#young[at] ?? 0) | mask;
    this.#count++;
    return false;
  }

  #turn(): void {
    const emptied = this.#old.fill(0);
    this.#old = this.#young;
    this.#young = emptied;
    this.#count = 0;
  }
}
