/**
 * The shape of the file: tables, settings, and the only way from one shape to the next.
 *
 *     identity    1 row: who this database is
 *     document    small row by (position, doc_id): a shard is a range, a comparison never reads a body
 *     body        view and tail: what every write changes together, in one place
 *     base        the folded past: large, rewritten only when a tail is folded into it
 *     log         the truth, in order of application; (shard, origin, seq) is the entry's place
 *     frontier    per (shard, origin): contig, max and the gaps between, as one value
 *     bucket      per (shard, bucket): the stored level of the Merkle tree
 *     coverage    per region: up to when everything of it is held
 *     trimmed     per (shard, origin): up to where rows of the log may be gone
 *     horizon     per region: no change without a row is above it
 *     epoch       1 row: how often changes came that no row of the log brought
 *     log_size    1 row: what the log weighs
 *     pending     entries that wait for a parent         quarantine   entries that wait for a person
 *     answer      what requests with an Idempotency-Key came to, for a day
 *
 * Why so: a write touches one page of `document`, one of `body`, one each of `log` and its indexes, one
 * of `bucket`, one of `frontier`. A document of 10,000 edits costs what one of 10 does, because its
 * `base` lies elsewhere. Numbers are at most 52 bits and read as JavaScript numbers; the one 64-bit
 * value, `log.element64`, is only ever compared and never read back.
 *
 * `log.hlc_high` is the highest timestamp up to and including the row. The newest row therefore knows
 * the highest of all, without an index on timestamps, and a rollback cannot leave it stale.
 *
 * Migrations go forward only. A file written by a newer program is refused, not guessed at.
 */
import Database from "better-sqlite3";
import { AtollError, assert, limits } from "@atoll/core";

/** "ATOL": tells our files from every other SQLite file (`file`(1) shows it). */
export const APPLICATION_ID = 0x41544f4c;
export const PAGE_BYTES = 8192;
/** Before 3.51.3 two connections could lose a commit while the WAL was reset. */
const SQLITE_VERSION_MIN = [3, 51, 3] as const;

/** What the index `document_long_tail` holds: tails longer than either. */
export const LONG_TAIL_CHANGES = 32;
export const LONG_TAIL_BYTES = 4096;
assert(
  limits.TAIL_CHANGES_MAX >= LONG_TAIL_CHANGES && limits.TAIL_BYTES_MAX >= LONG_TAIL_BYTES,
  "lower bounds on tails need a migration of document_long_tail",
);

/** What the index `document_waiting_tail` holds: tails longer than either. */
export const WAITING_TAIL_CHANGES = 4;
export const WAITING_TAIL_BYTES = 2048;
assert(
  limits.TAIL_REST_CHANGES_MAX === WAITING_TAIL_CHANGES &&
    limits.TAIL_REST_BYTES_MAX === WAITING_TAIL_BYTES,
  "other bounds on tails that rest need a migration of document_waiting_tail",
);

/** The format that this program writes. */
export function dataFormat(): number {
  return MIGRATIONS.length;
}

