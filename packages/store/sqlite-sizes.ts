/**
 * What each table of a database file takes on the disk, for whoever weighs it.
 *
 * SQLite's own account of its pages (`dbstat`), read on a connection of its own; the file may be in use. It walks
 * the whole file, so no region does it.
 */
import Database from "better-sqlite3";

export interface TableSize {
  readonly table: string;
  /** Of whole pages: what is empty in them is taken, too. */
  readonly rowBytes: number;
  readonly indexBytes: number;
}

export interface FileSizes {
  /** `sqlite_schema` included, which says what the others are. */
  readonly tables: readonly TableSize[];
  /** Pages that hold nothing, and wait for what comes. */
  readonly freeBytes: number;
}

/** As of the last commit, wherever its pages are: in the file, or still in the log beside it. */
export function fileSizes(path: string): FileSizes {
  const database = new Database(path, { readonly: true });
  try {
    const number = (pragma: string): number => database.pragma(pragma, { simple: true }) as number;
    return {
      tables: database.prepare<[], TableSize>(SIZES).all(),
      freeBytes: number("freelist_count") * number("page_size"),
    };
  } finally {
    database.close();
  }
}

/** A table without rowid is an index to `dbstat` as to SQLite: by its name it is told apart. */
const SIZES = `
  SELECT owner AS "table",
    sum(CASE WHEN part = owner THEN bytes ELSE 0 END) AS rowBytes,
    sum(CASE WHEN part = owner THEN 0 ELSE bytes END) AS indexBytes
  FROM (
    SELECT dbstat.name AS part, coalesce(tbl_name, dbstat.name) AS owner, pgsize AS bytes
    FROM dbstat LEFT JOIN sqlite_schema ON sqlite_schema.name = dbstat.name
    WHERE aggregate = TRUE
  )
  GROUP BY owner ORDER BY owner`;
