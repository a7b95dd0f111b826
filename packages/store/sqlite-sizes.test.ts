import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { must } from "@atoll/core";
import type { FileSizes, TableSize } from "./sqlite-sizes.ts";
import { fileSizes } from "./sqlite-sizes.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { sampleDocument } from "./store-samples.ts";
import { WRITES, inTransaction } from "./store-writes.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-sizes-"));
  path = join(directory, "atoll.sqlite");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("tables and free pages together are the file", () => {
  const store = openSqliteStore({ path });
  inTransaction(store, () => {
    for (const write of Object.values(WRITES)) write(store, 1);
  });
  writeView(200_000);
  writeView(10); // what it took is free now
  store.close();
  const { tables, freeBytes } = fileSizes(path);
  const used = tables.reduce((sum, { rowBytes, indexBytes }) => sum + rowBytes + indexBytes, 0);
  expect(freeBytes).toBeGreaterThanOrEqual(180_000);
  expect(used + freeBytes).toBe(statSync(path).size);

  function writeView(length: number): void {
    inTransaction(store, () => {
      store.writeDocument(sampleDocument(1, { view: `"${"x".repeat(length)}"` }));
    });
  }
});

test("bytes count for the table that holds them, while the file is in use", () => {
  const store = openSqliteStore({ path });
  const before = fileSizes(path);
  inTransaction(store, () => {
    store.writeDocument(sampleDocument(1, { view: `"${"x".repeat(200_000)}"` }));
  });
  const after = fileSizes(path);
  expect(sizeOf(after, "body").rowBytes - sizeOf(before, "body").rowBytes).toBeGreaterThan(190_000);
  expect(sizeOf(after, "log")).toEqual(sizeOf(before, "log"));
  expect(sizeOf(after, "log").indexBytes).toBeGreaterThan(sizeOf(after, "log").rowBytes); // of three
  expect(sizeOf(after, "document").rowBytes).toBeGreaterThan(0); // of a table without rowid
  store.close();
});

function sizeOf({ tables }: FileSizes, name: string): TableSize {
  return must(
    tables.find(({ table }) => table === name),
    name,
  );
}
