/**
 * C7: would an operator have known? What a region says of itself while the fault lasts, and no longer afterwards.
 *
 * These are the facts that alerts are made of (`/readyz`, the state of each link, what is set aside), looked at
 * twice a second; no alert manager is part of a run.
 */
import type { Sample } from "../run/observer.ts";

export interface Signal {
  readonly what: string;
  /** From the start of the fault until it is told, at most. */
  readonly firesMsMax: number;
  /** From the heal until it is told no longer. */
  readonly clearsMsMax: number;
  readonly isOn: (sample: Sample) => boolean;
}

/** A link that somebody does not call live. */
export function linkDown(from: string, to: string, firesMsMax = 10_000): Signal {
  return {
    what: `${from} says that its link to ${to} is not live`,
    firesMsMax,
    clearsMsMax: 15_000,
    isOn: ({ region, said }) =>
      region === from &&
      said?.peers.some(({ region: peer, state }) => peer === to && state !== "live") === true,
  };
}

export function notReady(name: string): Signal {
  return {
    what: `${name} is not ready`,
    firesMsMax: 5_000,
    clearsMsMax: 15_000,
    isOn: ({ region, isReady }) => region === name && !isReady,
  };
}

export interface SignalVerdict {
  readonly firedAfterMs: number | undefined;
  readonly clearedAfterMs: number | undefined;
}

/** `clearedAfterMs` is negative for a signal that ended while the fault lasted. */
export function heard(
  signal: Signal,
  samples: readonly Sample[],
  { faultMs, healMs }: { readonly faultMs: number; readonly healMs: number },
): SignalVerdict {
  const on = samples.filter((sample) => sample.atMs >= faultMs && signal.isOn(sample));
  const [first] = on;
  const last = on.at(-1);
  if (first === undefined || last === undefined) {
    return { firedAfterMs: undefined, clearedAfterMs: undefined };
  }
  const cleared = samples.find(
    (sample) => sample.atMs > last.atMs && sample.region === last.region && !signal.isOn(sample),
  );
  return {
    firedAfterMs: first.atMs - faultMs,
    clearedAfterMs: cleared && cleared.atMs - healMs,
  };
}
