/**
 * What requests with an Idempotency-Key came to, so that a repetition is answered and not done again.
 *
 * The answer is kept in the transaction of the write itself: after any crash either both are there or
 * neither is. What is kept is small and of one size, because what the answer showed is the profile at a
 * version, which the document still has. Only this region knows; a repetition elsewhere is a new request.
 *
 * A request that was refused has done nothing and is not kept: repeating it is harmless.
 */
import type { ChangeHash, Clock, ProfileId } from "@atoll/core";
import { AtollError, assert, fromHex, limits, mustChangeHash, toHex } from "@atoll/core";
import type { Store } from "@atoll/store";
import type { Group } from "./group.ts";

/** Names a request: equal keys are the same attempt, equal fingerprints the same request. */
export interface Idempotency {
  /** 32 bytes, of whoever asks and the key they chose. */
  readonly key: Uint8Array;
  /** 32 bytes, of everything that decides what the request does. */
  readonly fingerprint: Uint8Array;
}

export type KeptOutcome =
  | {
      readonly kind: "written";
      readonly id: ProfileId;
      readonly created: boolean;
      readonly changed: boolean;
      readonly heads: readonly ChangeHash[];
    }
  | { readonly kind: "deleted"; readonly existed: boolean };

export class KeptAnswers {
  readonly #store: Store;
  readonly #group: Group;
  readonly #clock: Clock;
  readonly #max: number;
  #count: number;

  constructor(rooms: {
    readonly store: Store;
    readonly group: Group;
    readonly clock: Clock;
    readonly answersMax?: number;
  }) {
    this.#store = rooms.store;
    this.#group = rooms.group;
    this.#clock = rooms.clock;
    this.#max = rooms.answersMax ?? limits.ANSWERS_KEPT_MAX;
    this.#count = this.#store.countAnswers();
  }

  /** Undefined for a request that is new. Throws idempotency-mismatch when the key is another's. */
  find({ key, fingerprint }: Idempotency): KeptOutcome | undefined {
    const kept = this.#store.readAnswer(key);
    if (kept === undefined || kept.atMs < this.#expiredMs) return undefined;
    if (Buffer.compare(kept.fingerprint, fingerprint) === 0) return parseOutcome(kept.outcome);
    throw new AtollError(
      "idempotency-mismatch",
      "this Idempotency-Key was used for another request; a new request needs a new key",
    );
  }

  /** Staged with the write. */
  keep({ key, fingerprint }: Idempotency, outcome: KeptOutcome): void {
    this.#group.open();
    const isNew = this.#store.readAnswer(key) === undefined;
    const text = outcomeText(outcome);
    this.#store.keepAnswer({ key, fingerprint, atMs: this.#clock.nowMs(), outcome: text });
    if (isNew) this.#count++;
    // A little at a time: as many as are kept, and a few more.
    this.#count -= this.#store.forgetAnswers(this.#expiredMs, limits.ANSWERS_FORGOTTEN_AT_ONCE);
    const beyond = Math.min(this.#count - this.#max, limits.ANSWERS_FORGOTTEN_AT_ONCE);
    if (beyond > 0) this.#count -= this.#store.forgetAnswers(Number.MAX_SAFE_INTEGER, beyond);
  }

  /** After a group was undone. */
  reload(): void {
    this.#count = this.#store.countAnswers();
  }

  get #expiredMs(): number {
    return this.#clock.nowMs() - limits.ANSWER_KEPT_MS;
  }
}

function outcomeText(outcome: KeptOutcome): string {
  if (outcome.kind === "deleted") return JSON.stringify(outcome);
  return JSON.stringify({ ...outcome, heads: outcome.heads.map(toHex) });
}

/** Of our own writing; what it is not, the file has lost. */
function parseOutcome(text: string): KeptOutcome {
  const kept = JSON.parse(text) as KeptOutcome & { readonly heads: readonly string[] };
  assert(kept.kind === "written" || kept.kind === "deleted", "an outcome that was kept");
  if (kept.kind === "deleted") return kept;
  return { ...kept, heads: kept.heads.map((hex) => mustChangeHash(fromHex(String(hex)))) };
}
