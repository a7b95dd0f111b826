/**
 * Making a region of a backup.
 *
 *     verify ─▶ lock the data directory ─▶ copy, hashing ─▶ mark ─▶ rename
 *
 * The mark is what makes it safe: the file may be of an orderly stop, and would then be written to under
 * the name that the lost region went on to use, until a peer objects. Marked, the first start takes a new
 * incarnation before it does anything else. Whatever happens before the rename leaves no database behind.
 */
import { existsSync, renameSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { AtollError, limits } from "@atoll/core";
import { lockDirectory, makeDirectories, markRestored } from "@atoll/store";
import type { RegionConfig } from "../config.ts";
import { copyFailure } from "./failure.ts";
import { copyFile, syncDirectory } from "./file-hash.ts";
import { databasePath } from "./manifest.ts";
import type { BackupManifest } from "./manifest.ts";
import type { BackupProgress } from "./progress.ts";
import type { BackupReport } from "./verify.ts";
import { verifyBackup } from "./verify.ts";

export interface RestoreOptions {
  /** Of the backup. */
  readonly directory: string;
  readonly config: RegionConfig;
  /** Look, and do nothing. */
  readonly isDryRun: boolean;
  readonly progress: BackupProgress;
}

/**
 * Refuses a directory that holds a database or is in use; then verifies; then restores, unless there are
 * faults. A dry run does all but the last.
 */
export async function restoreBackup(options: RestoreOptions): Promise<BackupReport> {
  const { directory, config, isDryRun, progress } = options;
  const { dataDirectory } = config;
  const isLockable = !isDryRun || existsSync(join(dataDirectory, "lock.db"));
  const lock = isLockable ? lockDirectory(dataDirectory) : undefined;
  try {
    refuseOccupied(dataDirectory);
    const report = await verifyBackup({ directory, config, progress });
    if (report.faults.length > 0 || report.manifest === undefined) return report;
    refuseNarrow(dataDirectory, report.manifest);
    if (!isDryRun) await putInPlace(directory, dataDirectory, report.manifest, progress);
    return report;
  } finally {
    lock?.release();
  }
}

async function putInPlace(
  directory: string,
  dataDirectory: string,
  { file }: BackupManifest,
  progress: BackupProgress,
): Promise<void> {
  const path = join(dataDirectory, "atoll.db");
  const partial = `${path}.restoring`;
  try {
    makeDirectories(dataDirectory);
    rmSync(partial, { force: true }); // of a restore that was cut short: the lock says that none runs
    const hash = await copyFile(databasePath(directory), partial, (done) =>
      progress("copy", done, file.bytes),
    );
    if (hash !== file.sha256) {
      throw new AtollError("storage-failed", `${directory} changed while it was restored`, {
        mend: "look at what else writes there, and at the disk",
      });
    }
    markRestored(partial);
    renameSync(partial, path);
    syncDirectory(dataDirectory);
  } catch (error) {
    rmSync(partial, { force: true });
    throw copyFailure(error, partial);
  }
}

function refuseOccupied(dataDirectory: string): void {
  const found = ["atoll.db", "atoll.db-wal", "atoll.db-shm"].find((name) =>
    existsSync(join(dataDirectory, name)),
  );
  if (found === undefined) return;
  throw new AtollError(
    "data-directory-unusable",
    `${dataDirectory} holds ${found}; a restore never replaces data`,
    { mend: "move atoll.db, atoll.db-wal and atoll.db-shm away together, then restore again" },
  );
}

function refuseNarrow(dataDirectory: string, { file }: BackupManifest): void {
  if (!existsSync(dataDirectory)) return;
  const { bavail, bsize } = statfsSync(dataDirectory);
  if (bavail * bsize >= file.bytes + limits.DISK_RESUME_BYTES) return;
  throw new AtollError(
    "storage-full",
    `${dataDirectory} has ${bavail * bsize} bytes left; the backup has ${file.bytes}`,
    { mend: "restore to a volume with more room" },
  );
}
