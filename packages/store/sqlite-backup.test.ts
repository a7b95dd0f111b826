// A copy of a file in use is one moment of it, one file, and safe to look at.
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock, isAtollError, must } from "@atoll/core";
import { copyDatabase, markRestored } from "./sqlite-backup.ts";
import { inspectCopy } from "./sqlite-copy.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { sampleDocument } from "./store-samples.ts";
import { WRITES, inTransaction, readAll } from "./store-writes.ts";
import type { Store } from "./store.ts";

let directory: string;
let path: string;
let copy: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-backup-"));
  path = join(directory, "atoll.db");
  copy = join(directory, "copy.db");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function writeSamples(store: Store, ...samples: number[]): void {
  for (const n of samples) {
    inTransaction(store, () => {
      for (const write of Object.values(WRITES)) write(store, n);
    });
  }
}

function copyOf(from: string, progress: (done: number, total: number) => void = () => undefined) {
  const clock = new ManualClock();
  const pause = (ms: number): void => clock.advance(ms);
  return copyDatabase({ from, to: copy, bytesPerSecond: 1_000_000, clock, pause, progress });
}

function alter(file: string, sql: string): void {
  const database = new Database(file);
  database.exec(sql);
  database.close();
}

describe("copying", () => {
  test("gives one moment, whatever is committed while it lasts", async () => {
    const store = openSqliteStore({ path });
    writeSamples(store, 1, 2);
    inTransaction(store, () =>
      store.writeDocument(sampleDocument(9, { view: `"${"x".repeat(4_000_000)}"` })),
    );
    const before = readAll(store);
    let steps = 0;
    await copyOf(path, () => {
      steps++;
      inTransaction(store, () => store.writeDocument(sampleDocument(100 + steps)));
    });
    expect(steps).toBeGreaterThan(2);
    expect(readAll(store)).not.toEqual(before);
    store.close();
    const opened = openSqliteStore({ path: copy, isReadOnly: true });
    expect(readAll(opened)).toEqual(before);
    opened.close();
    expect(inspectCopy(copy)).toEqual({ format: expect.any(Number) as number });
    expect([existsSync(`${copy}-wal`), existsSync(`${copy}-shm`)]).toEqual([false, false]);
  });

  test("keeps to its pace", async () => {
    const store = openSqliteStore({ path });
    inTransaction(store, () =>
      store.writeDocument(sampleDocument(9, { view: `"${"x".repeat(3_000_000)}"` })),
    );
    const clock = new ManualClock();
    const startMs = clock.monotonicMs();
    let bytes = 0;
    await copyDatabase({
      from: path,
      to: copy,
      bytesPerSecond: 1_000_000,
      clock,
      pause: (ms) => clock.advance(ms),
      progress: (done) => (bytes = done),
    });
    expect(bytes).toBeGreaterThan(2_000_000);
    expect(clock.monotonicMs() - startMs).toBeCloseTo(bytes / 1_000);
    store.close();
  });

  test("of what is no database of ours ends in a typed error", async () => {
    writeFileSync(path, "these are somebody's notes and they are long enough ".repeat(40));
    await expect(copyOf(path)).rejects.toMatchObject({ code: "incompatible-data" });
    rmSync(path);
    await expect(copyOf(path)).rejects.toMatchObject({ code: "storage-failed" });
  });
});

describe("a copy", () => {
  beforeEach(async () => {
    const store = openSqliteStore({ path });
    writeSamples(store, 1, 2);
    store.close();
    await copyOf(path);
  });

  test("cannot be written to through a store that only reads", () => {
    const store = openSqliteStore({ path: copy, isReadOnly: true });
    expect(() => inTransaction(store, () => WRITES["writeDocument"]?.(store, 3))).toThrow();
    store.close();
  });

  test("that is marked was not stopped in order, and is otherwise the same", () => {
    const before = openSqliteStore({ path: copy });
    const identity = must(before.readIdentity(), "an identity");
    inTransaction(before, () => before.writeIdentity({ ...identity, cleanStop: true }));
    before.close();
    markRestored(copy);
    expect(existsSync(`${copy}-wal`)).toBe(false);
    const after = openSqliteStore({ path: copy });
    expect(after.readIdentity()).toEqual({ ...identity, cleanStop: false });
    after.close();
  });

  test.each([
    ["was cut short", () => truncateSync(copy, 8192 * 3), /bytes, its header says/],
    ["was cut to nothing", () => truncateSync(copy, 50), /cut short/],
    ["grew", () => truncateSync(copy, 2 ** 32), /bytes, its header says/],
    ["is no database", () => writeFileSync(copy, "x".repeat(9_000)), /no SQLite database/],
    ["has a journal beside it", () => writeFileSync(`${copy}-journal`, "x"), /beside it/],
    ["has a log beside it", () => writeFileSync(`${copy}-wal`, "x"), /beside it/],
    ["needs a log", () => alter(copy, "PRAGMA journal_mode = WAL"), /write-ahead log/],
    [
      "brings a trigger",
      () => alter(copy, "CREATE TRIGGER t AFTER INSERT ON log BEGIN DELETE FROM document; END"),
      /other tables/,
    ],
    ["lacks a table", () => alter(copy, "DROP TABLE answer"), /other tables/],
  ])("that %s is refused before a row is read", (_what, damage, reason) => {
    damage();
    expect(inspectCopy(copy)).toMatch(reason);
  });

  test("of a newer format, or of another program, is named so", () => {
    alter(copy, "PRAGMA user_version = 99");
    expect(errorOf(() => inspectCopy(copy))).toBe("incompatible-data");
    alter(copy, "PRAGMA application_id = 7");
    expect(errorOf(() => inspectCopy(copy))).toBe("incompatible-data");
  });

  test("of an older format is known by its number, and is not read as it lies", () => {
    rmSync(copy);
    alter(copy, "PRAGMA page_size = 8192; PRAGMA application_id = 1096043340; VACUUM");
    expect(errorOf(() => openSqliteStore({ path: copy, isReadOnly: true }))).toBe(
      "incompatible-data",
    );
  });
});

function errorOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!isAtollError(error)) throw error;
    return error.code;
  }
}
