/** Backups, as the command uses them: Automerge and SQLite are loaded by the first that needs them. */
import type { CreateOptions } from "./create.ts";
import type { RestoreOptions } from "./restore.ts";
import type { BackupReport, VerifyOptions } from "./verify.ts";

export async function createBackup(options: CreateOptions): Promise<BackupReport> {
  const room = await import("./create.ts");
  return room.createBackup(options);
}

export async function verifyBackup(options: VerifyOptions): Promise<BackupReport> {
  const room = await import("./verify.ts");
  return room.verifyBackup(options);
}

export async function restoreBackup(options: RestoreOptions): Promise<BackupReport> {
  const room = await import("./restore.ts");
  return room.restoreBackup(options);
}
