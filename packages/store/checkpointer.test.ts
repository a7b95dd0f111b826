// The write-ahead log is copied beside the commits, and begins anew.
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits, systemClock } from "@atoll/core";
import { Checkpointer } from "./checkpointer.ts";
import { sampleDocument, samplePlace } from "./store-samples.ts";
import { inTransaction } from "./store-writes.ts";
import type { SqliteStore } from "./sqlite-store.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { WalIndex } from "./wal-index.ts";

const DOCUMENTS = 100;

let directory: string;
let path: string;
let store: SqliteStore;
let index: WalIndex;
let written = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-checkpoint-"));
  path = join(directory, "atoll.db");
  store = openSqliteStore({ path });
  index = new WalIndex(path);
  written = 0;
});
afterEach(() => {
  index.close();
  store.close();
  rmSync(directory, { recursive: true });
});

/** A commit of many pages. */
function write(): void {
  inTransaction(store, () => {
    for (let n = 1; n <= DOCUMENTS; n++) {
      store.writeDocument(sampleDocument(n, { view: `"${written}${"long ".repeat(900)}"` }));
    }
  });
  written++;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => systemClock.afterTurn(resolve));
}

test("beside the commits, and the log begins anew", async () => {
  const { salt } = index.read();
  while (index.read().frames < limits.CHECKPOINT_PAGES) write();
  await until(() => index.read().backfilled >= limits.CHECKPOINT_PAGES);
  await until(() => {
    write();
    return index.read().salt !== salt;
  });
  expect(index.read().frames).toBeLessThan(limits.CHECKPOINT_PAGES);
  const last = store.readDocument(samplePlace(DOCUMENTS));
  expect(last?.view).toContain(`"${written - 1}long`);
});

test("while somebody reads what was long ago, the log grows and is asked about now and then", async () => {
  const reader = new Database(path, { readonly: true });
  write();
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM document").get();
  const { salt } = index.read();
  while (index.read().frames < 4 * limits.CHECKPOINT_PAGES) {
    write();
    await new Promise<void>((resolve) => systemClock.afterTurn(resolve));
  }
  expect(index.read().salt).toBe(salt);
  reader.close();
  await until(() => {
    write();
    return index.read().salt !== salt;
  });
});

test("where no thread is to be had, by whoever commits", async () => {
  const unopenable = join(directory, "a-directory");
  mkdirSync(unopenable);
  // An index that says that the log is long: the number of frames is the fifth of its header.
  const header = new Uint32Array(25);
  header[4] = limits.CHECKPOINT_PAGES;
  writeFileSync(`${unopenable}-shm`, header);
  let copies = 0;
  const alone = new Checkpointer(unopenable, () => void copies++);
  alone.committed();
  expect(copies).toBe(0); // the thread is asked
  await until(() => {
    alone.committed();
    return copies > 0;
  });
  alone.close();
});

test("a file that is closed while it is copied leaves nothing beside it", () => {
  while (index.read().frames < 2 * limits.CHECKPOINT_PAGES) write(); // it has been asked, and works
  const { size } = statSync(path);
  store.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  expect(statSync(path).size).toBeGreaterThanOrEqual(size);
  store = openSqliteStore({ path });
  expect(store.readDocument(samplePlace(1))?.view).toContain(`"${written - 1}long`);
});
