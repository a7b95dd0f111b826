/**
 * Thousands of power cuts in a few minutes: images of the two files as a cut may leave them, opened.
 *
 *     legal     log cut anywhere at or behind the last sync; its last sector torn; what lies behind is noise,
 *               zeros or an older round; a checkpoint under way has written any of the synced pages, whole or half
 *     illegal   log cut before the last sync: a disk that lied
 *     flipped   one bit, anywhere in what was synced
 *
 * Of a legal image every promised change is there and the file is sound. An illegal one is an earlier whole
 * state, and nothing is written to it under the name that the lost changes had. A flipped bit means
 * nothing, or is found: when the file is opened, by the recovery of the log, or by the scrub.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "@atoll/core";
import { ManualClock, POSITION_BITS, errorText, isAtollError, limits, must } from "@atoll/core";
import type { Store } from "@atoll/store";
import { fileFaults, openSqliteStore } from "@atoll/store";
import type { Epoch, Frame, History, Moment } from "./crash-history.ts";
import {
  CRASH_PROFILES,
  WAL_HEADER_BYTES,
  changesIn,
  crashDriver,
  framesOf,
} from "./crash-history.ts";

const SECTOR_BYTES = 512;
const NOISE_BYTES_MAX = 64 * 1024;

export type ImageKind = "legal" | "illegal" | "flipped";

export interface ImageCounts {
  images: number;
  /** Promised changes that were not there, of legal images. */
  lost: number;
  /** Illegal: opened as an earlier state, unclean, so under a new name. Flipped: found by somebody. */
  detected: number;
  /** Flipped bits that change nothing that can be read. */
  harmless: number;
  /** Served as if nothing were wrong, and wrong. */
  silent: number;
  readonly faults: string[];
}

export function emptyCounts(): ImageCounts {
  return { images: 0, lost: 0, detected: 0, harmless: 0, silent: 0, faults: [] };
}

interface Image {
  readonly database: Uint8Array;
  readonly wal: Uint8Array;
  /** Changes that must be there. */
  readonly held: number;
  /** What the same files say without damage. */
  readonly twin?: () => string;
}

export async function tryImage(
  kind: ImageKind,
  history: History,
  random: Random,
  directory: string,
  counts: ImageCounts,
): Promise<void> {
  const epoch = must(history.epochs[random.below(history.epochs.length)], "an epoch");
  const moment = must(epoch.moments[random.below(epoch.moments.length)], "a moment");
  const image = MAKERS[kind](epoch, moment, history, random, directory);
  const path = putImage(directory, image);
  counts.images++;
  try {
    await JUDGES[kind](path, image, history, counts);
  } finally {
    rmSync(directory, { recursive: true, force: true });
    rmSync(`${directory}.twin`, { recursive: true, force: true });
  }
}

function putImage(directory: string, { database, wal }: Pick<Image, "database" | "wal">): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "atoll.db");
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, wal);
  return path;
}

const MAKERS = { legal: legalImage, illegal: illegalImage, flipped: flippedImage } as const;
const JUDGES = { legal: judgeLegal, illegal: judgeIllegal, flipped: judgeFlipped } as const;

function legalImage(epoch: Epoch, { end, held }: Moment, history: History, random: Random): Image {
  const cut = end + random.below(epoch.wal.length - end + 1);
  const database = random.below(3) === 0 ? checkpointing(epoch, end, random) : epoch.database;
  return { database, wal: torn(epoch.wal.subarray(0, cut), end, history, random), held };
}

/** Sectors behind the last sync are old, new or noise, each by itself. */
function torn(wal: Buffer, synced: number, { epochs }: History, random: Random): Buffer {
  const style = random.below(5);
  if (style === 0) return wal;
  const noise = Buffer.from(random.bytes(1 + random.below(NOISE_BYTES_MAX)));
  if (style === 1) return Buffer.concat([wal, noise]);
  if (style === 2) return Buffer.concat([wal, Buffer.alloc(noise.length)]);
  if (style === 3) {
    const older = must(epochs[random.below(epochs.length)], "an epoch").wal;
    return Buffer.concat([wal, older.subarray(Math.min(wal.length, older.length))]);
  }
  const sector = Math.ceil(synced / SECTOR_BYTES) + random.below(16);
  const bytes = Buffer.from(wal);
  noise.copy(bytes, sector * SECTOR_BYTES, 0, Math.min(noise.length, SECTOR_BYTES));
  return bytes;
}

