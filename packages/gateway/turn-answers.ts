/**
 * Answers of one turn of the event loop, written one after the other when it ends.
 *
 *     read ─▶ answer ┐
 *     read ─▶ answer ┼──▶ end of turn ──▶ write, write, write
 *     read ─▶ answer ┘
 *
 * To write to a socket wakes its reader, if he is a process of this machine (a proxy, a sidecar) and asleep.
 * One by one, each with the work of the next request before it, nearly every answer finds him asleep again, and to wake him
 * costs the writer more than to find a profile. Together, the first one wakes him for all.
 *
 * For what is answered in the turn in which it was asked: it waits for the others that came with it and no longer
 * than had it come last of them. What had to wait anyway is written at once.
 */
import type { ServerResponse } from "node:http";
import type { Clock } from "@atoll/core";
import { limits } from "@atoll/core";

type Ending = Pick<ServerResponse, "end">;

interface Ready {
  readonly reply: Ending;
  readonly body: string | Uint8Array | undefined;
}

export class TurnAnswers {
  readonly #clock: Clock;
  #ready: Ready[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends an answer whose head has been made. */
  end(reply: Ending, body: string | Uint8Array | undefined): void {
    const count = this.#ready.push({ reply, body });
    if (count === 1) this.#clock.afterTurn(() => this.#write());
    if (count >= limits.ANSWERS_TOGETHER_MAX) this.#write();
  }

  #write(): void {
    const ready = this.#ready;
    this.#ready = [];
    for (const { reply, body } of ready) reply.end(body);
  }
}
