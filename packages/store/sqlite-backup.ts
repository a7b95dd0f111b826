/**
 * Copying a database that is in use, from another process, without stopping it.
 *
 *     region ── writes ──▶ atoll.db-wal        read transaction pins one moment
 *     copy   ── reads  ──▶ atoll.db + wal ──▶  a few pages, a pause, a few pages … ──▶ one file
 *
 * In WAL mode a reader stops no writer, and a read transaction held open sees one moment throughout: what
 * was committed before it is in the copy, whole, and nothing else. Without it SQLite would start the copy
 * anew at every commit of the region. The price: as long as the moment is pinned the write-ahead log is not
 * reset, so it is watched, and a copy that lets it grow too far gives up rather than fill the disk.
 */
import { closeSync, fsyncSync, openSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { AtollError, errorText, isAtollError, limits } from "@atoll/core";
import type { Clock } from "@atoll/core";
import { PAGE_BYTES, checkOwnership } from "./sqlite-schema.ts";

export interface CopyOptions {
  readonly from: string;
  /** A file that does not exist, in a directory that does. */
  readonly to: string;
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  /** Stops this thread: the copy has one to itself. */
  readonly pause: (ms: number) => void;
  readonly progress: (bytesDone: number, bytesTotal: number) => void;
}

/** Resolves when the copy is whole, one file, and durable. Throws `AtollError`; then `to` is of no use. */
export async function copyDatabase(options: CopyOptions): Promise<void> {
  const { from, to } = options;
  try {
    const source = new Database(from, { readonly: true, fileMustExist: true });
    try {
      checkOwnership(source, from);
      source.exec("BEGIN");
      source.prepare("SELECT count(*) FROM sqlite_schema").get(); // this is the moment
      await source.backup(to, { progress: paced(options) });
    } finally {
      source.close();
    }
    asOneFile(to);
  } catch (error) {
    if (isAtollError(error)) throw error;
    throw copyFailure(error, from, to);
  }
}

/**
 * Whoever opens it next takes a new name, as after a crash: the copy's may have been used since. The
 * file must not be in use; durable when this returns.
 */
export function markRestored(path: string): void {
  const database = new Database(path, { fileMustExist: true });
  try {
    database.pragma("journal_mode = DELETE");
    database.pragma("synchronous = FULL");
    database.exec("UPDATE identity SET clean_stop = 0");
  } finally {
    database.close();
  }
}

/** How many pages to copy next; sleeps before it answers. */
function paced({ from, bytesPerSecond, clock, pause, progress }: CopyOptions) {
  const startMs = clock.monotonicMs();
  const logBytesAtStart = logBytes(from);
  return ({ totalPages, remainingPages }: Database.BackupMetadata): number => {
    const bytesDone = (totalPages - remainingPages) * PAGE_BYTES;
    progress(bytesDone, totalPages * PAGE_BYTES);
    if (logBytes(from) - logBytesAtStart > limits.BACKUP_LOG_GROWTH_BYTES_MAX) {
      throw new AtollError(
        "overloaded",
        `${from} is written faster than it is copied: its write-ahead log grew too far`,
        { mend: "copy faster, with --rate, or at a quieter time" },
      );
    }
    const aheadMs = (bytesDone / bytesPerSecond) * 1_000 - (clock.monotonicMs() - startMs);
    if (aheadMs > 0) pause(aheadMs);
    return limits.BACKUP_STEP_BYTES / PAGE_BYTES;
  };
}

function logBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** Without the write-ahead log that its header asks for: the copy can be read where nothing can be written. */
function asOneFile(path: string): void {
  const copy = new Database(path);
  try {
    copy.pragma("journal_mode = DELETE");
  } finally {
    copy.close();
  }
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function copyFailure(error: unknown, from: string, to: string): AtollError {
  const code = error instanceof Database.SqliteError ? error.code : "";
  const detail = `cannot copy ${from} to ${to}: ${errorText(error)}`;
  if (code === "SQLITE_FULL") {
    return new AtollError(
      "storage-full",
      detail,
      { mend: "choose a volume with more room" },
      error,
    );
  }
  if (code === "SQLITE_NOTADB") {
    return new AtollError("incompatible-data", detail, { mend: "name a region's data" }, error);
  }
  const mend = "make sure that this user may read the one and write the other";
  return new AtollError("storage-failed", detail, { mend }, error);
}
