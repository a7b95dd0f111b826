/**
 * Profiles in an order that clients page through, in SQLite: by id, or by when they were last written.
 *
 * Rows lie by position, which is a keyed hash and means nothing to a client, so both orders are indexes
 * of their own: a page costs what is on it, however many profiles there are.
 */
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

  constructor(connection: SqliteConnection) {
    const columns = "position, doc_id, shard, profile_id, updated_hlc";
    this.#byId = connection.reader<[after: string, limit: number], ListedColumns, ListedProfile>(
      `SELECT ${columns} FROM document WHERE profile_id > ? AND deleted = 0
       ORDER BY profile_id LIMIT ?`,
      listedOfColumns,
    );
    this.#byUpdate = connection.reader<
      [since: number, after: Uint8Array, limit: number],
      ListedColumns,
      ListedProfile
    >(
      `SELECT ${columns} FROM document
       WHERE (updated_hlc, doc_id) > (?, ?) AND deleted = 0 AND profile_id IS NOT NULL
       ORDER BY updated_hlc, doc_id LIMIT ?`,
      listedOfColumns,
    );
  }

  list(listing: ProfileListing): ListedProfile[] {
    assertListing(listing);
    return listing.order === "id"
      ? this.#byId.all(listing.after ?? "", listing.limit)
      : this.#byUpdate.all(listing.since, listing.after ?? NO_DOCUMENT, listing.limit);
  }
}

/** Before every id of a document. */
const NO_DOCUMENT = new Uint8Array();

function listedOfColumns(row: ListedColumns): ListedProfile {
  return {
    position: row.position,
    docId: docIdOfColumn(row.doc_id),
    shard: row.shard,
    profileId: profileIdOfColumn(row.profile_id),
    updatedHlc: hlcOfColumn(row.updated_hlc),
  };
}
