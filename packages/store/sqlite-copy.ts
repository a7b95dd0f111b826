/**
 * A copy of a database file from somebody's shelf: looked at, never written to, never believed.
 *
 * SQLite does what a file says. A journal beside it is rolled into it, a trigger in it runs at the next
 * write, a header may claim any size. So a copy is one file with nothing beside it, of exactly the size that
 * its own header says, with exactly the tables of its format, before a single row is read.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { errorText } from "@atoll/core";
import {
  PAGE_BYTES,
  checkOwnership,
  readFormat,
  readTables,
  tablesOfFormat,
} from "./sqlite-schema.ts";

const HEADER_BYTES = 100;
const MAGIC = Buffer.from("SQLite format 3\0");
const ROLLBACK_JOURNAL = 1;

export interface CopyHeader {
  /** Data format: what `dataFormat` was of the program that wrote it. */
  readonly format: number;
}

/**
 * The reason why a file is no sound copy, or what it says of itself. Throws `incompatible-data` for one of
 * another program or of a newer format.
 */
export function inspectCopy(path: string): CopyHeader | string {
  const fault = faultOfFile(path);
  if (fault !== undefined) return fault;
  const database = openCopy(path);
  try {
    checkOwnership(database, path);
    const format = readFormat(database);
    const isOurs = JSON.stringify(readTables(database)) === JSON.stringify(tablesOfFormat(format));
    return isOurs ? { format } : "it has other tables than a database of its format";
  } catch (error) {
    if (error instanceof Database.SqliteError) return errorText(error);
    throw error;
  } finally {
    database.close();
  }
}

/** Read-only, with the settings that make a hostile file harmless. */
export function openCopy(path: string): Database.Database {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  database.pragma("trusted_schema = OFF");
  database.pragma("cell_size_check = ON");
  database.pragma("query_only = ON");
  return database;
}

/** Without SQLite: size, header, and what lies beside it. */
function faultOfFile(path: string): string | undefined {
  for (const suffix of ["-wal", "-shm", "-journal"]) {
    if (existsSync(path + suffix)) return `${suffix.slice(1)} lies beside it: a copy is one file`;
  }
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, "r");
  try {
    if (readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return "it is cut short";
  } finally {
    closeSync(file);
  }
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) return "it is no SQLite database";
  const versions = [header[18], header[19]];
  if (versions.some((version) => version !== ROLLBACK_JOURNAL)) return "it needs a write-ahead log";
  const pageBytes = header.readUInt16BE(16);
  if (pageBytes !== PAGE_BYTES) return `its pages have ${pageBytes} bytes, ours ${PAGE_BYTES}`;
  const bytes = header.readUInt32BE(28) * pageBytes;
  const { size } = statSync(path);
  return size === bytes ? undefined : `it has ${size} bytes, its header says ${bytes}`;
}
