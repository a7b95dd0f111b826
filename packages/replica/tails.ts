/**
 * Which tails are folded next, and when.
 *
 *     longest    of any document                       at once: what a crash leaves to be loaded is bounded
 *     long       of a document that is not open        at once: whoever opens it next would pay for it
 *     waiting    of any document, a few changes each   once nobody has written there for a while
 *
 * A document that is written all the time is therefore folded as rarely as its open tail allows, and one that
 * rests lies folded soon, open or not: forgetting it would leave its changes raw, at forty times their size,
 * until somebody writes again.
 */
import type { Clock } from "@atoll/core";
import { hlcToMs, limits } from "@atoll/core";
import type { DocumentPlace, Store, WaitingTail } from "@atoll/store";

export class Tails {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #isOpen: (place: DocumentPlace) => boolean;

  constructor(rooms: {
    readonly store: Store;
    readonly clock: Clock;
    readonly isOpen: (place: DocumentPlace) => boolean;
  }) {
    this.#store = rooms.store;
    this.#clock = rooms.clock;
    this.#isOpen = rooms.isOpen;
  }

  /** What is to be folded now, as much as one turn takes. */
  toFold(): readonly DocumentPlace[] {
    const long = this.#long();
    return long.length > 0 ? long : this.#rested();
  }

  /** Until the next tail has rested, if nobody writes: Infinity while none waits. */
  msUntilRested(): number {
    const [next] = this.#store.waitingTails(1);
    return next === undefined ? Infinity : Math.max(0, this.#msUntilRested(next));
  }

  /**
   * Of many that are open only some are passed over in a turn: they are folded in time, and stand in
   * nobody's way.
   */
  #long(): readonly DocumentPlace[] {
    const { TAIL_CHANGES_MAX, TAIL_BYTES_MAX, OPEN_TAIL_CHANGES_MAX, OPEN_TAIL_BYTES_MAX } = limits;
    const { UPKEEP_DOCUMENTS_MAX, OPEN_TAILS_PASSED_MAX } = limits;
    const long = this.#store.longTails(TAIL_CHANGES_MAX, TAIL_BYTES_MAX, OPEN_TAILS_PASSED_MAX);
    if (long.length === 0) return long;
    const longest = this.#store.longTails(
      OPEN_TAIL_CHANGES_MAX,
      OPEN_TAIL_BYTES_MAX,
      UPKEEP_DOCUMENTS_MAX,
    );
    if (longest.length > 0) return longest;
    return long.filter((place) => !this.#isOpen(place)).slice(0, UPKEEP_DOCUMENTS_MAX);
  }

  #rested(): readonly DocumentPlace[] {
    return this.#store
      .waitingTails(limits.TAILS_RESTED_MAX)
      .filter((tail) => this.#msUntilRested(tail) <= 0);
  }

  #msUntilRested({ updatedHlc }: WaitingTail): number {
    return hlcToMs(updatedHlc) + limits.TAIL_REST_MS - this.#clock.nowMs();
  }
}
