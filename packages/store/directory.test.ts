import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDirectories } from "./directory.ts";

test("a directory is made with all above it, and made again without complaint", () => {
  const root = mkdtempSync(join(tmpdir(), "atoll-directory-"));
  const deep = join(root, "a", "b", "c");
  makeDirectories(deep);
  makeDirectories(deep);
  expect(existsSync(deep)).toBe(true);
  rmSync(root, { recursive: true });
});

test("a path through a file is an error", () => {
  const root = mkdtempSync(join(tmpdir(), "atoll-directory-"));
  writeFileSync(join(root, "file"), "");
  expect(() => makeDirectories(join(root, "file", "below"))).toThrow();
  rmSync(root, { recursive: true });
});

test.runIf(existsSync("/proc/self"))(
  "a path where nothing can be made is an error, not a hang",
  () => {
    expect(() => makeDirectories("/proc/nope/deep")).toThrow();
  },
);
