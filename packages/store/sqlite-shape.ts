/**
 * Whether a database consists of what its format says, and of nothing else.
 *
 * SQLite reads from text in the file what tables and indexes there are, and believes it. A flipped bit may
 * leave text that means something else: an index over `shard< origin` where `shard, origin` was had entries
 * of different lanes replace each other, and every check of the engine called the file sound. So the text
 * is compared. Nothing but what it belongs to is at fault, but no statement can be trusted any more.
 */
import type Database from "better-sqlite3";
import { readFormat, readTables, tablesOfFormat } from "./sqlite-schema.ts";

/** What a format consists of never changes; it takes some milliseconds to find out. */
const shapeByFormat = new Map<number, ReadonlyMap<string, string>>();

/** What is not as it should be, by name; nothing when all is. */
export function shapeFaults(database: Database.Database): string[] {
  const due = shapeOf(readFormat(database));
  const found = shapeOfTables(readTables(database));
  const names = [...new Set([...due.keys(), ...found.keys()])];
  return names.filter((name) => due.get(name) !== found.get(name));
}

function shapeOf(format: number): ReadonlyMap<string, string> {
  let shape = shapeByFormat.get(format);
  if (shape === undefined) {
    shapeByFormat.set(format, (shape = shapeOfTables(tablesOfFormat(format))));
  }
  return shape;
}

function shapeOfTables(tables: ReturnType<typeof readTables>): ReadonlyMap<string, string> {
  return new Map(tables.map(({ type, name, sql }) => [`${type} ${name}`, sql ?? ""]));
}
