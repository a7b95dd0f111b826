/**
 * A client that leaves takes its request along.
 *
 * Whoever waits on behalf of a request (for coverage, for other regions, for another region's answer)
 * holds a place that somebody else could have. The signal says when nobody is left to be answered.
 * It is made only for requests that may wait: a plain read pays nothing.
 */
import type { Reply } from "./answer.ts";
import { ClientGone } from "./body.ts";

/** Aborted with `ClientGone` when the connection ends before the answer has been written. */
export function departureSignal(reply: Reply): AbortSignal {
  const departure = new AbortController();
  const leave = (): void => departure.abort(new ClientGone("the client is gone"));
  if (reply.destroyed) leave();
  else {
    reply.once("close", () => {
      if (!reply.writableFinished) leave();
    });
  }
  return departure.signal;
}
