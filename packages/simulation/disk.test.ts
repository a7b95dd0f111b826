// What a crash leaves of a real SQLite file, and what a bad disk makes of it.
import { afterEach, expect, test } from "vitest";
import type { Hlc, RegionCode } from "@atoll/core";
import { SeededRandom } from "@atoll/core";
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
