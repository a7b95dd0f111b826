/**
 * Making a directory and all above it, one level at a time.
 *
 * `mkdirSync(path, { recursive: true })` never returns for a path below /proc: it meets "no such file"
 * for a directory whose parent exists and tries for ever. A wrong path must end in an error.
 */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Does nothing when it is there. Throws what the file system says. */
export function makeDirectories(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path); // says EEXIST
  for (const directory of missing.reverse()) {
    try {
      mkdirSync(directory);
    } catch (error) {
      if (!existsSync(directory)) throw error; // somebody else was as quick
    }
  }
}
