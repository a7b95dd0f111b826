/**
 * The files that say who may come in, read at the start and again whenever they change.
 *
 * Revoking a key must not need a restart, and a half-written file must not lock everybody out: what
 * does not read well is logged, once, and the credentials in force stay.
 *
 *     keys:                                  JWKS: as the issuer publishes it (RFC 7517 section 5)
 *       - id: ci-writer
 *         hash: 6f1e…                        SHA-256 of the key's secret; `atoll key new` prints both
 *         roles: [writer]
 *         tenant: acme                       optional, `default`
 *         fields: [name, bio]                optional, all
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { AtollError, ROLES, errorText, limits, parseClientTenant } from "@atoll/core";
import type { Clock, Log, Tenant, Timer } from "@atoll/core";
import { ApiKeys, Bearer, Credentials } from "@atoll/gateway";
import type { AuthConfig } from "./config.ts";
import { toPointer } from "./config-schema.ts";

const keysShape = z.strictObject({
  keys: z.array(
    z.strictObject({
      id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "letters, digits and hyphens, at most 64"),
      hash: z
        .string()
        .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits, as atoll key new prints them"),
      roles: z.array(z.enum(ROLES)).min(1),
      tenant: z
        .custom<Tenant>(
          (value) => parseClientTenant(value) !== undefined,
          "lower-case letters, digits, hyphens",
        )
        .optional(),
      fields: z.array(z.string()).optional(),
    }),
  ),
});

const jwksShape = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });

export interface CredentialFilesOptions {
  readonly auth: AuthConfig;
  readonly clock: Clock;
  readonly log: Log;
}

export class CredentialFiles {
  readonly credentials: Credentials;
  readonly #options: CredentialFilesOptions;
  #texts: string;
  #toldFault = "";
  #timer: Timer | undefined;

  /** Throws `config-invalid`. */
  constructor(options: CredentialFilesOptions) {
    this.#options = options;
    const texts = this.#read();
    this.#texts = JSON.stringify(texts);
    this.credentials = new Credentials(...this.#judge(texts));
  }

  start(): void {
    this.#timer = this.#options.clock.after(limits.CREDENTIALS_CHECK_MS, () => {
      this.#look();
      this.start();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { log } = this.#options;
    try {
      const texts = this.#read();
      const now = JSON.stringify(texts);
      if (now === this.#texts) return;
      this.credentials.replace(...this.#judge(texts));
      this.#texts = now;
      this.#toldFault = "";
      log.info("credentials-renewed");
    } catch (error) {
      const reason = errorText(error);
      if (reason !== this.#toldFault) log.error("credentials-not-renewed", { reason });
      this.#toldFault = reason;
    }
  }

  #read(): Texts {
    const { keysFile, jwt } = this.#options.auth;
    const jwks = jwt?.jwks;
    return {
      keys: keysFile === undefined ? undefined : readText(keysFile),
      jwks: typeof jwks === "string" ? readText(jwks) : undefined,
    };
  }

  #judge({ keys, jwks }: Texts): [ApiKeys, Bearer | undefined] {
    const { auth, clock } = this.#options;
    const records = keys === undefined ? [] : judged(keysShape, keys, auth.keysFile).keys;
    const ids = records.map(({ id }) => id);
    const twice = ids.find((id, index) => ids.indexOf(id) !== index);
    if (twice !== undefined) throw invalid(auth.keysFile, `two keys have the id ${twice}`);
    if (auth.jwt === undefined) return [new ApiKeys(records), undefined];
    const { issuer, audience, jwks: source } = auth.jwt;
    const published = source instanceof URL ? source : judged(jwksShape, jwks ?? "", source);
    return [new ApiKeys(records), new Bearer({ issuer, audience, keys: published, clock })];
  }
}

interface Texts {
  readonly keys: string | undefined;
  readonly jwks: string | undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(file, errorText(error));
  }
}

/** YAML reads JSON too. */
function judged<T>(shape: z.ZodType<T>, text: string, file = ""): T {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw invalid(file, errorText(error).split("\n")[0] ?? "it is not YAML");
  }
  const parsed = shape.safeParse(raw);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${toPointer(path)} ${message}`);
  throw invalid(file, faults.join("; "));
}

function invalid(file: string | undefined, reason: string): AtollError {
  return new AtollError("config-invalid", `${file ?? "auth"}: ${reason}`, {
    mend: "Mend the file, or leave auth away and listen on loopback only.",
  });
}
