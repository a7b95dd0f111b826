/**
 * Answers kept for those who ask twice, in SQLite: one small row per Idempotency-Key.
 *
 * Rows are found by key and forgotten by age, so there is an index on the age; both are of fixed size, and
 * what an answer showed is not stored: it is the profile at a version.
 */
import type { KeptAnswer } from "./store.ts";
import { assertCount, assertKeptAnswer, assertTime } from "./admissible.ts";
import type { SqlValue, SqliteConnection } from "./sqlite-connection.ts";

interface AnswerColumns {
  readonly key: Uint8Array;
  readonly fingerprint: Uint8Array;
  readonly at_ms: number;
  readonly outcome: string;
}

export class SqliteAnswers {
  readonly #keep;
  readonly #read;
  readonly #forget;
  readonly #count;

  constructor(connection: SqliteConnection) {
    this.#keep = connection.writer<SqlValue[]>(
      "INSERT OR REPLACE INTO answer (key, fingerprint, at_ms, outcome) VALUES (?, ?, ?, ?)",
    );
    this.#read = connection.reader<[key: Uint8Array], AnswerColumns, KeptAnswer>(
      "SELECT key, fingerprint, at_ms, outcome FROM answer WHERE key = ?",
      ({ key, fingerprint, at_ms, outcome }) => ({
        key: new Uint8Array(key),
        fingerprint: new Uint8Array(fingerprint),
        atMs: at_ms,
        outcome,
      }),
    );
    this.#forget = connection.writer<[beforeMs: number, limit: number]>(
      `DELETE FROM answer WHERE key IN
         (SELECT key FROM answer WHERE at_ms < ? ORDER BY at_ms, key LIMIT ?)`,
    );
    this.#count = connection.reader<[], { count: number }, number>(
      "SELECT count(*) AS count FROM answer",
      (row) => row.count,
    );
  }

  keep(answer: KeptAnswer): void {
    assertKeptAnswer(answer);
    this.#keep.run(answer.key, answer.fingerprint, answer.atMs, answer.outcome);
  }

  read(key: Uint8Array): KeptAnswer | undefined {
    return this.#read.get(key);
  }

  forget(beforeMs: number, limit: number): number {
    assertTime(beforeMs);
    assertCount(limit, "limit");
    return this.#forget.run(beforeMs, limit).changes;
  }

  count(): number {
    return this.#count.get() ?? 0;
  }
}
