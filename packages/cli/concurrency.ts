/**
 * Many things at a time, but not too many, and not two of the same kind.
 */

/**
 * Runs up to `concurrency` at a time, taking items in order and only when there is room. Rejects with
 * the first rejection; what is under way then still ends, and nothing more is taken.
 */
export async function forEachConcurrently<T>(
  items: Iterable<T> | AsyncIterable<T>,
  concurrency: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let isFailed = false;
  const worker = async (): Promise<void> => {
    try {
      while (!isFailed) {
        const next = await iterator.next();
        if (next.done === true) return;
        await run(next.value);
      }
    } catch (error) {
      isFailed = true;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** Things with the same key happen one after the other, in the order in which they were given. */
export class KeyedTurns<Key> {
  readonly #lastByKey = new Map<Key, Promise<void>>();

  async take(key: Key, run: () => Promise<void>): Promise<void> {
    const turn = (this.#lastByKey.get(key) ?? Promise.resolve()).then(run);
    const settled = turn.catch(() => undefined); // the next one does not inherit a failure
    this.#lastByKey.set(key, settled);
    try {
      await turn;
    } finally {
      if (this.#lastByKey.get(key) === settled) this.#lastByKey.delete(key);
    }
  }
}
