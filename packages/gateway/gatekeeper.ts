/**
 * What every request passes before its handler: room, name, right, rate; in this order.
 *
 *     room    is anything left of the bulkhead, of time, of the disk?                503 overloaded, 507
 *     name    whose credential is it?                                                401 unauthenticated
 *     right   does a role of theirs permit this route?                               403 forbidden
 *     rate    have they any requests left?                                           429 rate-limited
 *
 * Room comes first because it costs nothing and protects the rest; a credential is looked at before
 * any body is read. An open gateway, and a token seen before, pass without a promise: the hot read
 * stays synchronous. Refused credentials are counted by address, so that guessing is slow.
 */
import type { Request } from "express";
import { AtollError, limits } from "@atoll/core";
import type { Clock } from "@atoll/core";
import type { Gate, Handler, Reply } from "./answer.ts";
import type { Credentials } from "./credentials.ts";
import { OPEN_PRINCIPAL, permits } from "./principal.ts";
import type { Permission, Principal } from "./principal.ts";
import type { Access, Load } from "./policy.ts";
import { RateLimits, rateHeaders } from "./rate-limits.ts";
import type { RateKind, Rates } from "./rate-limits.ts";
import { TokenBuckets } from "./token-bucket.ts";

export interface GatekeeperOptions {
  readonly clock: Clock;
  /** Undefined: the listener is open, everybody is `OPEN_PRINCIPAL`. */
  readonly credentials?: Credentials | undefined;
  readonly rates?: Rates | undefined;
  /** What clients' writes are answered with while they cannot be taken: no time, no disk. */
  readonly refusal?: () => AtollError | undefined;
  readonly underWayMax?: Readonly<Record<Load, number>>;
  /** Where a request comes from, when its connection is not its client's. */
  readonly addressOf?: (request: Request) => string;
}

const NO_CREDENTIAL = 'Bearer realm="atoll"';
const NO_RIGHT = 'Bearer realm="atoll", error="insufficient_scope"';
/** Which rate a request is of; none: it is not limited. */
const KIND_BY_PERMISSION: Readonly<Partial<Record<Permission, RateKind>>> = {
  read: "reads",
  audit: "reads",
  write: "writes",
};
/** What is refused while this region cannot take more; reads and replication go on. */
const SHEDDABLE: ReadonlySet<Load> = new Set(["write", "bulk"]);

