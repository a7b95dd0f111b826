/**
 * How clients come: from nobody to everybody, so that a process that has just begun is not shown the whole world at once.
 *
 * Their time goes slower in the beginning, and less and less so: the operations stay the same, and so does their order.
 */

/** How far into its operations a load has come; from `rampMs` on a millisecond is a millisecond. */
export function rampedMs(passedMs: number, rampMs: number): number {
  return passedMs < rampMs ? passedMs ** 2 / (2 * rampMs) : passedMs - rampMs / 2;
}
