/**
 * Sending one request until it is answered, within bounds.
 *
 * Safe only for requests that may be sent twice: PUT, DELETE and merge-patches are, because applying
 * one again leaves no trace. Only "not now" is retried (503, a connection that failed); everything else
 * would fail again. Full jitter, so that many commands do not come back in step.
 */
import type { Random } from "@atoll/core";
import { limits } from "@atoll/core";
import type { HttpAnswer, HttpClient, HttpRequest } from "./http-client.ts";
import { ConnectionError } from "./http-client.ts";

export interface RetryDeps {
  readonly random: Random;
  readonly wait: (delayMs: number) => Promise<void>;
  /** Called before each repetition. */
  readonly onRetry?: (reason: string) => void;
}

/** The last answer, which may still be a 503. Rejects with `ConnectionError` when there was none. */
export async function sendWithRetries(
  client: Pick<HttpClient, "send">,
  request: HttpRequest,
  { random, wait, onRetry }: RetryDeps,
): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= limits.COMMAND_ATTEMPTS_MAX;
    let reason: string;
    let askedMs = 0;
    try {
      const answer = await client.send(request);
      if (answer.status !== 503 || isLast) return answer;
      reason = "status 503";
      askedMs = retryAfterMs(answer);
    } catch (error) {
      if (!(error instanceof ConnectionError) || isLast) throw error;
      reason = error.message;
    }
    onRetry?.(reason);
    await wait(pauseMs(attempt, askedMs, random));
  }
}

function pauseMs(attempt: number, askedMs: number, random: Random): number {
  const ceiling = limits.COMMAND_RETRY_MS_MIN * 2 ** (attempt - 1);
  const drawn = random.float() * Math.min(ceiling, limits.COMMAND_RETRY_MS_MAX);
  return Math.min(askedMs + drawn, limits.COMMAND_RETRY_MS_MAX);
}

/** Seconds; the form with a date is not sent by Atoll and counts as none. */
function retryAfterMs({ headers }: HttpAnswer): number {
  const seconds = Number(headers["retry-after"] ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}
