/** What a start has opened, so that a failed one, and a stop, can walk back. */
import type { Log } from "@atoll/core";

export interface Opened {
  readonly what: string;
  close(): unknown;
}

/** What fails to close must not keep the rest open, least of all the lock. */
export async function closeInReverse(opened: Opened[], log: Log): Promise<void> {
  for (let last = opened.pop(); last !== undefined; last = opened.pop()) {
    try {
      await last.close();
    } catch (error) {
      log.error("close-failed", { what: last.what, error });
    }
  }
}
