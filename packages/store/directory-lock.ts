/**
 * One process per data directory.
 *
 * Two processes on one database would both be the same origin and give the same sequence numbers to
 * different writes: the one fault that the log cannot survive. A file with a process id in it does not
 * prevent that, because it outlives a process that was killed, and whoever "cleans up" such files will
 * one day clean up a live one. So the lock belongs to the operating system: an exclusive transaction
 * on an empty SQLite file, which ends when its process does, however it ends.
 *
 *     lock.db    the lock; always empty, never deleted, because deleting it would make two locks
 *     lock.pid   who holds it, for the error message only; stale after a kill, and then overwritten
 *
 * Nothing else in this process may open lock.db: closing any descriptor of a file drops all of a
 * process's POSIX locks on it.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { AtollError, errorText } from "@atoll/core";
import { makeDirectories } from "./directory.ts";

export interface DirectoryLock {
  /** Idempotent. */
  release(): void;
}

/** Creates the directory if need be. Does not wait: whoever holds it will not leave by itself. */
export function lockDirectory(path: string): DirectoryLock {
  const pidFile = join(path, "lock.pid");
  const database = acquire(path, pidFile);
  try {
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch (error) {
    database.close();
    throw unusable(path, error);
  }
  return {
    release() {
      if (!database.open) return;
      // Before the lock goes: afterwards the file may already name somebody else.
      rmSync(pidFile, { force: true });
      database.close();
    },
  };
}

function acquire(path: string, pidFile: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    makeDirectories(path);
    database = new Database(join(path, "lock.db"), { timeout: 0 });
    database.pragma("journal_mode = MEMORY"); // never a journal file beside it
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) {
      throw locked(path, pidFile, error);
    }
    throw unusable(path, error);
  }
}

function locked(path: string, pidFile: string, cause: unknown): AtollError {
  return new AtollError(
    "data-directory-locked",
    `${path} is in use by ${holder(pidFile)}`,
    { mend: "stop it or choose another directory" },
    cause,
  );
}

function holder(pidFile: string): string {
  try {
    const text = readFileSync(pidFile, "utf8").trim();
    if (/^[1-9][0-9]*$/.test(text)) return `process ${text}`;
  } catch {
    // It has the lock and has not written its name yet.
  }
  return "another process";
}

function unusable(path: string, cause: unknown): AtollError {
  return new AtollError(
    "data-directory-unusable",
    `cannot use ${path} as data directory: ${errorText(cause)}`,
    { mend: "make it a directory that this user can write to, or choose another" },
    cause,
  );
}
