/**
 * Reading many profiles in one request without holding up the others: some in each turn.
 *
 * A list is of what has been rendered. What came from elsewhere and was not, up to a bound, is rendered
 * first, so that a session finds in a list what it was promised; beyond the bound a region is still
 * catching up, and its lists grow.
 */
import type { Clock, DocId, Hlc, ProfileId, RegionVector, Tenant } from "@atoll/core";
import { HLC_ZERO, hlcFromMs, joinVectors, limits } from "@atoll/core";
import type { ListedProfile } from "@atoll/store";
import type { GroupCommit } from "./group-commit.ts";
import type { Replica } from "./replica.ts";
import type { Snapshot } from "./snapshot.ts";

export type ListPlace =
  | { readonly order: "id"; readonly after: ProfileId }
  | { readonly order: "updatedAt"; readonly since: Hlc; readonly after: DocId };

export interface ListPage {
  readonly tenant: Tenant;
  readonly order: "id" | "updatedAt";
  readonly limit: number;
  /** Only what was written from then on; with `updatedAt` alone. */
  readonly sinceMs: number | undefined;
  readonly after: ListPlace | undefined;
}

export interface Many<T> {
  readonly profiles: readonly T[];
  /** What all of them depend on. */
  readonly dep: RegionVector;
}

export class ManyReader {
  readonly #replica: Replica;
  readonly #group: GroupCommit;
  readonly #clock: Clock;

  constructor(rooms: {
    readonly replica: Replica;
    readonly group: GroupCommit;
    readonly clock: Clock;
  }) {
    this.#replica = rooms.replica;
    this.#group = rooms.group;
    this.#clock = rooms.clock;
  }

  /** In the order asked for; undefined for those that are not here. */
  async read(ids: readonly ProfileId[], seen: RegionVector): Promise<Many<Snapshot | undefined>> {
    const profiles: (Snapshot | undefined)[] = [];
    let dep = seen;
    for (let i = 0; i < ids.length; i += limits.UPKEEP_DOCUMENTS_MAX) {
      if (i > 0) await this.#turn();
      const slice = ids.slice(i, i + limits.UPKEEP_DOCUMENTS_MAX);
      this.#group.stage(() => {
        for (const id of slice) profiles.push(this.#replica.read(id).snapshot);
      });
    }
    await this.#group.durable();
    for (const profile of profiles) if (profile !== undefined) dep = joinVectors(dep, profile.dep);
    return { profiles, dep };
  }

  async list(
    page: ListPage,
    seen: RegionVector,
  ): Promise<Many<Snapshot> & { readonly next: ListPlace | undefined }> {
    await this.#renderWhatCame();
    const rows = this.#group.stage(() => this.#replica.store.listProfiles(listingOf(page)));
    const { profiles: read } = await this.read(
      rows.map(({ profileId }) => profileId),
      seen,
    );
    const profiles: Snapshot[] = [];
    let dep = seen;
    let chars = 0;
    let last: ListedProfile | undefined;
    for (const [i, snapshot] of read.entries()) {
      chars += snapshot?.json.length ?? 0;
      if (profiles.length > 0 && chars > limits.MANY_CHARS_MAX) break;
      last = rows[i];
      if (snapshot === undefined) continue; // deleted meanwhile
      profiles.push(snapshot);
      dep = joinVectors(dep, snapshot.dep);
    }
    const isWhole = last === rows.at(-1) && rows.length < page.limit;
    return { profiles, dep, next: isWhole || last === undefined ? undefined : placeOf(page, last) };
  }

  async #renderWhatCame(): Promise<void> {
    const { store, renderer } = this.#replica;
    const { LIST_RENDERED_MAX, UPKEEP_DOCUMENTS_MAX } = limits;
    for (let rendered = 0; rendered < LIST_RENDERED_MAX; rendered += UPKEEP_DOCUMENTS_MAX) {
      const dirty = store.dirtyDocuments(UPKEEP_DOCUMENTS_MAX);
      if (dirty.length === 0) return;
      this.#group.stage(() => dirty.forEach((place) => renderer.clean(place)));
      await this.#turn();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#clock.afterTurn(resolve));
  }
}

function listingOf({ tenant, order, limit, sinceMs, after }: ListPage) {
  if (order === "id") {
    return {
      tenant,
      order,
      limit,
      after: after?.order === "id" ? after.after : undefined,
    } as const;
  }
  if (after?.order === "updatedAt") {
    return { tenant, order: "updated", limit, since: after.since, after: after.after } as const;
  }
  const since = sinceMs === undefined ? HLC_ZERO : hlcFromMs(sinceMs);
  return { tenant, order: "updated", limit, since } as const;
}

function placeOf({ order }: ListPage, { profileId, updatedHlc, docId }: ListedProfile): ListPlace {
  return order === "id" ? { order, after: profileId } : { order, since: updatedHlc, after: docId };
}
