/**
 * A machine's disk: the real SQLite file, what a crash leaves of it, and what a bad disk makes of it.
 *
 *     image  = atoll.db + its write-ahead log, as they lie at one moment
 *     crash  : the next process opens the image, and SQLite recovers it as it would after a power cut
 *     a power cut: of what was not synced, the last commits are missing
 *     a disk that lied: commits are cut from the end of the write-ahead log
 *     a torn commit: the log is cut in the middle of its last transaction
 *     an old copy: an image of an earlier moment
 *
 * The file lies in memory (tmpfs) where the machine has it, because a seed makes a thousand commits.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "@atoll/core";
import type { SqliteOptions, Store, WalPosition, WalProgress } from "@atoll/store";
import { WalIndex, openSqliteStore } from "@atoll/store";

export interface Image {
  readonly database: Uint8Array;
  readonly wal: Uint8Array;
}

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MEMORY_FILES = "/dev/shm";

const PREFIX = "atoll-sim-";

/** Names of directories never repeat within a process. */
let made = 0;

export class Disk {
  #directory: string | undefined;
  #store: Store | undefined;
  #image: Image | undefined;

  /** Where the file lies now; only while it is open. */
  get path(): string {
    return join(this.#directory ?? "", "atoll.db");
  }

  open(options: Omit<SqliteOptions, "path"> = {}): Store {
    this.close();
    this.#directory = newDirectory();
    const image = this.#image ?? blankImage();
    writeFileSync(this.path, image.database);
    if (image.wal.length > 0) writeFileSync(`${this.path}-wal`, image.wal);
    // When a commit is synced is the simulator's to say: nothing may happen on a thread of its own.
    this.#store = openSqliteStore({ path: this.path, isDurableAtCommit: true, ...options });
    return this.#store;
  }

  walPosition(): WalPosition {
    return this.#progress();
  }

  /** What a power cut would leave: all commits up to `synced`, and some of those that came after. */
  imageAfterPowerCut(synced: WalPosition, random: Random): Image {
    const { salt, backfilled } = this.#progress();
    const image = this.image();
    if (image.wal.length < WAL_HEADER_BYTES) return image;
    // A checkpoint syncs what it takes over, and so all that an earlier round had.
    const frames = salt === synced.salt ? Math.max(synced.frames, backfilled) : backfilled;
    const kept = WAL_HEADER_BYTES + frames * frameBytesOf(image.wal);
    const ends = [kept, ...commitEnds(image.wal).filter((end) => end > kept)];
    const end = ends[random.below(ends.length)];
    return { database: image.database, wal: image.wal.slice(0, end) };
  }

  #progress(): WalProgress {
    const index = new WalIndex(this.path);
    try {
      return index.read();
    } finally {
      index.close();
    }
  }

  /** What a power cut at this moment would leave. */
  image(): Image {
    if (this.#directory === undefined) return this.#image ?? EMPTY;
    const wal = `${this.path}-wal`;
    return {
      database: readFileSync(this.path),
      wal: existsSync(wal) ? readFileSync(wal) : new Uint8Array(),
    };
  }

  /** The next process finds this. */
  put(image: Image): void {
    this.close();
    this.#image = image;
  }

  close(): void {
    this.#store?.close();
    this.#store = undefined;
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = undefined;
  }
}

let blank: Image | undefined;

/** A file of today's format with nothing in it. Made once: every machine of every run begins with one. */
function blankImage(): Image {
  if (blank !== undefined) return blank;
  const directory = newDirectory();
  const path = join(directory, "atoll.db");
  openSqliteStore({ path }).close();
  blank = { database: readFileSync(path), wal: new Uint8Array() };
  rmSync(directory, { recursive: true });
  return blank;
}

const EMPTY: Image = { database: new Uint8Array(), wal: new Uint8Array() };

/** Without its last commits: the disk had said that it kept them. */
export function withoutTail(image: Image, commits: number): Image {
  const ends = commitEnds(image.wal);
  const kept = ends[ends.length - 1 - Math.min(commits, ends.length)] ?? WAL_HEADER_BYTES;
  return { database: image.database, wal: image.wal.slice(0, ends.length === 0 ? 0 : kept) };
}

/** With only a part of its last commit on the disk. */
export function withTornCommit(image: Image, random: Random): Image {
  const ends = commitEnds(image.wal);
  const end = ends.at(-1);
  if (end === undefined) return image;
  const start = ends.at(-2) ?? WAL_HEADER_BYTES;
  return { database: image.database, wal: image.wal.slice(0, start + random.below(end - start)) };
}

/** Commits that are in the write-ahead log and can still be lost. */
export function commitsInTail(image: Image): number {
  return commitEnds(image.wal).length;
}

function frameBytesOf(wal: Uint8Array): number {
  return FRAME_HEADER_BYTES + new DataView(wal.buffer, wal.byteOffset).getUint32(8);
}

/** Where each commit ends, as a length of the log. Frames of an earlier round have another salt. */
function commitEnds(wal: Uint8Array): number[] {
  if (wal.length < WAL_HEADER_BYTES) return [];
  const bytes = Buffer.from(wal.buffer, wal.byteOffset, wal.byteLength);
  const frameBytes = frameBytesOf(wal);
  const ends: number[] = [];
  for (let at = WAL_HEADER_BYTES; at + frameBytes <= bytes.length; at += frameBytes) {
    const isOfThisRound =
      bytes.readUInt32BE(at + 8) === bytes.readUInt32BE(16) &&
      bytes.readUInt32BE(at + 12) === bytes.readUInt32BE(20);
    if (!isOfThisRound) break;
    if (bytes.readUInt32BE(at + 4) !== 0) ends.push(at + frameBytes);
  }
  return ends;
}

function newDirectory(): string {
  const base = existsSync(MEMORY_FILES) ? MEMORY_FILES : tmpdir();
  if (made === 0) sweep(base);
  const path = join(base, `${PREFIX}${process.pid}-${made++}`);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}

/** Removes what was left by processes that were killed in the middle of a run. */
function sweep(base: string): void {
  const names = readdirSync(base).filter((name) => name.startsWith(PREFIX));
  for (const name of names) {
    const pid = Number(name.slice(PREFIX.length).split("-", 1)[0]);
    if (!isAlive(pid)) rmSync(join(base, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // else somebody else's
  }
}
