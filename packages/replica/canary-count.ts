/**
 * How many of the documents are canaries' records: they are no profiles of anybody, and who asks how many
 * profiles there are is not to be told of them.
 *
 * Each region makes one in every window of time, for ever, so they are counted by the index of ids and
 * only when something has changed since they were counted: whoever asks twice in a quiet region, or at
 * every scrape, pays nothing.
 */
import { CANARY_TENANT } from "@atoll/core";
import type { Store } from "@atoll/store";

export class CanaryCount {
  readonly #store: Pick<Store, "countProfiles">;
  #count = 0;
  #changes: number | undefined;

  constructor(store: Pick<Store, "countProfiles">) {
    this.#store = store;
  }

  /** `changes`: held here now, in all. */
  at(changes: number): number {
    if (changes !== this.#changes) {
      this.#count = this.#store.countProfiles(CANARY_TENANT);
      this.#changes = changes;
    }
    return this.#count;
  }
}
