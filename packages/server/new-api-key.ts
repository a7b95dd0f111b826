/** A new API key, and the lines that let it in. */
import { stringify } from "yaml";
import type { Random, Role, Tenant } from "@atoll/core";

export interface NewApiKey {
  /** To be shown once: a region keeps no more than its hash. */
  readonly key: string;
  /** An item of the list `keys` in the file of API keys, as YAML. */
  readonly record: string;
}

export async function newApiKey(
  options: {
    readonly id: string;
    readonly roles: readonly Role[];
    readonly tenant?: Tenant | undefined;
    readonly fields?: readonly string[] | undefined;
  },
  random: Random,
): Promise<NewApiKey> {
  // Loaded here, so that the other commands need not wait for Express and Automerge.
  const { makeApiKey } = await import("@atoll/gateway");
  const { id, roles, tenant, fields } = options;
  const { key, hash } = makeApiKey(id, random);
  const record = {
    id,
    hash,
    roles,
    ...(tenant !== undefined && { tenant }),
    ...(fields !== undefined && { fields }),
  };
  return { key, record: stringify([record], { flowCollectionPadding: false }).trimEnd() };
}
