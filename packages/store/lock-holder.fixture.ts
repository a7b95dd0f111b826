/** A process for tests to kill: holds the lock of a directory and waits. */
import { lockDirectory } from "./directory-lock.ts";

const lock = lockDirectory(process.argv[2] ?? "");
process.on("message", () => {
  lock.release();
  process.disconnect();
});
process.send?.("locked");
