/**
 * A thread that lets SQLite look through its own file: pages, trees, indexes, constraints.
 *
 * It takes as long as reading the file takes, which is why it has a thread and a connection to itself: in
 * WAL mode a reader stops no writer. Posts what is wrong, one line each; nothing when all is well.
 */
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";
import { errorText } from "@atoll/core";

/** Lines of one report: a file that is wrong in more places is a file to be replaced. */
const LINES_MAX = 20;

function check(path: string): string[] {
  try {
    const database = new Database(path, { readonly: true });
    try {
      const lines = database.pragma(`integrity_check(${LINES_MAX})`) as {
        integrity_check: string;
      }[];
      return lines.map((line) => line.integrity_check).filter((line) => line !== "ok");
    } finally {
      database.close();
    }
  } catch (error) {
    return [errorText(error)];
  }
}

parentPort?.postMessage(check(workerData as string));