/** Pages that a checkpoint may have copied so far: of synced commits, any of them, the last one half. */
function checkpointing(epoch: Epoch, synced: number, random: Random): Uint8Array {
  const newest = new Map<number, Frame>();
  for (const frame of framesOf(epoch.wal.subarray(0, synced))) newest.set(frame.page, frame);
  const written = [...newest.values()].filter(() => random.below(2) === 0);
  const pageBytes = written[0]?.data.length ?? 0;
  const pages = Math.max(0, ...written.map(({ page }) => page));
  const bytes = Buffer.alloc(Math.max(epoch.database.length, pages * pageBytes));
  bytes.set(epoch.database);
  for (const [i, { page, data }] of written.entries()) {
    const isTorn = i === written.length - 1;
    const length = isTorn ? SECTOR_BYTES * random.below(pageBytes / SECTOR_BYTES) : pageBytes;
    data.copy(bytes, (page - 1) * pageBytes, 0, length);
  }
  return bytes;
}

function illegalImage(epoch: Epoch, { end, held }: Moment, _: History, random: Random): Image {
  const wal = epoch.wal.subarray(0, random.below(end));
  return { database: epoch.database, wal, held };
}

/** In the file, or in a frame that recovery needs. */
function flippedImage(
  epoch: Epoch,
  { end, held }: Moment,
  _: History,
  random: Random,
  directory: string,
): Image {
  const sound = { database: epoch.database, wal: epoch.wal.subarray(0, end) };
  const wal = Buffer.from(sound.wal);
  const database = Buffer.from(sound.database);
  const target = random.below(2) === 0 && wal.length > WAL_HEADER_BYTES ? wal : database;
  const bit = random.below(target.length * 8);
  target.writeUInt8(target.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  const twin = (): string => withStore(putImage(`${directory}.twin`, sound), contentOf);
  return { database, wal, held, twin };
}

function judgeLegal(path: string, { held }: Image, history: History, counts: ImageCounts): void {
  const missing = withStore(path, (store) => missingOf(store, history, held));
  counts.lost += missing;
  const faults = fileFaults(path);
  counts.faults.push(...faults);
  if (missing > 0) counts.faults.push(`${missing} of ${held} promised changes are not there`);
}

function judgeIllegal(path: string, { held }: Image, history: History, counts: ImageCounts): void {
  const isNamedAnew = withStore(path, (store) => {
    const names = changesIn(store);
    const isPrefix = history.promised.slice(0, names.size).every((name) => names.has(name));
    // A new life begins with a new name wherever the last one was not ended in order.
    return isPrefix && names.size <= held && store.readIdentity()?.cleanStop !== true;
  });
  const faults = fileFaults(path);
  if (isNamedAnew && faults.length === 0) counts.detected++;
  else counts.silent++;
  counts.faults.push(...faults);
}

async function judgeFlipped(
  path: string,
  { held, twin }: Image,
  history: History,
  counts: ImageCounts,
): Promise<void> {
  try {
    const store = openSqliteStore({ path, isDurableAtCommit: true });
    try {
      const isNamedAnew = store.readIdentity()?.cleanStop !== true;
      if (missingOf(store, history, held) > 0 && isNamedAnew) counts.detected++;
      else if ((await scrubbed(store, path)) > 0) counts.detected++;
      else if (contentOf(store) === twin?.()) counts.harmless++;
      else counts.silent++;
    } finally {
      store.close();
    }
  } catch (error) {
    // A typed error is how damage is told; anything else is ours.
    if (isAtollError(error)) counts.detected++;
    else counts.faults.push(`a flipped bit ends the process: ${errorText(error)}`);
  }
}

/** What the walk that every region does finds, all at once. */
async function scrubbed(store: Store, path: string): Promise<number> {
  const clock = new ManualClock();
  const driver = crashDriver(store, clock);
  store.scrub.checkFile = () => Promise.resolve(fileFaults(path));
  driver.start();
  driver.scrub.verify();
  while (driver.scrub.report().state === "running") {
    clock.advance(limits.TICK_MS);
    await Promise.resolve();
  }
  driver.kill();
  return driver.scrub.report().faults.found;
}

/** All that anybody is ever told of what it holds. */
function contentOf(store: Store): string {
  const all = { from: 0, to: 2 ** POSITION_BITS, limit: CRASH_PROFILES };
  return store
    .listDocuments(all)
    .map((row) => JSON.stringify({ ...row, dep: [...row.dep], ...store.readDocument(row) }))
    .join("\n");
}

function missingOf(store: Store, { promised }: History, held: number): number {
  const names = changesIn(store);
  return promised.slice(0, held).filter((name) => !names.has(name)).length;
}

function withStore<T>(path: string, work: (store: Store) => T): T {
  const store = openSqliteStore({ path });
  try {
    return work(store);
  } finally {
    store.close();
  }
}
