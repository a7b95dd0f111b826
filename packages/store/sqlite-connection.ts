/**
 * One connection, and the rules that hold for every statement on it.
 *
 *   - A statement that writes runs only inside a transaction. Outside, SQLite would commit each one
 *     by itself, and a crash between two would leave half a write.
 *   - After a failure of the disk the transaction is lost. SQLite sometimes rolls back by itself when
 *     that happens; the next statement would then silently commit alone. So nothing more is written,
 *     and nothing can be committed, until `rollback`.
 *   - A commit is durable once the log is synced: `WalSync`, beside the thread or at once. One that the disk did
 *     not confirm is the end of the process: see `isUnconfirmed`.
 *   - No error of SQLite's leaves this file as it is: disk trouble becomes an `AtollError`, a broken
 *     constraint an `InvariantError`.
 *
 * A statement is prepared once, when it is first used: of a hundred a process needs few to start with, and
 * most of them hardly ever. `reader` and `writer` are the only ways to get one. `better-sqlite3` binds
 * every number as a double, which is exact for our 52-bit numbers and which SQLite turns back into an
 * integer for a column of type INTEGER.
 */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { AtollError, ByteStreamError, InvariantError, assert, errorText } from "@atoll/core";
import { Checkpointer } from "./checkpointer.ts";
import { openCopy } from "./sqlite-copy.ts";
import { PAGE_BYTES, checkOwnership, configure, migrate, refuseOlder } from "./sqlite-schema.ts";
import { shapeFaults } from "./sqlite-shape.ts";
import { WalSync, unconfirmed } from "./wal-sync.ts";

export interface SqliteOptions {
  /** A file whose directory exists, or ":memory:" for tests: the same code, nothing durable. */
  readonly path: string;
  /** A quota: growing the file beyond it fails with `storage-full`. None unless given. */
  readonly fileBytesMax?: number;
  /** A copy, or the file of a replica that runs: not changed by looking at it. See `sqlite-copy.ts`. */
  readonly isReadOnly?: boolean;
  /**
   * Each commit waits for the disk: where other processes read the file, who see whatever is committed, and where
   * nothing but a test's own clock moves.
   */
  readonly isDurableAtCommit?: boolean;
}

export type SqlValue = number | bigint | string | Uint8Array | null;

/** How long to wait for somebody who reads the file from outside, such as a backup. */
const BUSY_MS_MAX = 1_000;

/** `unconfirmed`: of a commit, and nobody knows whether it happened. */
type TransactionState = "none" | "open" | "lost" | "unconfirmed";

export class SqliteConnection {
  readonly path: string;
  readonly #database: Database.Database;
  #transaction: TransactionState = "none";
  readonly #sync: WalSync | undefined;
  readonly #checkpointer: Checkpointer | undefined;
  #dataVersion: Database.Statement<[], number> | undefined;
  #closed = false;

