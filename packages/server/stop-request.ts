/**
 * How a process is told to stop, heard once for the whole process.
 *
 * Ctrl-C often arrives twice: the terminal signals the whole group, and npm passes on what it got. Only
 * a second signal that comes later means "at once". A process that was started with a channel also
 * stops when its parent is gone, because nobody else would ever stop it.
 */
import { limits, systemClock } from "@atoll/core";

export interface StopRequest {
  /** Resolves with the signal's name, or `parent-gone`. */
  readonly requested: Promise<string>;
}

/** `atOnce` is called for the second signal; it is expected to exit. */
export function hearStopRequest(atOnce: () => void): StopRequest {
  let firstMs: number | undefined;
  const requested = new Promise<string>((resolve) => {
    const onSignal = (signal: string): void => {
      const nowMs = systemClock.monotonicMs();
      firstMs ??= nowMs;
      if (nowMs - firstMs > limits.SIGNAL_REPEAT_MS_MIN) atOnce();
      resolve(signal);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, onSignal);
    if (process.channel !== undefined) {
      process.on("disconnect", () => resolve("parent-gone"));
      process.channel.unref(); // listening to it must not keep a process that failed to start
    }
  });
  return { requested };
}
