/**
 * A store whose commits nobody waits for: a power cut undoes the last ones. It is the yardstick for what waiting
 * costs, and nobody may keep anything in it; `openSqliteStore` refuses to be it.
 */
import { SqliteConnection } from "./sqlite-connection.ts";
import { SqliteStore } from "./sqlite-store.ts";

export function openUnsyncedStore(path: string): SqliteStore {
  return new SqliteStore(new SqliteConnection({ path }, false));
}
