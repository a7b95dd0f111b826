/** Files of gigabytes: hashed, and copied while they are hashed, so that what was checked is what is kept. */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { systemClock } from "@atoll/core";

const CHUNK_BYTES = 1024 * 1024;

export type BytesDone = (bytes: number) => void;

/** SHA-256 of a file, hexadecimal. */
export async function hashFile(path: string, progress: BytesDone): Promise<string> {
  return walk(path, progress, () => undefined);
}

/** Copies to a file that must not exist, durably; the hash of what was written. */
export async function copyFile(from: string, to: string, progress: BytesDone): Promise<string> {
  const target = openSync(to, "wx", 0o600);
  try {
    const hash = await walk(from, progress, (chunk) => {
      for (let at = 0; at < chunk.length;) at += writeSync(target, chunk, at);
    });
    fsyncSync(target);
    return hash;
  } finally {
    closeSync(target);
  }
}

/** What was made or renamed in a directory is durable. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

async function walk(
  path: string,
  progress: BytesDone,
  use: (chunk: Uint8Array) => void,
): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(CHUNK_BYTES);
  const file = openSync(path, "r");
  try {
    for (let done = 0; ;) {
      const length = readSync(file, buffer, 0, CHUNK_BYTES, null);
      if (length === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, length));
      use(buffer.subarray(0, length));
      progress((done += length));
      await turn();
    }
  } finally {
    closeSync(file);
  }
}

/** Lets a progress bar be drawn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => systemClock.afterTurn(resolve));
}
