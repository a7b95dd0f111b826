/**
 * How far the write-ahead log has come: a look at SQLite's index of it, which lies beside the file.
 *
 * The index is shared memory in a file. Of its documented header (https://sqlite.org/walformat.html#the_wal_index_header,
 * sections 2.1 and 2.2) three numbers are read; nothing of it is ever written by us.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";

/** A place in the log: so many frames, of one of the rounds in which it is filled from the front. */
export interface WalPosition {
  /** Two numbers that are drawn anew for each round. */
  readonly salt: string;
  readonly frames: number;
}

export interface WalProgress extends WalPosition {
  /** Frames whose pages a checkpoint has copied into the database file, and synced. */
  readonly backfilled: number;
}

const HEADER_BYTES = 100;
const FRAMES_AT = 16;
const SALT = { from: 32, to: 40 } as const;
const BACKFILLED_AT = 96;
const IS_LITTLE = endianness() === "LE"; // in the order of the machine

export class WalIndex {
  readonly #path: string;
  readonly #bytes = Buffer.alloc(HEADER_BYTES);
  #file: number | undefined;

  /** `path`: of the database. Somebody must have it open. */
  constructor(path: string) {
    this.#path = `${path}-shm`;
  }

  read(): WalProgress {
    this.#file ??= openSync(this.#path, "r");
    readSync(this.#file, this.#bytes, 0, HEADER_BYTES, 0);
    return {
      salt: this.#bytes.toString("hex", SALT.from, SALT.to),
      frames: this.#number(FRAMES_AT),
      backfilled: this.#number(BACKFILLED_AT),
    };
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #number(at: number): number {
    return IS_LITTLE ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }
}
