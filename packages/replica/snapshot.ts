/**
 * A profile as readers see it: rendered once per change, then the same object for every read.
 */
import type { ProfileId, RegionVector } from "@atoll/core";
import { hlcToMs } from "@atoll/core";
import type { DocumentRow } from "@atoll/store";
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
}

/** Undefined for a profile that nobody should see: deleted, or never rendered. */
export function snapshotOf(id: ProfileId, row: DocumentRow): Snapshot | undefined {
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
  };
}
