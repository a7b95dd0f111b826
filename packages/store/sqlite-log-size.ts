/**
 * What the log weighs, without counting it.
 *
 *     log_size   one row: rows and bytes, and both again with the other sign
 *
 * Whoever adds rows to the log or takes some out says so here, and what has come together is written once, in the
 * transaction that did it: a rollback or a crash takes the rows and the number, or neither. A trigger could
 * not forget it, but cost as much as the row itself. Each number lies there twice, so that one that was damaged
 * is noticed; it is counted then, each time until a new file is made of this one.
 */
import type { LogSize } from "./store.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

interface SizeColumns {
  readonly rows: number;
  readonly bytes: number;
  readonly rows_again: number;
  readonly bytes_again: number;
}

/** What a row weighs beside its change and its containers. */
const ROW_BYTES = 200;
const BYTES = `${ROW_BYTES} + length(change) + coalesce(length(containers), 0)`;

/** Of any rows of the log; to be followed by its name, and by which of them. */
export const WEIGHED = `SELECT count(*) AS rows, coalesce(sum(${BYTES}), 0) AS bytes`;

export class SqliteLogSize {
  readonly #stored;
  readonly #count;
  readonly #move;
  /** By what this transaction has made it differ from what is stored. */
  #rows = 0;
  #bytes = 0;

  constructor(connection: SqliteConnection) {
    this.#stored = connection.reader<[], SizeColumns, LogSize | undefined>(
      "SELECT rows, bytes, rows_again, bytes_again FROM log_size",
      ({ rows, bytes, rows_again, bytes_again }) =>
        rows + rows_again === 0 && bytes + bytes_again === 0 ? { rows, bytes } : undefined,
    );
    this.#count = connection.reader<[], LogSize, LogSize>(`${WEIGHED} FROM log`, (row) => row);
    this.#move = connection.writer<[rows: number, bytes: number, rows: number, bytes: number]>(
      `UPDATE log_size SET rows = rows + ?, bytes = bytes + ?,
         rows_again = rows_again - ?, bytes_again = bytes_again - ?`,
    );
  }

  /** A row was added. */
  added(change: Uint8Array, containers: Uint8Array | null): void {
    this.#rows++;
    this.#bytes += ROW_BYTES + change.length + (containers?.length ?? 0);
  }

  /** Rows were taken out that weighed so much. */
  removed({ rows, bytes }: LogSize): void {
    this.#rows -= rows;
    this.#bytes -= bytes;
  }

  read(): LogSize {
    const stored = this.#stored.get();
    if (stored === undefined) return this.#count.get() ?? { rows: 0, bytes: 0 };
    return { rows: stored.rows + this.#rows, bytes: stored.bytes + this.#bytes };
  }

  /** Writes it into the transaction, which is about to commit. */
  write(): void {
    if (this.#rows === 0 && this.#bytes === 0) return;
    this.#move.run(this.#rows, this.#bytes, this.#rows, this.#bytes);
    this.forget();
  }

  /** Nothing is open: what was begun has been written or undone. */
  forget(): void {
    this.#rows = 0;
    this.#bytes = 0;
  }
}
