/**
 * Everything that happened, as one hash: two runs of a seed are the same run when it is the same.
 *
 * A line per event goes into a chain of SHA-256; with `lines` they are kept as well, to be read.
 */
import { createHash } from "node:crypto";

/** Lines hashed at a time. */
const BATCH = 512;

export class Trace {
  readonly lines: string[] | undefined;
  readonly #hash = createHash("sha256");
  #open: string[] = [];

  constructor(keepsLines = false) {
    this.lines = keepsLines ? [] : undefined;
  }

  add(line: string): void {
    this.lines?.push(line);
    if (this.#open.push(line) >= BATCH) this.#close();
  }

  /** Ends the trace. */
  digest(): string {
    this.#close();
    return this.#hash.digest("hex");
  }

  #close(): void {
    this.#hash.update(this.#open.join("\n")).update("\n");
    this.#open = [];
  }
}

/** A cheap name for bytes: enough to notice that they differ. */
export function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash >>> 0;
}
