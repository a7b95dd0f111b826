/**
 * A map from lanes to anything. A lane is one origin's entries in one shard; its key is a pair, which a
 * JavaScript Map cannot hold, and a string made of it would be the cost of every entry received.
 */
import type { Origin } from "./ids.ts";

export interface Lane {
  readonly shard: number;
  readonly origin: Origin;
}

export class LaneMap<T> {
  readonly #byShard = new Map<number, Map<Origin, T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get({ shard, origin }: Lane): T | undefined {
    return this.#byShard.get(shard)?.get(origin);
  }

  set({ shard, origin }: Lane, value: T): void {
    let byOrigin = this.#byShard.get(shard);
    if (byOrigin === undefined) this.#byShard.set(shard, (byOrigin = new Map<Origin, T>()));
    if (!byOrigin.has(origin)) this.#size++;
    byOrigin.set(origin, value);
  }

  delete({ shard, origin }: Lane): boolean {
    const byOrigin = this.#byShard.get(shard);
    if (byOrigin?.delete(origin) !== true) return false;
    if (byOrigin.size === 0) this.#byShard.delete(shard);
    this.#size--;
    return true;
  }

  clear(): void {
    this.#byShard.clear();
    this.#size = 0;
  }

  /** In ascending order of shard, then origin, so that what is derived from it is deterministic. */
  *entries(): Generator<readonly [Lane, T]> {
    if (this.#size === 0) return; // usual: some are asked after every frame
    const shards = [...this.#byShard.keys()];
    if (shards.length > 1) shards.sort((a, b) => a - b);
    for (const shard of shards) {
      const byOrigin = [...(this.#byShard.get(shard) ?? [])];
      if (byOrigin.length > 1) byOrigin.sort(([a], [b]) => a - b);
      for (const [origin, value] of byOrigin) yield [{ shard, origin }, value];
    }
  }
}
