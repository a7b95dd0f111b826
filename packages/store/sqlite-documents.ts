/**
 * Documents in SQLite: small row, view and tail, base.
 *
 *     document (position, doc_id) ──body──▶ body.id   view, tail
 *                                      └──▶ base.id   base, absent until first folded
 *
 * Reading a profile is one statement with two point look-ups. A write updates `document` and `body`;
 * `base` is left alone until a tail is folded, so the cost of a write does not grow with the past.
 * The sizes of the tail are kept in `document`, where a partial index finds the long ones.
 *
 * What only a reader asks comes as hexadecimal text: each blob is memory of its own outside of the heap, which takes
 * longer to make than the whole look-up and is the collector's to free.
 *
 * The look-ups are scalar subqueries and not joins: SQLite plans a join anew each time a value is
 * bound to it, which costs three times as much as the look-up itself.
 */
import type { DocId } from "@atoll/core";
import { assert, fromHex } from "@atoll/core";
import type {
  DocumentBody,
  DocumentPlace,
  DocumentRange,
  DocumentRow,
  DocumentSumRow,
  ShownDocument,
  WaitingTail,
} from "./store.ts";
import type { SqlValue, SqliteConnection } from "./sqlite-connection.ts";
import { assertBody, assertCount, assertPlace } from "./admissible.ts";
import {
  countOfColumn,
  docIdOfColumn,
  headsOfColumn,
  hlcOfColumn,
  profileIdOfColumn,
  sumOfColumn,
  vectorOfBytes,
  vectorToBytes,
} from "./sqlite-columns.ts";
import {
  LONG_TAIL_BYTES,
  LONG_TAIL_CHANGES,
  WAITING_TAIL_BYTES,
  WAITING_TAIL_CHANGES,
} from "./sqlite-schema.ts";

export interface RowColumns {
  readonly position: number;
  readonly doc_id: Uint8Array;
  readonly shard: number;
  readonly profile_id: string | null;
  readonly deleted: number;
  readonly quarantined: number;
  readonly dirty: number;
  readonly heads: Uint8Array;
  readonly change_count: number;
  readonly sum: Uint8Array;
  readonly dep: Uint8Array;
  readonly created_hlc: number;
  readonly updated_hlc: number;
  readonly conflicts: number;
  readonly view: string | null;
}

type ShownColumns = Pick<
  RowColumns,
  "deleted" | "quarantined" | "dirty" | "created_hlc" | "updated_hlc" | "conflicts" | "view"
> & { readonly heads_hex: string; readonly dep_hex: string };

interface BodyColumns {
  readonly tail: Uint8Array | null;
  readonly tail_changes: number;
  readonly base: Uint8Array | null;
}

type PlaceColumns = Pick<RowColumns, "position" | "doc_id" | "shard">;
type WaitingColumns = Pick<RowColumns, keyof PlaceColumns | "updated_hlc">;
type SumColumns = Pick<RowColumns, "position" | "doc_id" | "change_count" | "sum">;
type PlaceKey = [position: number, docId: DocId];
type LongTailKey = [changesMax: number, bytesMax: number, limit: number];

const EMPTY = new Uint8Array(0);
const BODY_ID_MAX = 2 ** 52;

export const SMALL_COLUMNS = `d.position, d.doc_id, d.shard, d.profile_id, d.deleted, d.quarantined, d.dirty,
  d.heads, d.change_count, d.sum, d.dep, d.created_hlc, d.updated_hlc, d.conflicts`;

export interface DocumentWrite {
  readonly tail: { readonly chunks: Uint8Array; readonly changes: number } | undefined;
  readonly isViewStored: boolean;
}

export class SqliteDocuments {
  readonly #readRow;
  readonly #readShown;
  readonly #readBody;
  readonly #updateRow;
  readonly #insertRow;
  readonly #updateView;
  readonly #insertBody;
  readonly #readBodyId;
  readonly #moveBody;
  readonly #growTailSize;
  readonly #appendTail;
  readonly #updateBoth;
  readonly #takeBody;
  readonly #putBase;
  readonly #deleteBase;
  readonly #list;
  readonly #listSums;
  readonly #dirty;
  readonly #longTails;
  readonly #longTailsByScan;
  readonly #waitingTails;

