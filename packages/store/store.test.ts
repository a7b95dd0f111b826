/** Both stores keep the contract. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { MemoryStore } from "./memory-store.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { storeConformance } from "./store.conformance.ts";

const directory = mkdtempSync(join(tmpdir(), "atoll-store-"));
let files = 0;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

storeConformance("the store in memory", () => new MemoryStore());
storeConformance("the store in SQLite", () =>
  openSqliteStore({ path: join(directory, `${++files}.db`) }),
);
