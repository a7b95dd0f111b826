// What a crash leaves of a real SQLite file, and what a bad disk makes of it.
import { afterEach, expect, test } from "vitest";
import type { Hlc, RegionCode } from "@atoll/core";
import { SeededRandom } from "@atoll/core";
import { openSqliteStore } from "@atoll/store";
import type { Image } from "./disk.ts";
import { Disk, commitsInTail, withTornCommit, withoutTail } from "./disk.ts";

const disk = new Disk();
afterEach(() => disk.close());
const region = 1 as RegionCode;

/** One commit each. */
function write(...values: number[]): void {
  for (const value of values) {
    store.begin();
    store.writeCoverage(new Map([[region, value as Hlc]]));
    store.commit();
  }
}

let store = disk.open();

function blank(): Image {
  return { database: new Uint8Array(), wal: new Uint8Array() };
}

function valueIn(image: Image): number | undefined {
  const other = new Disk();
  other.put(image);
  try {
    return other.open().readCoverage().get(region);
  } finally {
    other.close();
  }
}

/** As every store does when it is closed. */
function checkpoint(path: string): void {
  openSqliteStore({ path }).close();
}

function reopened(image = disk.image()): number | undefined {
  disk.put(image);
  store = disk.open();
  return store.readCoverage().get(region);
}

test("a crash keeps what was committed and nothing else", () => {
  write(1, 2);
  store.begin();
  store.writeCoverage(new Map([[region, 3 as Hlc]]));
  expect(reopened()).toBe(2);
  write(4);
  expect(reopened()).toBe(4);
});

test("a power cut keeps what was synced, and of the rest a part from the beginning", () => {
  disk.put(blank());
  store = disk.open();
  write(1, 2);
  const synced = disk.walPosition();
  write(3, 4, 5);
  const kept = new Set<number | undefined>();
  const { wal } = disk.image();
  for (let draw = 0; draw < 32; draw++) {
    const image = disk.imageAfterPowerCut(synced, new SeededRandom(`cut ${draw}`));
    expect(wal.subarray(0, image.wal.length)).toEqual(image.wal);
    kept.add(valueIn(image));
  }
  expect([...kept].sort()).toEqual([2, 3, 4, 5]);
});

test("a power cut undoes nothing that a checkpoint has taken over", () => {
  disk.put(blank());
  store = disk.open();
  write(1);
  const synced = disk.walPosition();
  write(2, 3);
  checkpoint(disk.path);
  const cut = () => valueIn(disk.imageAfterPowerCut(synced, new SeededRandom("cut")));
  expect(cut()).toBe(3);
  write(4); // in a new round, of which nothing is synced
  expect([3, 4]).toContain(cut());
});

test("a disk that lied has lost its last commits", () => {
  store = disk.open();
  write(5, 6, 7, 8);
  expect(commitsInTail(disk.image())).toBeGreaterThanOrEqual(4);
  expect(reopened(withoutTail(disk.image(), 2))).toBe(6);
});

test("a torn commit did not happen", () => {
  store = disk.open();
  write(9, 10);
  expect(reopened(withTornCommit(disk.image(), new SeededRandom("torn")))).toBe(9);
});
