/**
 * Asking again and again: one round after the other until closed, and a pause after one that failed.
 *
 * A failure is told once and its end is told once: a registry that is down for a night is one line in the log,
 * not ten thousand.
 */
import type { Clock, Log, Timer } from "@atoll/core";
import { errorText, limits } from "@atoll/core";
import type { Discovery } from "./discovery.ts";

export interface RoundsOptions {
  /** Of the registry, for the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly log: Log;
  /** One round; when it resolves, the next begins after so many milliseconds. Gives up when aborted. */
  readonly round: (signal: AbortSignal) => Promise<number>;
}

export function keepAsking({ what, clock, log, round }: RoundsOptions): Discovery {
  const closing = new AbortController();
  let timer: Timer | undefined;
  let isFailing = false;
  const ask = async (): Promise<void> => {
    let pauseMs: number = limits.DISCOVERY_RETRY_MS;
    try {
      pauseMs = await round(closing.signal);
      if (isFailing) log.info("discovery-resumed", { what });
      isFailing = false;
    } catch (error) {
      if (closing.signal.aborted) return;
      if (!isFailing) log.warn("discovery-failed", { what, reason: errorText(error) });
      isFailing = true;
    }
    if (!closing.signal.aborted) timer = clock.after(pauseMs, () => void ask());
  };
  void ask();
  return {
    close: () => {
      closing.abort();
      timer?.cancel();
    },
  };
}
