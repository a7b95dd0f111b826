/**
 * Small edits of small profiles: many people who each change one line now and then.
 */
import type { ProfileId, Random } from "@atoll/core";
import type { JsonObject } from "@atoll/profile";
import type { RecordedEdit } from "./edit-history.ts";

/** Endless: each profile is made once, then any of them is patched. */
export function* smallEdits(profiles: number, random: Random): Generator<RecordedEdit> {
  for (let i = 0; i < profiles; i++) {
    const value = { displayName: `Person ${i}`, headline: "Has just come", gender: "unsaid" };
    yield { editor: i, id: `small-${i}` as ProfileId, edit: { kind: "put", value } };
  }
  for (let n = 0; ; n++) {
    const i = random.below(profiles);
    yield {
      editor: i,
      id: `small-${i}` as ProfileId,
      edit: { kind: "merge-patch", patch: patchOf(n) },
    };
  }
}

function patchOf(n: number): JsonObject {
  switch (n % 3) {
    case 0:
      return { headline: `Says ${n}` };
    case 1:
      return { website: `https://example.com/${n}` };
    default:
      return { location: { city: `Town ${n % 100}` } };
  }
}
