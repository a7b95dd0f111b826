/** How far a backup is, for whoever draws it. */

/** Pages copied, bytes hashed, the engine's own check (which tells nothing), rows computed anew. */
export type BackupStage = "copy" | "hash" | "file" | "rows";

export type BackupProgress = (stage: BackupStage, done: number, total: number) => void;
