/** What only the store on disk can do: survive, refuse, fill up. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { RegionCode } from "@atoll/core";
import { AtollError, InvariantError, must, mustHlc } from "@atoll/core";
import { killNow, startFixture } from "./child-process.ts";
import { fileFaults } from "./file-faults.ts";
import { MemoryStore } from "./memory-store.ts";
import { APPLICATION_ID, MIGRATIONS, configure, migrate, tablesOfFormat } from "./sqlite-schema.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { openUnsyncedStore } from "./unsynced-store.fixture.ts";
import { WalSync } from "./wal-sync.ts";
import { plain, sampleDocument, sampleEntry, samplePlace } from "./store-samples.ts";
import { WRITES, inTransaction, readAll } from "./store-writes.ts";
import type { LogSize, Store } from "./store.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atoll-sqlite-"));
  path = join(directory, "atoll.db");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function writeSamples(store: Store, ...samples: number[]): void {
  for (const n of samples) {
    inTransaction(store, () => {
      for (const write of Object.values(WRITES)) write(store, n);
    });
  }
}

describe("durability", () => {
  test("what was committed is there after closing and opening again", () => {
    const first = openSqliteStore({ path });
    writeSamples(first, 1, 2);
    const before = readAll(first);
    first.close();
    const second = openSqliteStore({ path });
    expect(readAll(second)).toEqual(before);
    second.close();
  });

  test("closing leaves one file, and loses the open transaction only", () => {
    const store = openSqliteStore({ path });
    writeSamples(store, 1);
    const before = readAll(store);
    store.begin();
    WRITES["writeDocument"]?.(store, 2);
    store.close();
    expect([path, `${path}-wal`, `${path}-shm`].map((file) => existsSync(file))).toEqual([
      true,
      false,
      false,
    ]);
    const again = openSqliteStore({ path });
    expect(readAll(again)).toEqual(before);
    again.close();
  });

  test("a process killed in the middle of a transaction loses exactly that transaction", async () => {
    const child = await startFixture("sqlite-writer.fixture.ts", path);
    await killNow(child);
    const expected = new MemoryStore();
    writeSamples(expected, 1, 2);
    const survivor = openSqliteStore({ path });
    expect(readAll(survivor)).toEqual(readAll(expected));
    writeSamples(survivor, 3);
    survivor.close();
  });

  test("the settings that durability and erasure hang on are in force", () => {
    openSqliteStore({ path }).close();
    const connection = new Database(path);
    // What opening does; some settings are the connection's own.
    configure(connection, path, "FULL");
    const read = (name: string): unknown => connection.pragma(name, { simple: true });
    expect(read("synchronous")).toBe(2);
    configure(connection, path, "NORMAL");
    expect(read("synchronous")).toBe(1);
    expect(read("secure_delete")).toBe(1);
    expect(read("journal_mode")).toBe("wal");
    expect(read("page_size")).toBe(8192);
    expect(read("application_id")).toBe(APPLICATION_ID);
    expect(read("user_version")).toBe(MIGRATIONS.length);
    connection.close();
  });

  test.each([
    ["journal_mode", "delete"],
    ["synchronous", 0],
  ])("a file system that does not honour %s is refused", (name, answer) => {
    const connection = new Database(path);
    const deaf = Object.assign(Object.create(connection) as Database.Database, {
      pragma: (source: string, options: Database.PragmaOptions) =>
        source === name ? answer : connection.pragma(source, options),
    });
    const error = failure(() => configure(deaf, path, "NORMAL"));
    expect(error.code).toBe("data-directory-unusable");
    expect(error.message).toContain(String(answer));
    connection.close();
  });

  test("the size is that of the files", () => {
    const store = openSqliteStore({ path });
    const before = store.sizeBytes();
    inTransaction(store, () =>
      store.writeDocument(sampleDocument(1, { view: `"${"x".repeat(200_000)}"` })),
    );
    expect(store.sizeBytes()).toBeGreaterThanOrEqual(before + 200_000);
    store.close();
  });
});

describe("opening", () => {
  test("an empty file becomes a database, as after a crash right after its creation", () => {
    writeFileSync(path, "");
    openSqliteStore({ path }).close();
    openSqliteStore({ path }).close();
  });

  test("a file of another kind is refused and left as it was", () => {
    writeFileSync(path, "these are somebody's notes and they are long enough ".repeat(40));
    expect(openFailure(path)).toMatchObject({ code: "incompatible-data" });
  });

  test.each([
    ["another program's", "PRAGMA application_id = 7"],
    ["an unmarked", "CREATE TABLE notes (text)"],
    ["a numbered but unmarked", "PRAGMA user_version = 1"],
  ])("%s database is refused and left as it was", (_, sql) => {
    const other = new Database(path);
    other.exec(sql);
    other.close();
    expect(openFailure(path)).toMatchObject({ code: "incompatible-data" });
    const again = new Database(path);
    expect(again.pragma("journal_mode", { simple: true })).toBe("delete");
    again.close();
  });

  test("a newer format is refused by number", () => {
    openSqliteStore({ path }).close();
    const newer = new Database(path);
    newer.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    newer.close();
    const error = openFailure(path);
    expect(error.code).toBe("incompatible-data");
    expect(error.message).toContain(`data format ${MIGRATIONS.length + 1}`);
    expect(error.data.mend).toBeDefined();
  });

  test("a file of format 5 opens with all it holds, and its tails wait for rest", () => {
    const first = openSqliteStore({ path });
    inTransaction(first, () => {
      first.writeDocument(sampleDocument(1));
      first.appendTail(samplePlace(1), new Uint8Array(10), 100);
    });
    const before = readAll(first);
    first.close();
    makeOlder(path, 5, "DROP INDEX document_waiting_tail");
    const store = openSqliteStore({ path });
    expect(readAll(store)).toEqual(before);
    expect(store.waitingTails(1)).toMatchObject([{ position: samplePlace(1).position }]);
    store.close();
  });

  test("a file of format 6 opens with all it holds, and what its log weighs is still known", () => {
    const first = openSqliteStore({ path });
    writeSamples(first, 1, 2);
    const before = [readAll(first), first.logSize()];
    first.close();
    makeOlder(path, 6);
    const older = new Database(path);
    older.exec("DELETE FROM log WHERE seq = (SELECT min(seq) FROM log)"); // a trigger follows this
    older.close();
    const store = openSqliteStore({ path });
    expect(store.logSize()).toEqual(weighed(path));
    expect(store.logSize()).not.toEqual(before[1]);
    writeSamples(store, 3);
    expect(store.logSize()).toEqual(weighed(path));
    store.close();
    expect(fileFaults(path)).toEqual([]);
  });

  test("a directory that is missing, or a directory in place of the file, is named", () => {
    mkdirSync(path);
    for (const bad of [join(directory, "missing", "atoll.db"), path]) {
      const error = openFailure(bad);
      expect(error.code).toBe("data-directory-unusable");
      expect(error.message).toContain(bad);
      expect(error.data.mend).toBeDefined();
    }
  });

  test("migrations run once, in order, and a step that fails leaves the format before it", () => {
    const database = new Database(path);
    const steps = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"];
    const format = (): unknown => database.pragma("user_version", { simple: true });
    migrate(database, steps.slice(0, 1));
    expect(format()).toBe(1);
    migrate(database, steps);
    migrate(database, steps);
    expect(format()).toBe(2);
    const broken = [...steps, "CREATE TABLE b (x); CREATE TABLE a (x)"];
    expect(() => migrate(database, broken)).toThrow(/already exists/);
    expect(format()).toBe(2);
    expect(database.prepare("SELECT * FROM pragma_table_info('b')").all()).toEqual([]);
    database.close();
  });

  test("a database in memory behaves like a file but for its size", () => {
    const store = openSqliteStore({ path: ":memory:" });
    writeSamples(store, 1);
    expect(store.sizeBytes()).toBe(0);
    store.close();
  });
});

describe("trouble with the disk", () => {
  test("a full disk is said to be full, the transaction is lost, and what was stored stays", () => {
    const store = openSqliteStore({ path, fileBytesMax: 60 * 8192 });
    writeSamples(store, 1);
    const before = readAll(store);
    store.begin();
    WRITES["writeFrontier"]?.(store, 2);
    const large = sampleDocument(3, { view: `"${"x".repeat(1_000_000)}"` });
    store.writeDocument(large); // staged: the disk is asked when the transaction commits
    const error = failure(() => store.commit());
    expect(error.code).toBe("storage-full");
    expect(error.data.mend).toBeDefined();
    expect([store.inTransaction, store.isTransactionLost]).toEqual([true, true]);
    expect(() => store.commit()).toThrow(InvariantError);
    expect(() => store.writeDocument(sampleDocument(4))).toThrow(InvariantError);
    expect(() => store.begin()).toThrow(InvariantError);
    store.rollback();
    expect(store.isTransactionLost).toBe(false);
    expect(readAll(store)).toEqual(before);
    writeSamples(store, 2);
    expect(store.readDocument(samplePlace(2))).toBeDefined();
    store.close();
  });

  test("what a process committed and did not sync is synced before it is shown to anybody", () => {
    const killed = openUnsyncedStore(path);
    writeSamples(killed, 1);
    const sync = vi.spyOn(WalSync, "once");
    const next = openSqliteStore({ path });
    expect(sync).toHaveBeenCalledExactlyOnceWith(`${path}-wal`);
    expect(next.readDocument(samplePlace(1))).toBeDefined();
    next.close();
    killed.close();
  });

  test("a commit that the disk does not confirm is no ordinary failure, and is not asked for again", () => {
    const store = openSqliteStore({ path });
    store.begin();
    WRITES["writeFrontier"]?.(store, 1);
    const asked = vi.spyOn(Database.prototype, "exec").mockImplementationOnce(() => {
      throw new Database.SqliteError("disk I/O error", "SQLITE_IOERR_FSYNC");
    });
    expect(() => store.commit()).toThrow(InvariantError);
    expect(() => store.commit()).toThrow(InvariantError);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(store.isTransactionLost).toBe(false); // nobody may roll it back and go on
    asked.mockRestore();
    store.close();
  });

  test("another writer on the file is a failure of the storage, and no transaction is open", () => {
    const store = openSqliteStore({ path });
    const other = new Database(path);
    other.exec("BEGIN IMMEDIATE");
    expect(failure(() => store.begin()).code).toBe("storage-failed");
    expect(store.inTransaction).toBe(false);
    other.exec("ROLLBACK");
    other.close();
    writeSamples(store, 1);
    store.close();
  });

  test.each([
    ["dep", "UPDATE document SET dep = x'0105'"],
    ["sum", "UPDATE document SET sum = x'00'"],
    ["count", "UPDATE document SET change_count = change_count | (1 << 62)"],
    ["number of conflicts", "UPDATE document SET conflicts = -1"],
    ["profile id", "UPDATE document SET profile_id = 'no space'"],
  ])("a row with a damaged %s fails its readers and nobody else", (_, sql) => {
    const store = openSqliteStore({ path });
    inTransaction(store, () => store.writeDocument(sampleDocument(1)));
    const other = new Database(path);
    other.exec(sql);
    other.close();
    inTransaction(store, () => store.writeDocument(sampleDocument(2)));
    const error = failure(() => store.readDocument(samplePlace(1)));
    expect(error.code).toBe("storage-failed");
    expect(error.message).toContain(path);
    expect(store.readDocument(samplePlace(2))).toBeDefined();
    store.close();
  });

  test.each([
    ["dep", "dep = x'0105'"],
    ["heads", "heads = x'00'"],
    ["time of its beginning", "created_hlc = -1"],
    ["time", "updated_hlc = 1 << 60"],
    ["number of conflicts", "conflicts = -1"],
  ])(
    "what readers are shown of a row with a damaged %s is an error of theirs alone",
    (_, damage) => {
      const store = openSqliteStore({ path });
      inTransaction(store, () => store.writeDocument(sampleDocument(1)));
      const other = new Database(path);
      other.exec(`UPDATE document SET ${damage}`);
      other.close();
      inTransaction(store, () => store.writeDocument(sampleDocument(2)));
      expect(failure(() => store.readShown(samplePlace(1))).code).toBe("storage-failed");
      expect(store.readShown(samplePlace(2))).toBeDefined();
      store.close();
    },
  );

  test.each([
    ["shard", "shard = shard + 4"],
    ["origin", "origin = origin + 1"],
    ["seq", "seq = seq + 64"],
    ["timestamp", "hlc = hlc + 1"],
    ["document", "doc_id = substr(doc_id, 1, 15) || x'00'"],
    ["dependency", "dep = substr(dep, 1, length(dep) - 1) || x'01'"],
    ["name", "hash = zeroblob(32)"],
  ])("an entry whose %s was changed breaks its seal", (_what, change) => {
    const store = openSqliteStore({ path });
    const dep = new Map([[1 as RegionCode, mustHlc(500)]]);
    inTransaction(store, () => store.appendLog(sampleEntry(1, { dep }), 1n));
    const other = new Database(path);
    other.exec(`UPDATE log SET ${change}`.replace(/(substr.*)$/, "CAST($1 AS BLOB)"));
    other.close();
    const lane = must(store.scrub.nextLane(undefined), "lane");
    expect(store.scrub.scanLog(lane, undefined, 9)).toMatchObject([{ entry: undefined }]);
    store.close();
  });

  test("an entry from before there were seals is read", () => {
    const store = openSqliteStore({ path });
    inTransaction(store, () => store.appendLog(sampleEntry(1), 1n));
    const other = new Database(path);
    other.exec("UPDATE log SET dep = CAST(substr(dep, 6) AS BLOB)");
    other.close();
    expect(plain(store.readLog(sampleEntry(1), { lo: 1, hi: 1 }, 1))).toEqual(
      plain([sampleEntry(1)]),
    );
    store.close();
  });

  test.each(["rows", "rows_again", "bytes", "bytes_again"])(
    "where %s of what the log weighs was changed, the log is counted",
    (column) => {
      const store = openSqliteStore({ path });
      writeSamples(store, 1);
      const other = new Database(path);
      other.exec(`UPDATE log_size SET ${column} = ${column} + 64`);
      other.close();
      expect(store.logSize()).toEqual(weighed(path));
      store.begin();
      store.appendLog(sampleEntry(500), 5n);
      const { rows } = weighed(path);
      expect(store.logSize().rows).toBe(rows + 1); // what is not committed yet is counted as well
      store.commit();
      expect(store.logSize()).toEqual(weighed(path));
      store.close();
    },
  );

  test("a page that was damaged on the disk is found by the engine", async () => {
    const store = openSqliteStore({ path });
    writeSamples(store, 1, 2, 3);
    store.close();
    const bytes = readFileSync(path);
    for (let at = 8192 * 3; at < 8192 * 3 + 64; at++) bytes[at] = 0xee;
    writeFileSync(path, bytes);
    const again = openSqliteStore({ path });
    expect(await again.scrub.checkFile()).not.toEqual([]);
    again.close();
  });

  test.each([
    ["an index that means something else", "pending_place", "shard, origin", "shard< origin"],
    ["a table that has lost a constraint", "log", "origin INTEGER NOT NULL", "origin INTEGER"],
  ])("%s is found by who looks, and the next start refuses it", (_what, name, was, is) => {
    const store = openSqliteStore({ path });
    writeSamples(store, 1);
    store.close();
    expect(fileFaults(path)).toEqual([]);
    const outside = new Database(path);
    outside.unsafeMode().pragma("writable_schema = ON");
    const changed = outside
      .prepare("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ?")
      .run(was, is, name);
    expect(changed.changes).toBe(1);
    outside.close();
    expect(fileFaults(path).join()).toContain(name);
    expect(() => openSqliteStore({ path })).toThrow(
      expect.objectContaining({
        code: "storage-failed",
        message: expect.stringContaining(name) as string,
      }),
    );
  });

  test("a damaged entry is as good as none, and is shown to who looks for damage", () => {
    const store = openSqliteStore({ path });
    inTransaction(store, () => store.appendLog(sampleEntry(1), 1n));
    const other = new Database(path);
    other.exec("UPDATE log SET containers = x'02'");
    other.close();
    expect(store.readLog(sampleEntry(1), { lo: 1, hi: 1 }, 1)).toEqual([]);
    const { shard, origin } = sampleEntry(1);
    const lane = { shard: BigInt(shard), origin: BigInt(origin) };
    expect(store.scrub.scanLog(lane, undefined, 9)).toMatchObject([{ seq: 1n, entry: undefined }]);
    inTransaction(store, () => store.appendLog(sampleEntry(2), 1n));
    expect(store.readLog(sampleEntry(1), { lo: 2, hi: 2 }, 1)).toHaveLength(1);
    store.close();
  });
});

/** As a program of an older format would have left it. `undo`: what later formats added but for triggers. */
function makeOlder(file: string, format: number, undo = ""): void {
  const older = new Database(file);
  for (const { type, sql } of tablesOfFormat(format)) if (type === "trigger") older.exec(sql ?? "");
  older.exec(`${undo}; PRAGMA user_version = ${format}`);
  older.close();
}

/** What the committed rows of the log weigh, counted by somebody else. */
function weighed(file: string): LogSize {
  const other = new Database(file, { readonly: true });
  try {
    const bytes = "200 + length(change) + coalesce(length(containers), 0)";
    const sql = `SELECT count(*) AS rows, sum(${bytes}) AS bytes FROM log`;
    return must(other.prepare<[], LogSize>(sql).get(), "a count");
  } finally {
    other.close();
  }
}

function openFailure(bad: string): AtollError {
  return failure(() => openSqliteStore({ path: bad }));
}

function failure(action: () => unknown): AtollError {
  try {
    action();
  } catch (error) {
    if (error instanceof AtollError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
