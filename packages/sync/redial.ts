/**
 * When a region is dialled again.
 *
 * Pauses are exponential, capped, with full jitter (Brooker, "Exponential Backoff And Jitter", 2015), so that
 * a fleet that lost a region does not return to it in step. A row of failures ends only when a link was live
 * for a while: a peer that accepts, proves itself and falls over at once would otherwise be dialled ten times
 * a second for as long as it is ill.
 */
import type { Random } from "@atoll/core";
import { limits } from "@atoll/core";
import type { LinkId } from "./transport.ts";

export class Redial {
  readonly #random: Random;
  #dialling: LinkId | undefined;
  /** Dial effects are performed in their turn, so there is a moment before the link has an id. */
  #isUnderWay = false;
  #attempts = 0;
  #dueMs = 0;
  #insists = false;

  constructor(random: Random) {
    this.#random = random;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** True when we are to dial whether or not it is our turn to. */
  get insists(): boolean {
    return this.#insists;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.dueMs;
  }

  /** When the next attempt may begin; never while one is under way. */
  get dueMs(): number {
    return this.#isUnderWay ? Infinity : this.#dueMs;
  }

  /** True for the link that was dialled. */
  isOf(id: LinkId): boolean {
    return this.#dialling === id;
  }

  begin(): void {
    this.#isUnderWay = true;
    this.#insists = false;
  }

  dialled(id: LinkId): void {
    this.#dialling = id;
  }

  /** An attempt has failed, or a link that was live this long is gone. */
  ended(id: LinkId, livedMs: number, nowMs: number): void {
    if (this.isOf(id)) {
      this.#dialling = undefined;
      this.#isUnderWay = false;
    }
    if (livedMs >= limits.LINK_SETTLED_MS) this.#attempts = 0;
    this.#dueMs = nowMs + redialDelayMs(this.#attempts++, this.#random);
  }

  /** At the next tick, and without regard to whose turn it is. */
  soon(): void {
    this.#dueMs = 0;
    this.#insists = true;
  }

  /** An operator wants it: the failures so far count no more. */
  reset(): void {
    this.#attempts = 0;
    this.#dueMs = 0;
  }
}

/** `attempt` counts from 0. Milliseconds, at least a tenth of the bound. */
export function redialDelayMs(attempt: number, random: Random): number {
  const bound = Math.min(limits.REDIAL_MS_MAX, limits.REDIAL_MS_MIN * 2 ** Math.min(attempt, 16));
  return bound * (0.1 + 0.9 * random.float());
}
