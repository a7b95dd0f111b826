/**
 * A profile as readers see it: rendered once per change, and the same for every read until the next.
 */
import type { ProfileId, RegionVector } from "@atoll/core";
import { joinVectors } from "@atoll/core";
import type { ShownDocument } from "@atoll/store";

export interface Snapshot {
  readonly id: ProfileId;
  /** Canonical JSON. */
  readonly json: string;
  readonly etag: string;
  readonly heads: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly hasConflicts: boolean;
  /** What the content depends on. */
  readonly dep: RegionVector;
  /** Of a session that has seen this and nothing else, where it is known. */
  readonly sessionToken?: string;
}

/** The token of a session that had seen this much before, and now this. */
export function tokenWith(
  snapshot: Snapshot,
  seen: RegionVector,
  tokenOf: (vector: RegionVector) => string,
): string {
  if (seen.size > 0) return tokenOf(joinVectors(seen, snapshot.dep));
  return snapshot.sessionToken ?? tokenOf(snapshot.dep);
}

/** Nothing has to be rendered first, or nothing would come of it. One that is clean and has no view lost it. */
export function isShowable({ quarantined, dirty, view }: ShownDocument): boolean {
  return quarantined || (!dirty && view !== undefined);
}
