/**
 * Credentials that this region accepts: API keys, bearer tokens, or both.
 *
 * The files behind them may change while the region runs; whoever reads them replaces the whole set in
 * one step, so that no request sees half of a change.
 */
import { AtollError } from "@atoll/core";
import { ApiKeys } from "./api-keys.ts";
import type { Bearer } from "./bearer.ts";
import type { Principal } from "./principal.ts";

export class Credentials {
  #keys: ApiKeys;
  #bearer: Bearer | undefined;

  constructor(keys: ApiKeys, bearer: Bearer | undefined) {
    this.#keys = keys;
    this.#bearer = bearer;
  }

  replace(keys: ApiKeys, bearer: Bearer | undefined): void {
    this.#keys = keys;
    this.#bearer = bearer;
  }

  /** Throws, or rejects with, `unauthenticated`. */
  principalOf(credential: string): Principal | Promise<Principal> {
    if (ApiKeys.looksLike(credential)) {
      const principal = this.#keys.principalOf(credential);
      if (principal !== undefined) return principal;
      throw refused("the API key is not one of this region's");
    }
    if (this.#bearer === undefined) throw refused("this region takes API keys only");
    return this.#bearer.principalOf(credential);
  }
}

function refused(detail: string): AtollError {
  return new AtollError("unauthenticated", detail, {
    challenge: 'Bearer realm="atoll", error="invalid_token"',
  });
}