  constructor(connection: SqliteConnection) {
    this.#readRow = connection.reader<PlaceKey, RowColumns, DocumentRow>(
      `SELECT ${SMALL_COLUMNS}, (SELECT view FROM body WHERE id = d.body) AS view
       FROM document d WHERE d.position = ? AND d.doc_id = ?`,
      documentOfColumns,
    );
    this.#readShown = connection.reader<PlaceKey, ShownColumns, ShownDocument>(
      `SELECT d.deleted, d.quarantined, d.dirty, hex(d.heads) AS heads_hex, hex(d.dep) AS dep_hex,
         d.created_hlc, d.updated_hlc, d.conflicts, (SELECT view FROM body WHERE id = d.body) AS view
       FROM document d WHERE d.position = ? AND d.doc_id = ?`,
      shownOfColumns,
    );
    this.#readBody = connection.reader<PlaceKey, BodyColumns, DocumentBody | undefined>(
      `SELECT d.tail_changes, (SELECT tail FROM body WHERE id = d.body) AS tail,
         (SELECT base FROM base WHERE id = d.body) AS base
       FROM document d WHERE d.position = ? AND d.doc_id = ?`,
      bodyOfColumns,
    );
    this.#updateRow = connection.writer<SqlValue[], { body: number }>(
      `UPDATE document SET shard = ?, profile_id = ?, deleted = ?, quarantined = ?, dirty = ?,
         heads = ?, change_count = ?, sum = ?, dep = ?, created_hlc = ?, updated_hlc = ?,
         conflicts = ?, tail_changes = tail_changes + ?, tail_bytes = tail_bytes + ?
       WHERE position = ? AND doc_id = ? RETURNING body`,
    );
    this.#insertRow = connection.writer<SqlValue[]>(
      `INSERT INTO document (shard, profile_id, deleted, quarantined, dirty, heads, change_count, sum,
         dep, created_hlc, updated_hlc, conflicts, tail_changes, tail_bytes, position, doc_id, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#updateView = connection.writer<[view: string | null, body: number]>(
      "UPDATE body SET view = ? WHERE id = ?",
    );
    // Not SQLite's own choice: one id that was damaged into a huge one would make all that follow huge.
    this.#insertBody = connection.writer<[view: string | null, tail: Uint8Array | null]>(
      `INSERT INTO body (id, view, tail) VALUES (
         1 + coalesce((SELECT max(id) FROM body WHERE id > 0 AND id < ${BODY_ID_MAX}), 0), ?, ?)`,
    );
    this.#readBodyId = connection.reader<PlaceKey, { body: number }, number>(
      "SELECT body FROM document WHERE position = ? AND doc_id = ?",
      ({ body }) => body,
    );
    this.#moveBody = connection.writer<[body: number, changes: number, bytes: number, ...PlaceKey]>(
      `UPDATE document SET body = ?, tail_changes = ?, tail_bytes = ?
       WHERE position = ? AND doc_id = ?`,
    );
    this.#growTailSize = connection.writer<
      [changes: number, bytes: number, ...PlaceKey],
      { body: number }
    >(
      `UPDATE document SET tail_changes = tail_changes + ?, tail_bytes = tail_bytes + ?
       WHERE position = ? AND doc_id = ? RETURNING body`,
    );
    // `||` makes a text of any bytes without changing them; the cast makes it a blob again.
    this.#appendTail = connection.writer<[chunks: Uint8Array, body: number]>(
      "UPDATE body SET tail = CAST(coalesce(tail, x'') || ? AS BLOB) WHERE id = ?",
    );
    // Once for both: a row is taken apart and written whole whatever of it changes.
    this.#updateBoth = connection.writer<[view: string | null, chunks: Uint8Array, body: number]>(
      "UPDATE body SET view = ?, tail = CAST(coalesce(tail, x'') || ? AS BLOB) WHERE id = ?",
    );
    this.#takeBody = connection.writer<[body: number], { view: string | null }>(
      "DELETE FROM body WHERE id = ? RETURNING view",
    );
    this.#putBase = connection.writer<[body: number, base: Uint8Array]>(
      "INSERT INTO base (id, base) VALUES (?, ?)",
    );
    this.#deleteBase = connection.writer<[body: number]>("DELETE FROM base WHERE id = ?");
    this.#list = connection.reader<
      [...PlaceKey, to: number, limit: number],
      RowColumns,
      DocumentRow
    >(
      `SELECT ${SMALL_COLUMNS}, NULL AS view FROM document d
       WHERE (d.position, d.doc_id) > (?, ?) AND d.position < ?
       ORDER BY d.position, d.doc_id LIMIT ?`,
      documentOfColumns,
    );
    this.#listSums = connection.reader<
      [...PlaceKey, to: number, limit: number],
      SumColumns,
      DocumentSumRow
    >(
      `SELECT position, doc_id, change_count, sum FROM document
       WHERE (position, doc_id) > (?, ?) AND position < ? ORDER BY position, doc_id LIMIT ?`,
      sumRowOfColumns,
    );
    this.#dirty = connection.reader<[limit: number], PlaceColumns, DocumentPlace>(
      `SELECT position, doc_id, shard FROM document WHERE dirty = 1 AND quarantined = 0
       ORDER BY position, doc_id LIMIT ?`,
      placeOfColumns,
    );
    const longTails = `SELECT position, doc_id, shard FROM document
       WHERE (tail_changes > ? OR tail_bytes > ?) AND quarantined = 0`;
    this.#longTails = connection.reader<LongTailKey, PlaceColumns, DocumentPlace>(
      `${longTails} AND (tail_changes > ${LONG_TAIL_CHANGES} OR tail_bytes > ${LONG_TAIL_BYTES})
       ORDER BY position, doc_id LIMIT ?`,
      placeOfColumns,
    );
    this.#longTailsByScan = connection.reader<LongTailKey, PlaceColumns, DocumentPlace>(
      `${longTails} ORDER BY position, doc_id LIMIT ?`,
      placeOfColumns,
    );
    this.#waitingTails = connection.reader<[limit: number], WaitingColumns, WaitingTail>(
      `SELECT position, doc_id, shard, updated_hlc FROM document
       WHERE (tail_changes > ${WAITING_TAIL_CHANGES} OR tail_bytes > ${WAITING_TAIL_BYTES})
         AND quarantined = 0
       ORDER BY updated_hlc, position, doc_id LIMIT ?`,
      (row) => ({ ...placeOfColumns(row), updatedHlc: hlcOfColumn(row.updated_hlc) }),
    );
  }

  readDocument(place: DocumentPlace): DocumentRow | undefined {
    return this.#readRow.get(place.position, place.docId);
  }

  readShown(place: DocumentPlace): ShownDocument | undefined {
    return this.#readShown.get(place.position, place.docId);
  }

  /**
   * Inserts or replaces the row, and appends to its tail. `isViewStored`: the view is the one that is
   * stored already.
   */
  write(row: DocumentRow, { tail, isViewStored }: DocumentWrite): void {
    const columns: SqlValue[] = [
      row.shard,
      row.profileId ?? null,
      Number(row.deleted),
      Number(row.quarantined),
      Number(row.dirty),
      row.heads,
      row.changeCount,
      row.sum,
      vectorToBytes(row.dep),
      row.createdHlc,
      row.updatedHlc,
      row.conflicts,
      tail?.changes ?? 0,
      tail?.chunks.length ?? 0,
      row.position,
      row.docId,
    ];
    let body = this.#updateRow.get(...columns)?.body;
    if (body === undefined) {
      body = Number(this.#insertBody.run(row.view ?? null, null).lastInsertRowid);
      this.#deleteBase.run(body); // of nobody: its own document's id was damaged
      this.#insertRow.run(...columns, body);
    } else if (!isViewStored) {
      if (tail === undefined) this.#updateView.run(row.view ?? null, body);
      else this.#updateBoth.run(row.view ?? null, tail.chunks, body);
      return;
    }
    if (tail !== undefined) this.#appendTail.run(tail.chunks, body);
  }

  readBody(place: DocumentPlace): DocumentBody | undefined {
    return this.#readBody.get(place.position, place.docId);
  }

  writeBody(place: DocumentPlace, { base, tail, tailChanges }: DocumentBody): void {
    assertPlace(place);
    assertBody({ base, tail, tailChanges });
    const old = this.#readBodyId.get(place.position, place.docId);
    assert(old !== undefined, "a body needs its document row");
    // To the end of both tables, where pages are filled: among rows whose tails come and go they stay a third
    // empty, and SQLite joins pages that have room only where a row is taken out, never where one shrinks.
    const taken = this.#takeBody.get(old);
    this.#deleteBase.run(old);
    const body = Number(this.#insertBody.run(taken?.view ?? null, tail).lastInsertRowid);
    this.#deleteBase.run(body); // of nobody: its own document's id was damaged
    if (base !== undefined) this.#putBase.run(body, base);
    this.#moveBody.run(body, tailChanges, tail.length, place.position, place.docId);
  }

  appendTail(place: DocumentPlace, chunks: Uint8Array, changes: number): void {
    assertPlace(place);
    assertCount(changes, "changes");
    const document = this.#growTailSize.get(changes, chunks.length, place.position, place.docId);
    assert(document !== undefined, "a body needs its document row");
    this.#appendTail.run(chunks, document.body);
  }

  dirtyDocuments(limit: number): DocumentPlace[] {
    assertCount(limit, "limit");
    return this.#dirty.all(limit);
  }

  longTails(changesMax: number, bytesMax: number, limit: number): DocumentPlace[] {
    assertCount(limit, "limit");
    const indexed = changesMax >= LONG_TAIL_CHANGES && bytesMax >= LONG_TAIL_BYTES;
    const statement = indexed ? this.#longTails : this.#longTailsByScan;
    return statement.all(changesMax, bytesMax, limit);
  }

  waitingTails(limit: number): WaitingTail[] {
    assertCount(limit, "limit");
    return this.#waitingTails.all(limit);
  }

  listDocuments(range: DocumentRange): DocumentRow[] {
    return this.#list.all(...pageOf(range));
  }

  listSums(range: DocumentRange): DocumentSumRow[] {
    return this.#listSums.all(...pageOf(range));
  }
}

function pageOf(range: DocumentRange): [...PlaceKey, to: number, limit: number] {
  assertCount(range.limit, "limit");
  // No id is empty, so (from, empty) lies strictly before everything at `from`.
  const { after } = range;
  const beyond = after !== undefined && after.position >= range.from ? after : undefined;
  const docId = beyond?.docId ?? (EMPTY as DocId);
  return [beyond?.position ?? range.from, docId, range.to, range.limit];
}

export function documentOfColumns(row: RowColumns): DocumentRow {
  return {
    docId: docIdOfColumn(row.doc_id),
    position: row.position,
    shard: row.shard,
    profileId: row.profile_id === null ? undefined : profileIdOfColumn(row.profile_id),
    deleted: row.deleted === 1,
    quarantined: row.quarantined === 1,
    dirty: row.dirty === 1,
    heads: row.heads,
    changeCount: countOfColumn(row.change_count),
    sum: sumOfColumn(row.sum),
    dep: vectorOfBytes(row.dep),
    createdHlc: hlcOfColumn(row.created_hlc),
    updatedHlc: hlcOfColumn(row.updated_hlc),
    conflicts: countOfColumn(row.conflicts),
    view: row.view ?? undefined,
  };
}

function shownOfColumns(row: ShownColumns): ShownDocument {
  return {
    deleted: row.deleted === 1,
    quarantined: row.quarantined === 1,
    dirty: row.dirty === 1,
    heads: headsOfColumn(fromHex(row.heads_hex)),
    dep: vectorOfBytes(fromHex(row.dep_hex)),
    createdHlc: hlcOfColumn(row.created_hlc),
    updatedHlc: hlcOfColumn(row.updated_hlc),
    conflicts: countOfColumn(row.conflicts),
    view: row.view ?? undefined,
  };
}

function sumRowOfColumns(row: SumColumns): DocumentSumRow {
  return {
    docId: docIdOfColumn(row.doc_id),
    position: row.position,
    changeCount: countOfColumn(row.change_count),
    sum: sumOfColumn(row.sum),
  };
}

function bodyOfColumns(row: BodyColumns): DocumentBody | undefined {
  if (row.tail === null) return undefined;
  return { base: row.base ?? undefined, tail: row.tail, tailChanges: row.tail_changes };
}

function placeOfColumns(row: PlaceColumns): DocumentPlace {
  return { docId: docIdOfColumn(row.doc_id), position: row.position, shard: row.shard };
}