export class Gatekeeper implements Gate {
  readonly #credentials: Credentials | undefined;
  readonly #refusal: () => AtollError | undefined;
  readonly #addressOf: (request: Request) => string;
  readonly #underWayMax: Readonly<Record<Load, number>>;
  readonly #underWay: Record<Load, number> = {
    health: 0,
    read: 0,
    write: 0,
    bulk: 0,
    feed: 0,
    admin: 0,
  };
  /** Of principals, in all regions together. */
  readonly rates: RateLimits;
  readonly #refusals: TokenBuckets;
  /** Of large answers. */
  #unsentBytes = 0;

  constructor(options: GatekeeperOptions) {
    const { clock, rates } = options;
    this.#credentials = options.credentials;
    this.#refusal = options.refusal ?? (() => undefined);
    this.#addressOf = options.addressOf ?? (({ socket }) => socket.remoteAddress ?? "");
    this.#underWayMax = options.underWayMax ?? limits.UNDER_WAY_MAX;
    this.rates = new RateLimits(rates ?? {}, clock);
    this.#refusals = new TokenBuckets({
      clock,
      rate: { perSecond: limits.REFUSALS_PER_SECOND, burst: limits.REFUSALS_BURST },
      namesMax: limits.RATE_NAMES_MAX,
    });
  }

  /** Requests of each kind that are in their handlers. */
  get underWay(): Readonly<Record<Load, number>> {
    return this.#underWay;
  }

  /**
   * Throws, or rejects with, `overloaded`, `storage-full`, `unauthenticated`, `forbidden`,
   * `rate-limited`, and whatever the handler throws.
   */
  pass(request: Request, reply: Reply, access: Access, handler: Handler): void | Promise<void> {
    const { load } = access;
    this.#makeRoom(load);
    let working: void | Promise<void>;
    this.#underWay[load]++;
    try {
      const principal = this.#principalOf(request, access);
      working =
        principal instanceof Promise
          ? principal.then((known) => this.#enter(known, request, reply, access, handler))
          : this.#enter(principal, request, reply, access, handler);
    } catch (error) {
      this.#underWay[load]--;
      throw error;
    }
    if (working instanceof Promise) return working.finally(() => this.#underWay[load]--);
    this.#underWay[load]--;
  }

  /**
   * A client that asks for much and reads nothing is let go after a while; until then what it does not
   * take lies here, and all of them together have a bound.
   */
  holdAnswer(reply: Pick<Reply, "once">, bytes: number, mustTell: boolean): void {
    if (!mustTell && this.#unsentBytes + bytes > limits.ANSWERS_UNSENT_BYTES_MAX) {
      throw new AtollError(
        "overloaded",
        "too many large answers wait for clients that read slowly",
      );
    }
    this.#unsentBytes += bytes;
    reply.once("close", () => (this.#unsentBytes -= bytes));
  }

  #makeRoom(load: Load): void {
    if (this.#underWay[load] >= this.#underWayMax[load]) {
      throw new AtollError("overloaded", `too many requests of this kind (${load}) are under way`);
    }
    const refusal = SHEDDABLE.has(load) ? this.#refusal() : undefined;
    if (refusal !== undefined) throw refusal;
  }

  #principalOf(request: Request, { permission }: Access): Principal | Promise<Principal> {
    const credentials = this.#credentials;
    if (credentials === undefined || permission === "anybody") return OPEN_PRINCIPAL;
    const address = this.#addressOf(request);
    const refused = (error: unknown): never => {
      const isRefusal = error instanceof AtollError && error.code === "unauthenticated";
      const allowance = isRefusal ? this.#refusals.take(address) : undefined;
      if (allowance === undefined || allowance.allowed) throw error;
      throw new AtollError("rate-limited", "too many refused credentials from this address", {
        retryAfterSeconds: allowance.retryMs / 1_000,
      });
    };
    try {
      const principal = credentials.principalOf(credentialIn(request));
      return principal instanceof Promise ? principal.catch(refused) : principal;
    } catch (error) {
      return refused(error);
    }
  }

  #enter(
    principal: Principal,
    request: Request,
    reply: Reply,
    access: Access,
    handler: Handler,
  ): void | Promise<void> {
    if (!permits(principal, access.permission)) {
      throw new AtollError("forbidden", `none of your roles permits this (${access.permission})`, {
        challenge: NO_RIGHT,
      });
    }
    if (access.whole === true && principal.fields !== undefined) {
      throw new AtollError("forbidden", "this shows whole profiles, and you may see some members");
    }
    reply.locals.principal = principal;
    this.#spend(principal, reply, access);
    return handler(request, reply);
  }

  #spend(principal: Principal, reply: Reply, { permission }: Access): void {
    const kind = KIND_BY_PERMISSION[permission];
    const answer = kind && this.rates.take(kind, principal.name);
    if (kind === undefined || answer === undefined) return;
    Object.assign(reply.locals.common, rateHeaders(kind, answer));
    if (answer.allowed) return;
    throw new AtollError("rate-limited", `your rate of ${kind} is used up`, {
      retryAfterSeconds: answer.retryMs / 1_000,
    });
  }
}

/** Of `Authorization: Bearer …` (RFC 6750 section 2.1); never of the URL, which ends in logs. */
function credentialIn(request: Request): string {
  const header = request.headers.authorization;
  if (header === undefined) {
    throw new AtollError("unauthenticated", "send Authorization: Bearer with a token or a key", {
      challenge: NO_CREDENTIAL,
    });
  }
  const [, credential] = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header) ?? [];
  if (credential !== undefined && credential.length <= limits.CREDENTIAL_CHARS_MAX) {
    return credential;
  }
  throw new AtollError("unauthenticated", "the Authorization header is not a bearer credential", {
    challenge: 'Bearer realm="atoll", error="invalid_request"',
  });
}
