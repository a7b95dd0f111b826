/** Inputs that were found, one file each: `corpus/TARGET/NAME`. What is in here is tried by every test run. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "corpus");

export interface CorpusInput {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function corpusOf(target: string): CorpusInput[] {
  const directory = join(ROOT, target);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(directory, name)) }));
}

/** Named by its content; returns where it lies. */
export function addToCorpus(target: string, bytes: Uint8Array): string {
  const directory = join(ROOT, target);
  mkdirSync(directory, { recursive: true });
  const path = join(directory, createHash("sha256").update(bytes).digest("hex").slice(0, 16));
  writeFileSync(path, bytes);
  return path;
}
