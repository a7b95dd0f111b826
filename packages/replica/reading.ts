/**
 * Reading beside a replica: another process, the same file, nothing but what is durable.
 *
 *     replica ── commit, fsync ──▶ atoll.db ──▶ this reader: row ▸ snapshot ▸ answer
 *
 * A reader holds no document and renders nothing. It answers when the file says everything that the
 * answer needs: the row has a view as new as its changes, and what the session has seen was covered at the
 * last commit. Otherwise it has no answer, and the replica is asked: it may know more, and it can wait.
 *
 * Coverage is read before the row. Both only grow, so the row holds at least what the coverage promises.
 */
import type { Cluster, ProfileId, RegionCode, RegionVector } from "@atoll/core";
import { VECTOR_ZERO, docIdOf, missingRegions } from "@atoll/core";
import type { SqliteStore } from "@atoll/store";
import { SessionTokens } from "@atoll/sync";
import { placeIn } from "./document-place.ts";
import type { ReadAnswer } from "./service.ts";
import { malformedToken } from "./sessions.ts";
import type { Snapshot } from "./snapshot.ts";
import { isShowable, tokenWith } from "./snapshot.ts";
import { Snapshots } from "./snapshots.ts";

export interface ReadingOptions {
  /** Opened read-only; the replica that writes it runs in another process. */
  readonly store: Pick<SqliteStore, "dataVersion" | "readShown" | "readCoverage">;
  readonly cluster: Cluster;
  /** The replica's own region: its writes are always in its file. */
  readonly region: RegionCode;
}

export class ReadingService {
  readonly #store: ReadingOptions["store"];
  readonly #cluster: Cluster;
  readonly #region: RegionCode;
  readonly #tokens: SessionTokens;
  readonly #token = (vector: RegionVector): string => this.#tokens.encode(vector);
  readonly #snapshots: Snapshots;
  #dataVersion: number | undefined;

  constructor({ store, cluster, region }: ReadingOptions) {
    this.#store = store;
    this.#cluster = cluster;
    this.#region = region;
    this.#tokens = new SessionTokens(cluster);
    this.#snapshots = new Snapshots(cluster);
  }

  /**
   * Undefined: only the replica can answer. Throws `AtollError`: malformed-request for what is no token of
   * this cluster, storage-failed.
   */
  read(id: ProfileId, token: string | undefined): ReadAnswer | undefined {
    const seen = token === undefined ? VECTOR_ZERO : this.#seenBy(token);
    this.#forgetWhatMayBeOld();
    if (seen !== VECTOR_ZERO) {
      const missing = missingRegions(this.#store.readCoverage(), seen);
      if (missing.some((region) => region !== this.#region)) return undefined;
    }
    const cached = this.#snapshots.get(id);
    if (cached !== undefined) return this.#found(seen, cached);
    const row = this.#store.readShown(placeIn(this.#cluster, docIdOf(id)));
    if (row === undefined) return this.#absent(seen);
    if (!isShowable(row)) return undefined; // the replica's to mend
    const snapshot = this.#snapshots.of(id, row);
    return snapshot === undefined ? this.#absent(seen) : this.#found(seen, snapshot);
  }

  #found(seen: RegionVector, profile: Snapshot): ReadAnswer {
    const sessionToken = tokenWith(profile, seen, this.#token);
    return { kind: "found", profile, sessionToken, stale: false };
  }

  #absent(seen: RegionVector): ReadAnswer {
    return { kind: "absent", sessionToken: this.#tokens.encode(seen), stale: false };
  }

  #seenBy(token: string): RegionVector {
    const parsed = this.#tokens.parse(token);
    if (parsed.kind === "fault") throw malformedToken(parsed.reason);
    return parsed.vector;
  }

  /** Whoever commits may have changed anything: what was rendered before is looked up again. */
  #forgetWhatMayBeOld(): void {
    const dataVersion = this.#store.dataVersion;
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    this.#snapshots.clear();
  }
}
