/**
 * Profiles in an order that clients page through, in SQLite: by id, or by when they were last written.
 *
 * Rows lie by position, which is a keyed hash and means nothing to a client, so both orders are indexes
 * of their own: a page costs what is on it, however many profiles there are.
 *
 * Of one tenant alone. Ids begin with it and a slash, so by id its profiles are a range; those of the
 * default tenant have no slash.
 */
import { DEFAULT_TENANT } from "@atoll/core";
import type { Tenant } from "@atoll/core";
import type { ListedProfile, ProfileListing } from "./store.ts";
import { assertListing } from "./admissible.ts";
import { docIdOfColumn, hlcOfColumn, profileIdOfColumn } from "./sqlite-columns.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

interface ListedColumns {
  readonly position: number;
  readonly doc_id: Uint8Array;
  readonly shard: number;
  readonly profile_id: string;
  readonly updated_hlc: number;
}

export class SqliteListing {
  readonly #byId;
  readonly #byUpdate;
  readonly #count;

  constructor(connection: SqliteConnection) {
    const columns = "position, doc_id, shard, profile_id, updated_hlc";
    const ofTenant = "profile_id < ? AND (instr(profile_id, '/') > 0) = ?";
    this.#byId = connection.reader<
      [after: string, end: string, isNamed: number, limit: number],
      ListedColumns,
      ListedProfile
    >(
      `SELECT ${columns} FROM document WHERE profile_id > ? AND ${ofTenant} AND deleted = 0
       ORDER BY profile_id LIMIT ?`,
      listedOfColumns,
    );
    this.#byUpdate = connection.reader<
      [since: number, after: Uint8Array, from: string, end: string, isNamed: number, limit: number],
      ListedColumns,
      ListedProfile
    >(
      `SELECT ${columns} FROM document
       WHERE (updated_hlc, doc_id) > (?, ?) AND deleted = 0 AND profile_id > ? AND ${ofTenant}
       ORDER BY updated_hlc, doc_id LIMIT ?`,
      listedOfColumns,
    );
    this.#count = connection.reader<
      [from: string, end: string, isNamed: number],
      { count: number },
      number
    >(
      `SELECT count(*) AS count FROM document
       WHERE profile_id > ? AND ${ofTenant} AND deleted = 0`,
      ({ count }) => count,
    );
  }

  list(listing: ProfileListing): ListedProfile[] {
    assertListing(listing);
    const { tenant, limit } = listing;
    const { from, end, isNamed } = rangeOf(tenant);
    if (listing.order === "id") {
      return this.#byId.all(listing.after ?? from, end, isNamed, limit);
    }
    const { since, after = NO_DOCUMENT } = listing;
    return this.#byUpdate.all(since, after, from, end, isNamed, limit);
  }

  count(tenant: Tenant): number {
    const { from, end, isNamed } = rangeOf(tenant);
    return this.#count.get(from, end, isNamed) ?? 0;
  }
}

/** Before every id of a document. */
const NO_DOCUMENT = new Uint8Array();

/** Ids of a tenant lie between these two. */
function rangeOf(tenant: Tenant): { from: string; end: string; isNamed: number } {
  if (tenant === DEFAULT_TENANT) return { from: "", end: "\u{10ffff}", isNamed: 0 };
  return { from: `${tenant}/`, end: `${tenant}0`, isNamed: 1 }; // 0 follows the slash
}

function listedOfColumns(row: ListedColumns): ListedProfile {
  return {
    position: row.position,
    docId: docIdOfColumn(row.doc_id),
    shard: row.shard,
    profileId: profileIdOfColumn(row.profile_id),
    updatedHlc: hlcOfColumn(row.updated_hlc),
  };
}
