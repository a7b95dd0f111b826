import { expect, test } from "vitest";
import { ManualClock, limits } from "@atoll/core";
import { DiskWatermark } from "./disk-watermark.ts";

function watermark(free: { bytes: number }) {
  const clock = new ManualClock();
  const disk = new DiskWatermark({ directory: "/", clock, freeBytes: () => free.bytes });
  return { disk, look: () => clock.advance(limits.DISK_CHECK_MS) };
}

test("clients are refused before the disk is full, and let in again somewhat above", () => {
  const free = { bytes: limits.DISK_RESERVE_BYTES };
  const { disk, look } = watermark(free);
  expect(disk.refusal()).toBeUndefined();
  free.bytes--;
  expect(disk.refusal()).toBeUndefined(); // not looked at again yet
  look();
  expect(disk.refusal()).toMatchObject({ code: "storage-full" });
  free.bytes = limits.DISK_RESUME_BYTES - 1;
  look();
  expect(disk.refusal()).toBeDefined();
  free.bytes++;
  look();
  expect(disk.refusal()).toBeUndefined();
});

test("the real disk has a size", () => {
  const disk = new DiskWatermark({ directory: import.meta.dirname, clock: new ManualClock() });
  expect(disk.freeBytes()).toBeGreaterThan(0);
});
