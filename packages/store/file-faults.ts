/** The engine's own word on a file, and whether its tables are ours, all at once: for a thread of its own, and for files that nobody serves. */
import Database from "better-sqlite3";
import { errorText } from "@atoll/core";
import { shapeFaults } from "./sqlite-shape.ts";

/** Lines of one report: a file that is wrong in more places is a file to be replaced. */
const LINES_MAX = 20;

/** What is wrong with it, one line each. */
export function fileFaults(path: string): string[] {
  try {
    const database = new Database(path, { readonly: true });
    try {
      const lines = database.pragma(`integrity_check(${LINES_MAX})`) as {
        integrity_check: string;
      }[];
      const found = lines.map((line) => line.integrity_check).filter((line) => line !== "ok");
      return [...found, ...shapeFaults(database).map((name) => `${name} is not what it should be`)];
    } finally {
      database.close();
    }
  } catch (error) {
    return [errorText(error)];
  }
}
