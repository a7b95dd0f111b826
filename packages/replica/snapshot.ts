/**
 * A profile as readers see it: rendered once per change, then the same object for every read.
 */
import { LRUCache } from "lru-cache";
import type { ProfileId, RegionVector } from "@atoll/core";
import { hlcToMs, joinVectors, limits } from "@atoll/core";
import type { DocumentRow, ShownDocument } from "@atoll/store";
import { etagOf, headsToHex } from "./heads.ts";

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
  /** Of a session that has seen this and nothing else; made for the first of those. */
  sessionToken?: string | undefined;
}

/** The token of a session that had seen this much before, and now this. */
export function tokenWith(
  snapshot: Snapshot,
  seen: RegionVector,
  tokenOf: (vector: RegionVector) => string,
): string {
  if (seen.size > 0) return tokenOf(joinVectors(seen, snapshot.dep));
  return (snapshot.sessionToken ??= tokenOf(snapshot.dep));
}

/** Nothing has to be rendered first, or nothing would come of it. One that is clean and has no view lost it. */
export function isShowable({ quarantined, dirty, view }: ShownDocument): boolean {
  return quarantined || (!dirty && view !== undefined);
}

/** The hot ones, bounded by what they weigh. A change of the document makes its snapshot void. */
export class Snapshots {
  readonly #byId = new LRUCache<ProfileId, Snapshot>({
    maxSize: limits.VIEW_CACHE_CHARS_MAX,
    sizeCalculation: ({ json }) => json.length + SNAPSHOT_OVERHEAD_CHARS,
  });

  get(id: ProfileId): Snapshot | undefined {
    return this.#byId.get(id);
  }

  /** The snapshot of a clean row, made once; undefined for a profile that nobody should see. */
  of(id: ProfileId, row: ShownDocument): Snapshot | undefined {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const snapshot = snapshotOf(id, row);
    if (snapshot !== undefined) this.#byId.set(id, snapshot);
    return snapshot;
  }

  changed(row: DocumentRow): void {
    if (row.profileId !== undefined) this.#byId.delete(row.profileId);
  }

  clear(): void {
    this.#byId.clear();
  }
}

/** What the other fields weigh. */
const SNAPSHOT_OVERHEAD_CHARS = 256;

function snapshotOf(id: ProfileId, row: ShownDocument): Snapshot | undefined {
  if (row.deleted || row.view === undefined) return undefined;
  return {
    id,
    json: row.view,
    etag: etagOf(row.heads),
    heads: headsToHex(row.heads),
    createdAtMs: hlcToMs(row.createdHlc),
    updatedAtMs: hlcToMs(row.updatedHlc),
    hasConflicts: row.conflicts > 0,
    dep: row.dep,
    sessionToken: undefined,
  };
}
