/**
 * Small edits of small profiles: many people who each change one line now and then.
 */
import type { ProfileId, Random } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import type { RecordedEdit } from "./edit-history.ts";

/** Profiles that are written at one time: as many as a region keeps open, or making them takes hours. */
const BUSY_PROFILES = 1_000;

/** Endless: group by group, each profile is made and patched `patches` times, in random turns. */
export function* smallEdits(
  profiles: number,
  patches: number,
  random: Random,
): Generator<RecordedEdit> {
  for (let round = 0, n = 0; ; round++) {
    for (let first = 0; first < profiles; first += BUSY_PROFILES) {
      const count = Math.min(BUSY_PROFILES, profiles - first);
      if (round === 0) {
        for (let i = first; i < first + count; i++) {
          yield { editor: i, id: idAt(i), edit: { kind: "put", value: smallProfile(i) } };
        }
      }
      for (let patched = 0; patched < count * patches; patched++) {
        const i = first + random.below(count);
        yield { editor: i, id: idAt(i), edit: { kind: "merge-patch", patch: smallPatch(n++) } };
      }
    }
  }
}

function idAt(index: number): ProfileId {
  return `small-${index}` as ProfileId;
}

/** As small as they come. */
export function smallProfile(n: number): JsonObject {
  return { displayName: `Person ${n}`, headline: "Has just come", gender: "unsaid" };
}

/** One line of a profile: its headline, website or town. */
export function smallPatch(n: number): JsonObject {
  switch (n % 3) {
    case 0:
      return { headline: `Says ${n}` };
    case 1:
      return { website: `https://example.com/${n}` };
    default:
      return { location: { city: `Town ${n % 100}` } };
  }
}
