/**
 * What a region's canary says, and where: one register of one profile, written over at every beat.
 *
 *     { "canary": "{"beat":1795370000000,"seen":{"eu-west-1":1795369990000}}" }
 *
 * A beat is a number that only grows: the wall clock, or one more than the last where that is ahead. A
 * profile keeps its history for ever, so each lives for a window of time and then another takes its
 * place: none has more than some hundred changes, and a reader who knows the time knows the name.
 */
import type { ProfileId, RegionName } from "@atoll/core";
import { CANARY_TENANT, limits, mustProfileId, profileOf } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";

export interface CanaryRecord {
  readonly beat: number;
  /** Of each other region the newest beat that was read in this one. */
  readonly seen: Readonly<Record<string, number>>;
}

/** The profile of a region's canary at a time, and the one before it. */
export function canaryProfiles(region: RegionName, nowMs: number): [ProfileId, ProfileId] {
  const window = Math.floor(nowMs / limits.CANARY_WINDOW_MS);
  const name = (number: number): ProfileId =>
    profileOf(CANARY_TENANT, mustProfileId(`${region}.${number}`));
  return [name(window), name(window - 1)];
}

/** As text in one register, so that no schema gives its members kinds of their own. */
export function canaryValue({ beat, seen }: CanaryRecord): JsonObject {
  return { canary: JSON.stringify({ beat, seen }) };
}

/** Undefined for what no canary wrote. */
export function parseCanary(json: string): CanaryRecord | undefined {
  try {
    const { canary } = JSON.parse(json) as { readonly canary?: unknown };
    const { beat, seen } = JSON.parse(String(canary)) as Partial<CanaryRecord>;
    if (!Number.isSafeInteger(beat) || typeof seen !== "object") return undefined;
    return { beat: Number(beat), seen };
  } catch {
    return undefined;
  }
}
