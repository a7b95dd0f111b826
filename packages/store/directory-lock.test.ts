import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AtollError } from "@atoll/core";
import { killNow, startFixture } from "./child-process.ts";
import { lockDirectory } from "./directory-lock.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a directory that does not exist is created and locked", () => {
  const path = join(directory, "a", "b");
  const lock = lockDirectory(path);
  expect(readFileSync(join(path, "lock.pid"), "utf8")).toBe(`${process.pid}\n`);
  lock.release();
});

test("a second lock in the same process is refused until the first is released", () => {
  const lock = lockDirectory(directory);
  expect(failure(() => lockDirectory(directory)).code).toBe("data-directory-locked");
  lock.release();
  lock.release();
  lockDirectory(directory).release();
});

test("a refused lock does not weaken the one that is held", () => {
  const lock = lockDirectory(directory);
  failure(() => lockDirectory(directory));
  expect(failure(() => lockDirectory(directory)).code).toBe("data-directory-locked");
  lock.release();
});

test("after release nothing is left behind but the empty lock file", () => {
  lockDirectory(directory).release();
  expect(readdirSync(directory)).toEqual(["lock.db"]);
  expect(readFileSync(join(directory, "lock.db"))).toHaveLength(0);
});

test("another process keeps us out, is named, and lets us in when it is killed", async () => {
  const child = await startFixture("lock-holder.fixture.ts", directory);
  try {
    const error = failure(() => lockDirectory(directory));
    expect(error.code).toBe("data-directory-locked");
    expect(error.message).toBe(`${directory} is in use by process ${child.pid}`);
    expect(error.data.mend).toBe("stop it or choose another directory");
  } finally {
    await killNow(child);
  }
  const lock = lockDirectory(directory);
  expect(readFileSync(join(directory, "lock.pid"), "utf8")).toBe(`${process.pid}\n`);
  lock.release();
});

test("another process that ends in order lets us in", async () => {
  const child = await startFixture("lock-holder.fixture.ts", directory);
  const exit = once(child, "exit");
  child.send("release");
  await exit;
  lockDirectory(directory).release();
});

test("a holder that has not written its name is still a holder", () => {
  const lock = lockDirectory(directory);
  rmSync(join(directory, "lock.pid"));
  expect(failure(() => lockDirectory(directory)).message).toContain("by another process");
  lock.release();
});

test("a path that cannot be a directory is named with the cause and what to do", () => {
  const file = join(directory, "file");
  writeFileSync(file, "");
  for (const path of [file, join(file, "below")]) {
    const error = failure(() => lockDirectory(path));
    expect(error.code).toBe("data-directory-unusable");
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/EEXIST|ENOTDIR/);
    expect(error.data.mend).toBeDefined();
  }
});

test("a lock file that is no lock file makes the directory unusable", () => {
  writeFileSync(
    join(directory, "lock.db"),
    "not a database, but long enough to look at ".repeat(30),
  );
  expect(failure(() => lockDirectory(directory)).code).toBe("data-directory-unusable");
});

function failure(action: () => unknown): AtollError {
  try {
    action();
  } catch (error) {
    if (error instanceof AtollError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
