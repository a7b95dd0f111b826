/**
 * Marks a rare path: "a run of the simulator has come by here".
 *
 * A simulator that never reaches a branch proves nothing about it, and does not say so. Each mark is a name
 * that some run must hit; the report lists those that none did. Outside the simulator nobody listens,
 * and a mark costs a comparison.
 */
let listener: ((name: string) => void) | undefined;

export function sometimes(name: string): void {
  if (listener !== undefined) listener(name);
}

/** Who is told from now on; returns what ends it. */
export function listenToSometimes(listen: (name: string) => void): () => void {
  const before = listener;
  listener = listen;
  return () => {
    listener = before;
  };
}