/** Step n turns format n − 1 into format n. A step that was released is never edited. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    cluster_id TEXT NOT NULL, region TEXT NOT NULL, shard_count INTEGER NOT NULL,
    genesis_hash BLOB NOT NULL, incarnation INTEGER NOT NULL, origin INTEGER NOT NULL,
    actor BLOB NOT NULL, clean_stop INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE document (
    position INTEGER NOT NULL, doc_id BLOB NOT NULL, shard INTEGER NOT NULL,
    profile_id TEXT, deleted INTEGER NOT NULL, quarantined INTEGER NOT NULL,
    dirty INTEGER NOT NULL, heads BLOB NOT NULL, change_count INTEGER NOT NULL,
    sum BLOB NOT NULL, dep BLOB NOT NULL, created_hlc INTEGER NOT NULL,
    updated_hlc INTEGER NOT NULL, conflicts INTEGER NOT NULL,
    body INTEGER NOT NULL,             -- body.id and base.id
    tail_changes INTEGER NOT NULL, tail_bytes INTEGER NOT NULL,
    PRIMARY KEY (position, doc_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX document_dirty ON document (position, doc_id, shard)
    WHERE dirty = 1 AND quarantined = 0;
  CREATE INDEX document_long_tail ON document (position, doc_id, shard, tail_changes, tail_bytes)
    WHERE (tail_changes > 32 OR tail_bytes > 4096) AND quarantined = 0;

  CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    view TEXT,                         -- NULL until first rendered
    tail BLOB                          -- NULL until the body is first written
  ) STRICT;
  CREATE TABLE base (id INTEGER PRIMARY KEY, base BLOB NOT NULL) STRICT;

  CREATE TABLE log (
    applied INTEGER PRIMARY KEY,       -- the newest row stays, so this never repeats
    shard INTEGER NOT NULL, origin INTEGER NOT NULL, seq INTEGER NOT NULL,
    hlc INTEGER NOT NULL, hlc_high INTEGER NOT NULL, doc_id BLOB NOT NULL, hash BLOB NOT NULL,
    element64 INTEGER NOT NULL, dep BLOB NOT NULL,
    containers BLOB,                   -- NULL when there are none, as in most entries
    change BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX log_place ON log (shard, origin, seq);
  CREATE INDEX log_element ON log (element64);

  CREATE TABLE frontier (
    shard INTEGER NOT NULL, origin INTEGER NOT NULL,
    contig INTEGER NOT NULL, max INTEGER NOT NULL,
    gaps BLOB,                         -- NULL when there are none
    PRIMARY KEY (shard, origin)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE bucket (
    shard INTEGER NOT NULL, bucket INTEGER NOT NULL,
    documents INTEGER NOT NULL, changes INTEGER NOT NULL, sum BLOB NOT NULL,
    PRIMARY KEY (shard, bucket)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE pending (
    shard INTEGER NOT NULL, origin INTEGER NOT NULL, seq INTEGER NOT NULL,
    hlc INTEGER NOT NULL, doc_id BLOB NOT NULL, hash BLOB NOT NULL, dep BLOB NOT NULL,
    missing BLOB NOT NULL, containers BLOB, change BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX pending_place ON pending (shard, origin, seq);
  CREATE INDEX pending_document ON pending (doc_id, shard, origin, seq);

  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- people name entries by it: never given twice
    at_ms INTEGER NOT NULL, reason TEXT NOT NULL, from_region TEXT,
    shard INTEGER, origin INTEGER, seq INTEGER,
    doc_id BLOB NOT NULL, hash BLOB, bytes BLOB NOT NULL
  ) STRICT;
  `,
  `
  -- What lies above a cut, by region: the code is the top 6 of an origin's 52 bits.
  CREATE INDEX log_tail ON log (origin >> 46, hlc);

  -- Buckets are numbered 2^depth + place, so that shards may differ in depth; all had depth 4.
  UPDATE bucket SET bucket = bucket + 16;

  CREATE TABLE coverage (
    region INTEGER PRIMARY KEY, hlc INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE answer (
    key BLOB PRIMARY KEY, fingerprint BLOB NOT NULL,
    at_ms INTEGER NOT NULL, outcome TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX answer_age ON answer (at_ms);

  -- What clients page through; nothing that they may not see.
  CREATE INDEX document_by_id ON document (profile_id)
    WHERE deleted = 0 AND profile_id IS NOT NULL;
  CREATE INDEX document_by_update ON document (updated_hlc, doc_id)
    WHERE deleted = 0 AND profile_id IS NOT NULL;
  `,
  `
  -- The log is trimmed. What is remembered of that decides what counts as lost, so it is sealed.
  CREATE TABLE trimmed (
    shard INTEGER NOT NULL, origin INTEGER NOT NULL, through INTEGER NOT NULL,
    seal INTEGER NOT NULL,
    PRIMARY KEY (shard, origin)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE horizon (
    region INTEGER PRIMARY KEY, hlc INTEGER NOT NULL, seal INTEGER NOT NULL
  ) STRICT;

  -- Each number twice, once negative: one that was damaged is noticed and counted again.
  CREATE TABLE log_size (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    rows_again INTEGER NOT NULL, bytes_again INTEGER NOT NULL
  ) STRICT;
  INSERT INTO log_size SELECT 1, n, size, -n, -size FROM (
    SELECT count(*) AS n,
      coalesce(sum(200 + length(change) + coalesce(length(containers), 0)), 0) AS size
    FROM log
  );
  CREATE TRIGGER log_grows AFTER INSERT ON log BEGIN
    UPDATE log_size SET rows = rows + 1, rows_again = rows_again - 1,
      bytes = bytes + 200 + length(new.change) + coalesce(length(new.containers), 0),
      bytes_again = bytes_again - 200 - length(new.change) - coalesce(length(new.containers), 0);
  END;
  CREATE TRIGGER log_shrinks AFTER DELETE ON log BEGIN
    UPDATE log_size SET rows = rows - 1, rows_again = rows_again + 1,
      bytes = bytes - 200 - length(old.change) - coalesce(length(old.containers), 0),
      bytes_again = bytes_again + 200 + length(old.change) + coalesce(length(old.containers), 0);
  END;
  `,
  `
  -- Up to when peers may have been told that nothing of ours is still to come.
  ALTER TABLE identity ADD COLUMN announced INTEGER NOT NULL DEFAULT 0;

  -- Changes that came without a row of the log: whoever follows the log has missed them.
  CREATE TABLE epoch (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL) STRICT;
  INSERT INTO epoch VALUES (1, 0);
  `,
  `
  -- Tails that are folded once nobody writes: those that have rested longest come first.
  CREATE INDEX document_waiting_tail ON document (updated_hlc, position, doc_id, shard)
    WHERE (tail_changes > 4 OR tail_bytes > 2048) AND quarantined = 0;
  `,
  `
  -- What the log weighs is written once per transaction, by who adds rows to it and takes them out.
  DROP TRIGGER log_grows;
  DROP TRIGGER log_shrinks;
  `,
];

/** Refuses what is not ours, before anything is written to it. */
export function checkOwnership(database: Database.Database, path: string): void {
  const applicationId = database.pragma("application_id", { simple: true });
  const format = readFormat(database);
  if (applicationId === APPLICATION_ID) {
    if (format <= MIGRATIONS.length) return;
    throw new AtollError(
      "incompatible-data",
      `${path} has data format ${format}; this program knows formats up to ${MIGRATIONS.length}`,
      { mend: "start the newer program again, or restore a backup of the older format" },
    );
  }
  const empty = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() === 0;
  if (empty && applicationId === 0 && format === 0) return;
  throw new AtollError("incompatible-data", `${path} is a database of another program`, {
    mend: "choose another data directory, or move that file away",
  });
}

