/** What a replica remembers: the contract, two stores that keep it, and the lock on their directory. */
export * from "./store.ts";
export { makeDirectories } from "./directory.ts";
export { lockDirectory } from "./directory-lock.ts";
export type { DirectoryLock } from "./directory-lock.ts";
export type { CopyOptions } from "./sqlite-backup.ts";
export { copyDatabase, markRestored } from "./sqlite-backup.ts";
export type { CopyHeader } from "./sqlite-copy.ts";
export { inspectCopy } from "./sqlite-copy.ts";
export { fileFaults } from "./file-faults.ts";
export { MemoryStore } from "./memory-store.ts";
export type { SqliteStore } from "./sqlite-store.ts";
export { openSqliteStore } from "./sqlite-store.ts";
export type { WalPosition, WalProgress } from "./wal-index.ts";
export { WalIndex } from "./wal-index.ts";
export type { SqliteOptions } from "./sqlite-connection.ts";
export { dataFormat } from "./sqlite-schema.ts";
