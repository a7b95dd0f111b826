/**
 * The `Prefer` header (RFC 7240): what a client would like, as far as we can oblige.
 *
 * A preference is never an error: unknown, malformed or unfulfillable ones are ignored, and the
 * answer's `Preference-Applied` tells which were honoured. Of a repeated preference only the first
 * counts, even when its value is bad, so that a proxy that appends cannot overrule its client.
 *
 *     Prefer: wait=0.5, handling=lenient, return=minimal, durability=majority
 *
 * Decimals in `wait` are ours; the RFC has whole seconds, which is long for a region that is near.
 */
import { limits } from "@atoll/core";
import type { Durability } from "./profile-service.ts";
import { parseParameter, splitOutsideQuotes } from "./quoted-list.ts";

export interface Preferences {
  /** Already cut to what we grant. */
  readonly waitMs?: number;
  readonly handling?: "strict" | "lenient";
  readonly return?: "minimal" | "representation";
  /** In how many regions a write should be when it is answered. */
  readonly durability?: Durability;
}

const DURABILITIES: readonly Durability[] = ["local", "2", "majority", "all"];

export const NO_PREFERENCES: Preferences = {};

export function parsePrefer(header: string | undefined): Preferences {
  if (header === undefined) return NO_PREFERENCES;
  const valueByName = new Map<string, string>();
  for (const item of splitOutsideQuotes(header, ",")) {
    // Parameters of a preference follow a semicolon; none of ours has any.
    const preference = parseParameter(splitOutsideQuotes(item, ";")[0] ?? "");
    if (preference === undefined || valueByName.has(preference.name)) continue;
    valueByName.set(preference.name, preference.value.toLowerCase());
  }
  const waitMs = parseWaitMs(valueByName.get("wait"));
  const handling = valueByName.get("handling");
  const returned = valueByName.get("return");
  const durability = DURABILITIES.find((level) => level === valueByName.get("durability"));
  return {
    ...(waitMs !== undefined && { waitMs }),
    ...((handling === "strict" || handling === "lenient") && { handling }),
    ...((returned === "minimal" || returned === "representation") && { return: returned }),
    ...(durability !== undefined && { durability }),
  };
}

/** The value of `Preference-Applied`, or undefined when nothing was. */
export function preferenceApplied(honoured: Preferences): string | undefined {
  if (honoured === NO_PREFERENCES) return undefined;
  const applied: string[] = [];
  if (honoured.waitMs !== undefined) applied.push(`wait=${honoured.waitMs / 1000}`);
  if (honoured.handling !== undefined) applied.push(`handling=${honoured.handling}`);
  if (honoured.return !== undefined) applied.push(`return=${honoured.return}`);
  if (honoured.durability !== undefined) applied.push(`durability=${honoured.durability}`);
  return applied.length === 0 ? undefined : applied.join(", ");
}

function parseWaitMs(seconds: string | undefined): number | undefined {
  if (seconds === undefined || !/^\d+(?:\.\d+)?$/.test(seconds)) return undefined;
  return Math.min(Math.round(Number(seconds) * 1000), limits.SESSION_WAIT_MS_MAX);
}