  /** `syncs`: false in a fixture that measures what waiting for the disk costs; nobody else has the choice. */
  constructor(
    { path, fileBytesMax, isReadOnly = false, isDurableAtCommit = false }: SqliteOptions,
    syncs = true,
  ) {
    this.path = path;
    const waits = !isDurableAtCommit && !isReadOnly && path !== ":memory:";
    this.#sync = waits && syncs ? new WalSync(`${path}-wal`) : undefined;
    this.#checkpointer = waits ? new Checkpointer(path, () => this.#checkpoint()) : undefined;
    this.#database = isReadOnly ? openCopy(path) : openDatabase(path);
    try {
      checkOwnership(this.#database, path);
      if (isReadOnly) {
        refuseOlder(this.#database, path);
      } else {
        configure(this.#database, path, isDurableAtCommit ? "FULL" : "NORMAL");
        if (waits) this.#database.pragma("wal_autocheckpoint = 0"); // not inside of a commit
        migrate(this.#database);
        // A process that crashed may have committed what the disk has not: from now on it is shown and told.
        if (path !== ":memory:") WalSync.once(`${path}-wal`);
      }
      refuseMisshapen(this.#database, path);
      if (fileBytesMax !== undefined) {
        this.limitFile(fileBytesMax);
      }
    } catch (error) {
      this.#database.close();
      throw openFailure(error, path);
    }
  }

  /** `decode` turns columns into a value; when it cannot, the file is damaged. */
  reader<P extends SqlValue[], Columns, Value>(
    sql: string,
    decode: (row: Columns) => Value,
  ): Reader<P, Columns, Value> {
    return new Reader(this, this.#atFirstUse<P, Columns>(sql), decode);
  }

  writer<P extends SqlValue[], Row = undefined>(sql: string): Writer<P, Row> {
    return new Writer(this, this.#atFirstUse<P, Row>(sql));
  }

  get inTransaction(): boolean {
    return this.#transaction !== "none";
  }

  get isTransactionLost(): boolean {
    return this.#transaction === "lost";
  }

  begin(): void {
    this.assertOpen();
    assert(this.#transaction === "none", "a transaction is open already");
    this.#execute("BEGIN IMMEDIATE");
    this.#transaction = "open";
  }

  /** Ends the transaction: the log has it, and after a crash of the process it is there. */
  commit(): void {
    this.assertWritable();
    try {
      this.#database.exec("COMMIT");
    } catch (error) {
      if (!isUnconfirmed(error)) throw this.failure(error);
      this.#transaction = "unconfirmed";
      throw unconfirmed(this.path, error);
    }
    this.#transaction = "none";
    this.#checkpointer?.committed();
  }

  /** True when all that is committed is durable already; otherwise `durable` is called, in order, once it is. */
  syncSoon(durable: () => void): boolean {
    this.#sync?.soon(durable);
    return this.#sync === undefined;
  }

  /** Returns when all that is committed is durable. */
  sync(): void {
    this.#sync?.now();
  }

  rollback(): void {
    if (this.#transaction === "none") return;
    if (this.#database.inTransaction) this.#execute("ROLLBACK");
    this.#transaction = "none";
  }

  assertOpen(): void {
    assert(!this.#closed, "the store is closed");
  }

  assertWritable(): void {
    this.assertOpen();
    assert(this.#transaction !== "none", "no transaction is open");
    assert(this.#transaction === "open", "the transaction is lost and must be rolled back");
  }

  /** What to throw instead of `error`; remembers that the transaction is lost when it is. */
  failure(error: unknown): unknown {
    const translated = storageFailure(error, this.path);
    const isDamagedRow = error instanceof ByteStreamError; // read in full; the disk did its part
    if (translated instanceof AtollError && !isDamagedRow && this.#transaction === "open") {
      this.#transaction = "lost";
    }
    return translated;
  }

  /** From now on growing beyond this fails with `storage-full`; never less than the file has. */
  limitFile(bytes: number): void {
    this.#database.pragma(`max_page_count = ${Math.floor(bytes / PAGE_BYTES)}`);
  }

  /** Bytes of the file and its write-ahead log; 0 in memory. */
  sizeBytes(): number {
    this.assertOpen();
    if (this.#database.memory) return 0;
    return ["", "-wal"].reduce(
      (bytes, suffix) =>
        bytes + (statSync(this.path + suffix, { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  }

  /** Bytes of the pages that hold something; the rest of the file is free for what comes. */
  usedBytes(): number {
    this.assertOpen();
    const [pages, free, size] = ["page_count", "freelist_count", "page_size"].map(
      (name) => this.#database.pragma(name, { simple: true }) as number,
    ) as [number, number, number];
    return (pages - free) * size;
  }

  /** Another number than before as soon as another connection has committed (PRAGMA data_version). */
  dataVersion(): number {
    this.assertOpen();
    this.#dataVersion ??= this.#database.prepare<[], number>("PRAGMA data_version").pluck();
    try {
      return this.#dataVersion.get() ?? 0;
    } catch (error) {
      throw this.failure(error);
    }
  }

  close(): void {
    if (this.#closed) return;
    try {
      this.rollback();
      this.#checkpointer?.close();
      // When this fails the log stays beside the file and the next start replays it: nothing is lost.
      this.#database.pragma("wal_checkpoint(TRUNCATE)"); // syncs both files
    } catch (error) {
      if (!(error instanceof AtollError || error instanceof Database.SqliteError)) throw error;
    } finally {
      this.#closed = true;
      this.#transaction = "none";
      this.#sync?.close();
      this.#database.close();
    }
  }

  #checkpoint(): void {
    try {
      this.#database.pragma("wal_checkpoint(PASSIVE)");
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error; // the log is kept, the next one tries again
    }
  }

  #atFirstUse<P extends SqlValue[], Row>(sql: string): () => Database.Statement<P, Row> {
    let statement: Database.Statement<P, Row> | undefined;
    return () => (statement ??= this.#database.prepare<P, Row>(sql));
  }

  #execute(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch (error) {
      throw this.failure(error);
    }
  }
}

export class Reader<P extends SqlValue[], Columns, Value> {
  readonly #connection: SqliteConnection;
  readonly #statement: () => Database.Statement<P, Columns>;
  readonly #decode: (row: Columns) => Value;

  constructor(
    connection: SqliteConnection,
    statement: () => Database.Statement<P, Columns>,
    decode: (row: Columns) => Value,
  ) {
    this.#connection = connection;
    this.#statement = statement;
    this.#decode = decode;
  }

  get(...values: P): Value | undefined {
    this.#connection.assertOpen();
    try {
      const row = this.#statement().get(...values);
      return row === undefined ? undefined : this.#decode(row);
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  all(...values: P): Value[] {
    this.#connection.assertOpen();
    try {
      return this.#statement()
        .all(...values)
        .map(this.#decode);
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** Row by row, for results too large to hold. The consumer must not write meanwhile. */
  *each(...values: P): Generator<Value> {
    this.#connection.assertOpen();
    try {
      for (const row of this.#statement().iterate(...values)) yield this.#decode(row);
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }
}

export class Writer<P extends SqlValue[], Row = undefined> {
  readonly #connection: SqliteConnection;
  readonly #statement: () => Database.Statement<P, Row>;

  constructor(connection: SqliteConnection, statement: () => Database.Statement<P, Row>) {
    this.#connection = connection;
    this.#statement = statement;
  }

  run(...values: P): Database.RunResult {
    this.#connection.assertWritable();
    try {
      return this.#statement().run(...values);
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** For statements that end in RETURNING: the row they wrote, if any. */
  get(...values: P): Row | undefined {
    this.#connection.assertWritable();
    try {
      return this.#statement().get(...values);
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }
}

function openDatabase(path: string): Database.Database {
  try {
    if (path !== ":memory:") accessSync(dirname(path), constants.R_OK | constants.W_OK);
    return new Database(path, { timeout: BUSY_MS_MAX });
  } catch (error) {
    throw unusable(path, error);
  }
}

function refuseMisshapen(database: Database.Database, path: string): void {
  const faults = shapeFaults(database);
  if (faults.length > 0) throw failed(path, `damaged: ${faults.join(", ")}`, undefined);
}

/** Before the first successful read, "cannot open" is about the place and not about the disk. */
function openFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (error.code.startsWith("SQLITE_CANTOPEN") || error.code.startsWith("SQLITE_READONLY")) {
    return unusable(path, error);
  }
  return storageFailure(error, path);
}

function unusable(path: string, cause: unknown): AtollError {
  return new AtollError(
    "data-directory-unusable",
    `cannot open ${path}: ${errorText(cause)}`,
    { mend: `make sure that ${dirname(path)} exists and can be written by this user` },
    cause,
  );
}

function storageFailure(error: unknown, path: string): unknown {
  if (error instanceof ByteStreamError) {
    return failed(path, `a stored row cannot be read (${error.message})`, error);
  }
  if (!(error instanceof Database.SqliteError)) return error;
  const { code, message } = error;
  // The second is how a full volume looks when SQLite enlarges the index of its write-ahead log.
  if (code === "SQLITE_FULL" || code === "SQLITE_IOERR_SHMSIZE") {
    return new AtollError(
      "storage-full",
      `${path} cannot grow: ${message}`,
      { mend: `free or add space on the volume of ${path}, then try again` },
      error,
    );
  }
  if (code === "SQLITE_NOTADB") {
    return new AtollError(
      "incompatible-data",
      `${path} is not a database`,
      { mend: "choose another data directory, or move that file away" },
      error,
    );
  }
  if (code.startsWith("SQLITE_CONSTRAINT")) return new InvariantError(message, { cause: error });
  return failed(path, `${message} (${code})`, error);
}

/** An fsync that fails once may succeed the next time and have written nothing: asking again is no answer. */
function isUnconfirmed(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_IOERR_(DIR_)?FSYNC$/.test(error.code);
}

function failed(path: string, detail: string, cause: unknown): AtollError {
  const mend = "look at the disk; if the file is damaged, restore it or copy it from a peer";
  return new AtollError("storage-failed", `${path}: ${detail}`, { mend }, cause);
}
