/**
 * JSON Web Tokens (RFC 7519) as access tokens: who signed, for whom, until when, and what for.
 *
 *     iss, aud, exp   required and checked          sub      who: required
 *     roles           an array, or a text with spaces        tenant   `default` when absent
 *     fields          top-level members, all when absent
 *
 * Only asymmetric algorithms: a verifier that accepts HMAC can be fed a public key as the secret. A
 * token that was verified is remembered for a while, because verifying costs more than the read behind
 * it; it is never remembered beyond its own end.
 */
import { createHash } from "node:crypto";
import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from "jose";
import { AtollError, DEFAULT_TENANT, limits, parseRole, parseClientTenant } from "@atoll/core";
import type { Clock, Role } from "@atoll/core";
import type { Principal } from "./principal.ts";

export const JWT_ALGORITHMS = ["EdDSA", "ES256", "RS256"] as const;

export interface BearerOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Public keys, or where they are published. */
  readonly keys: JSONWebKeySet | URL;
  readonly clock: Clock;
}

interface Verified {
  readonly principal: Principal;
  readonly untilMs: number;
}

export class Bearer {
  readonly #options: BearerOptions;
  readonly #keyOf: JWTVerifyGetKey;
  /** By SHA-256 of the token, oldest first: a memory dump shows no token that is still good. */
  readonly #verified = new Map<string, Verified>();

  constructor(options: BearerOptions) {
    this.#options = options;
    this.#keyOf =
      options.keys instanceof URL
        ? createRemoteJWKSet(options.keys, {
            timeoutDuration: limits.JWKS_ANSWER_MS_MAX,
            cooldownDuration: limits.JWKS_PAUSE_MS,
            cacheMaxAge: limits.JWKS_CACHE_MS,
          })
        : createLocalJWKSet(options.keys);
  }

  /** At once for a token seen before. Rejects with `unauthenticated`. */
  principalOf(token: string): Principal | Promise<Principal> {
    const name = createHash("sha256").update(token, "utf8").digest("base64");
    const known = this.#verified.get(name);
    if (known !== undefined && this.#options.clock.nowMs() < known.untilMs) return known.principal;
    return this.#verify(token).then((verified) => {
      this.#remember(name, verified);
      return verified.principal;
    });
  }

  async #verify(token: string): Promise<Verified> {
    const { issuer, audience, clock } = this.#options;
    const nowMs = clock.nowMs();
    try {
      const { payload } = await jwtVerify(token, this.#keyOf, {
        issuer,
        audience,
        algorithms: [...JWT_ALGORITHMS],
        requiredClaims: ["iss", "aud", "exp", "sub"],
        clockTolerance: limits.JWT_CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(nowMs),
      });
      const untilMs = Math.min((payload.exp ?? 0) * 1_000, nowMs + limits.JWT_REMEMBERED_MS);
      return { principal: principalFrom(payload), untilMs };
    } catch (error) {
      if (error instanceof AtollError) throw error;
      if (error instanceof errors.JOSEError) throw refused(reasonOf(error));
      throw new AtollError("overloaded", "the keys that sign tokens cannot be fetched", {}, error);
    }
  }

  #remember(name: string, verified: Verified): void {
    this.#verified.delete(name);
    this.#verified.set(name, verified);
    if (this.#verified.size <= limits.JWT_REMEMBERED_MAX) return;
    const [oldest] = this.#verified.keys();
    if (oldest !== undefined) this.#verified.delete(oldest);
  }
}

function principalFrom(payload: JWTPayload): Principal {
  const { iss = "", sub = "", tenant } = payload;
  const parsed = tenant === undefined ? DEFAULT_TENANT : parseClientTenant(tenant);
  if (parsed === undefined) throw refused("its tenant is not the name of one");
  const fields = namesIn(payload["fields"]);
  return {
    name: `jwt:${iss}#${sub}`,
    tenant: parsed,
    roles: (namesIn(payload["roles"]) ?? [])
      .map(parseRole)
      .filter((role): role is Role => role !== undefined), // others are another product's
    fields: fields && new Set(fields),
  };
}

function namesIn(claim: unknown): readonly string[] | undefined {
  if (claim === undefined) return undefined;
  if (typeof claim === "string") return claim.split(" ").filter((name) => name !== "");
  if (Array.isArray(claim) && claim.every((each) => typeof each === "string")) return claim;
  throw refused("roles and fields must be texts or arrays of texts");
}

/** Without the library's words, which may repeat the token's. */
function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return "it has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `its ${error.claim} is not right`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is not right";
  if (error instanceof errors.JWKSNoMatchingKey) return "no key of the issuer signed it";
  return "it is not a token that can be verified";
}

function refused(reason: string): AtollError {
  return new AtollError("unauthenticated", `the bearer token is refused: ${reason}`, {
    challenge: 'Bearer realm="atoll", error="invalid_token"',
  });
}
