/**
 * Damage on the disk, for tests: flips one bit of one column of one row, past the store, on a connection
 * of its own. The kinds of places are listed, so that a test can draw from all of them.
 */
import Database from "better-sqlite3";
import type { Random } from "@atoll/core";

export interface DamagePlace {
  readonly table: string;
  readonly column: string;
}

export interface Damage extends DamagePlace {
  readonly row: string;
  readonly bit: number;
}

const TABLES = [
  "identity",
  "document",
  "body",
  "base",
  "log",
  "frontier",
  "bucket",
  "coverage",
  "pending",
  "quarantine",
  "trimmed",
  "horizon",
];

/** Every column of every table that has a row with something in it. */
export function damagePlaces(path: string): DamagePlace[] {
  return withDatabase(path, (database) =>
    TABLES.flatMap((table) => {
      const columns = database.pragma(`table_info(${table})`) as { name: string }[];
      return columns
        .map(({ name }) => ({ table, column: name }))
        .filter(({ column }) => {
          const count = `SELECT count(*) FROM ${table} WHERE length(${column}) > 0`;
          return (database.prepare(count).pluck().get() as number) > 0;
        });
    }),
  );
}

/** Undefined when the file's own constraints do not allow it, as they would not after a restart. */
export function flipOneBit(path: string, place: DamagePlace, random: Random): Damage | undefined {
  return withDatabase(path, (database) => {
    const { table, column } = place;
    const key = keyOf(database, table);
    const rows = database
      .prepare(`SELECT ${key}, ${column} AS value FROM ${table} WHERE length(${column}) > 0`)
      .safeIntegers()
      .all() as ({ value: bigint | string | Uint8Array } & Record<string, unknown>)[];
    const row = rows[random.below(rows.length)];
    if (row === undefined) return undefined;
    const { value, ...keys } = row;
    const bits = typeof value === "bigint" ? 63 : Buffer.byteLength(value) * 8;
    const bit = random.below(bits);
    const where = Object.keys(keys).map((name) => `${name} = @${name}`);
    const update = `UPDATE ${table} SET ${column} = ${
      typeof value === "string" ? "CAST(@damaged AS TEXT)" : "@damaged"
    } WHERE ${where.join(" AND ")}`;
    try {
      database.prepare(update).run({ ...keys, damaged: flipped(value, bit) });
    } catch {
      return undefined;
    }
    return { ...place, row: JSON.stringify(keys, readable), bit };
  });
}

function flipped(value: bigint | string | Uint8Array, bit: number): bigint | Uint8Array {
  if (typeof value === "bigint") return value ^ (1n << BigInt(bit));
  const bytes = Buffer.from(value as Uint8Array);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes;
}

function keyOf(database: Database.Database, table: string): string {
  const columns = database.pragma(`table_info(${table})`) as { name: string; pk: number }[];
  const keys = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
  return keys.length > 0 ? keys.join(", ") : "rowid";
}

function readable(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function withDatabase<T>(path: string, work: (database: Database.Database) => T): T {
  const database = new Database(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}
