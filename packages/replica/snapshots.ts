/**
 * The snapshots of a replica: made of a row once, and kept until the document changes or others are asked for.
 *
 * With a session's token in each, because nearly everybody who reads gets one, and it costs two digests.
 */
import type { Cluster, ProfileId } from "@atoll/core";
import { hlcToMs } from "@atoll/core";
import type { DocumentRow, ShownDocument } from "@atoll/store";
import { SessionTokens } from "@atoll/sync";
import { etagOf, headsToHex } from "./heads.ts";
import { SnapshotSegments } from "./snapshot-segments.ts";
import type { Snapshot } from "./snapshot.ts";

export class Snapshots {
  readonly #tokens: SessionTokens;
  readonly #kept: SnapshotSegments;

  constructor(cluster: Cluster) {
    const tokens = new SessionTokens(cluster);
    this.#tokens = tokens;
    this.#kept = new SnapshotSegments({ vectorOf: (token) => tokens.vectorOf(token) });
  }

  get(id: ProfileId): Snapshot | undefined {
    return this.#kept.get(id);
  }

  /** The snapshot of a clean row; undefined for a profile that nobody should see. */
  of(id: ProfileId, row: ShownDocument): Snapshot | undefined {
    const known = this.#kept.get(id);
    if (known !== undefined) return known;
    if (row.deleted || row.view === undefined) return undefined;
    const snapshot = {
      id,
      json: row.view,
      etag: etagOf(row.heads),
      heads: headsToHex(row.heads),
      createdAtMs: hlcToMs(row.createdHlc),
      updatedAtMs: hlcToMs(row.updatedHlc),
      hasConflicts: row.conflicts > 0,
      dep: row.dep,
      sessionToken: this.#tokens.encode(row.dep),
    };
    this.#kept.set(snapshot);
    return snapshot;
  }

  changed(row: DocumentRow): void {
    if (row.profileId !== undefined) this.#kept.delete(row.profileId);
  }

  clear(): void {
    this.#kept.clear();
  }
}
