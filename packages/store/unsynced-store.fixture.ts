/**
 * A store whose commits do not wait for the disk (`synchronous=NORMAL`): a power cut undoes the last ones. It is
 * the yardstick for what waiting costs, and nobody may keep anything in it; `openSqliteStore` refuses to be it.
 */
import { assert } from "@atoll/core";
import { SqliteConnection } from "./sqlite-connection.ts";
import { configure } from "./sqlite-schema.ts";
import { SqliteStore } from "./sqlite-store.ts";

const NORMAL = 1;

export function openUnsyncedStore(path: string): SqliteStore {
  const connection = new SqliteConnection({ path }, (database, file) => {
    configure(database, file); // all else is the same
    database.pragma(`synchronous = ${NORMAL}`);
    assert(database.pragma("synchronous", { simple: true }) === NORMAL, "commits do not wait");
  });
  return new SqliteStore(connection);
}
