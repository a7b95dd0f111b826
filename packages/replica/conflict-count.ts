/**
 * How often concurrent writes met in one place, and how often somebody settled it.
 *
 * The number of conflicts that stand now would cost a walk over every document; what operators ask is
 * whether they come faster than usual. A document is counted where its new state is shown, by a local
 * write or by rendering what came from elsewhere, so a conflict that arises and ends in between is not
 * seen, and neither is one whose group is never committed taken back.
 */
export class ConflictCount {
  #found = 0;
  #resolved = 0;

  /** Since the start. */
  get found(): number {
    return this.#found;
  }

  get resolved(): number {
    return this.#resolved;
  }

  /** A profile had so many, and now has so many. */
  note(before: number, after: number): void {
    if (after > before) this.#found += after - before;
    else this.#resolved += before - after;
  }
}