/** As SQLite numbers them. */
const SYNCHRONOUS = { NORMAL: 1, FULL: 2 } as const;

/**
 * Settings of the connection, each with the reason why the default will not do. The two that
 * durability hangs on are read back, because SQLite answers a setting it cannot honour with silence.
 * `synchronous`: NORMAL where the log is synced by us (`wal-sync.ts`), FULL where each commit waits for that itself.
 */
export function configure(
  database: Database.Database,
  path: string,
  synchronous: keyof typeof SYNCHRONOUS,
): void {
  assertVersion(database);
  database.pragma(`page_size = ${PAGE_BYTES}`); // a row with its view and tail fits one page
  database.pragma("journal_mode = WAL"); // readers never wait, one fsync per group
  database.pragma(`synchronous = ${synchronous}`); // after WAL, which resets it in this build
  database.pragma("fullfsync = ON"); // macOS: plain fsync leaves data in the drive's cache
  database.pragma("checkpoint_fullfsync = ON");
  database.pragma("secure_delete = ON"); // what was deleted must not be found in free pages
  database.pragma("cell_size_check = ON"); // notices a damaged page when it is read
  database.pragma("trusted_schema = OFF"); // a file made elsewhere may not run functions
  database.pragma("temp_store = MEMORY"); // sorting writes no profile data beside the file
  database.pragma("cache_size = -32768"); // 32 MiB: inner pages of all indexes stay in memory
  database.pragma("journal_size_limit = 67108864"); // the WAL gives space back after a burst
  database.pragma("foreign_keys = OFF"); // there are none; `replica` keeps rows in step
  if (database.memory) return;

  const mode = database.pragma("journal_mode", { simple: true });
  const set = database.pragma("synchronous", { simple: true });
  if (mode !== "wal" || set !== SYNCHRONOUS[synchronous]) {
    throw new AtollError(
      "data-directory-unusable",
      `${path} cannot promise durable writes: journal_mode is ${String(mode)}, ` +
        `synchronous is ${String(set)}; needed are wal and ${SYNCHRONOUS[synchronous]} (${synchronous})`,
      { mend: "use a local file system: network file systems cannot share a write-ahead log" },
    );
  }
}

/** Brings the file to the newest format, one transaction per step: a crash repeats only one. */
export function migrate(database: Database.Database, steps: readonly string[] = MIGRATIONS): void {
  for (let format = readFormat(database); format < steps.length; format++) {
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(steps[format] as string);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${format + 1}`);
      database.exec("COMMIT");
    } catch (error) {
      if (database.inTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}

/** For a file that is only read: statements are for the tables of the newest format. */
export function refuseOlder(database: Database.Database, path: string): void {
  const format = readFormat(database);
  if (format === MIGRATIONS.length) return;
  throw new AtollError(
    "incompatible-data",
    `${path} has data format ${format}; only format ${MIGRATIONS.length} can be read as it lies`,
    { mend: "let a region open it: the first start brings it to the newest format" },
  );
}

/** A table, index or trigger, by the text that made it. */
export interface TableText {
  readonly type: string;
  readonly name: string;
  /** NULL for what SQLite made by itself. */
  readonly sql: string | null;
}

/** What a file of ours of this format consists of, and nothing else: as SQLite itself tells it. */
export function tablesOfFormat(format: number): readonly TableText[] {
  const database = new Database(":memory:");
  try {
    migrate(database, MIGRATIONS.slice(0, format));
    return readTables(database);
  } finally {
    database.close();
  }
}

export function readTables(database: Database.Database): readonly TableText[] {
  const sql = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name";
  return database.prepare<[], TableText>(sql).all();
}

export function readFormat(database: Database.Database): number {
  return database.pragma("user_version", { simple: true }) as number;
}

function assertVersion(database: Database.Database): void {
  const version = database.prepare("SELECT sqlite_version()").pluck().get() as string;
  const parts = version.split(".").map(Number);
  let order = 0;
  for (let i = 0; i < 3 && order === 0; i++) order = (parts[i] ?? 0) - (SQLITE_VERSION_MIN[i] ?? 0);
  assert(order >= 0, `SQLite ${version} is older than ${SQLITE_VERSION_MIN.join(".")}`);
}
