/**
 * API keys: `atoll_ID_SECRET`, of which a region keeps the SHA-256 only.
 *
 * The secret is 32 random bytes, so one round of SHA-256 is as good as a slow hash: there is no
 * dictionary to try. The id is part of the key, so that looking it up compares one hash, in constant
 * time, and so that a key found in a log can be told from others without knowing it.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { DEFAULT_TENANT, limits } from "@atoll/core";
import type { Random, Role, Tenant } from "@atoll/core";
import type { Principal } from "./principal.ts";

export interface ApiKeyRecord {
  /** Letters, digits and hyphens. */
  readonly id: string;
  /** SHA-256 of the secret, 64 hexadecimal digits. */
  readonly hash: string;
  readonly roles: readonly Role[];
  readonly tenant?: Tenant | undefined;
  readonly fields?: readonly string[] | undefined;
}

const KEY = /^atoll_([A-Za-z0-9-]{1,64})_([A-Za-z0-9_-]{43})$/;

export class ApiKeys {
  readonly #byId = new Map<string, { readonly hash: Buffer; readonly principal: Principal }>();

  constructor(records: readonly ApiKeyRecord[]) {
    for (const { id, hash, roles, tenant, fields } of records) {
      const principal: Principal = {
        name: `key:${id}`,
        tenant: tenant ?? DEFAULT_TENANT,
        roles,
        fields: fields && new Set(fields),
      };
      this.#byId.set(id, { hash: Buffer.from(hash, "hex"), principal });
    }
  }

  /** Whether a credential has the form of a key at all. */
  static looksLike(credential: string): boolean {
    return credential.startsWith("atoll_");
  }

  /** Undefined for a key that is not ours. */
  principalOf(credential: string): Principal | undefined {
    const [, id = "", secret = ""] = KEY.exec(credential) ?? [];
    const known = this.#byId.get(id);
    if (known === undefined) return undefined;
    return timingSafeEqual(hashOf(secret), known.hash) ? known.principal : undefined;
  }
}

/** A new key, which is shown once, and what a region keeps of it. */
export function makeApiKey(id: string, random: Random): { key: string; hash: string } {
  const secret = Buffer.from(random.bytes(limits.API_KEY_SECRET_BYTES)).toString("base64url");
  return { key: `atoll_${id}_${secret}`, hash: hashOf(secret).toString("hex") };
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}
