/**
 * The line of plain changes at the end of a document, ahead of Automerge.
 *
 *     document in its module ──▶ ours ──▶ theirs ──▶ ours
 *                                └─ known as bytes, not applied yet ─┘
 *
 * Where it is known which changes no other builds on, everything that the next one must say is known without asking: its
 * parents, its number, where its operations begin, and what wrote the values that were there before. So a run of
 * small edits never enters the module, from the first edit of a document that was just opened, whether we
 * write them or another region sends them; it is applied there in one go when somebody needs what only the
 * module knows. What does not fit ends the line, and the module takes it. Where the document ends is looked
 * for again then, and where that is not one change, Automerge makes the next one.
 */
import type { ChangeHash } from "@atoll/core";
import { assert, limits, nameOfReceived, toHex } from "@atoll/core";
import { parseChangeChunk } from "./change-chunk.ts";
import { plainChunk } from "./change-writer.ts";
import type { JsonValue } from "./json.ts";
import { newItemRows } from "./new-items.ts";
import type {
  ChangeRow,
  OperationId,
  Place,
  PlainChange,
  ScalarChange,
  ScalarDeed,
  ScalarRow,
} from "./change-writer.ts";

/** An edit of one member of a map. */
export type ScalarEdit = ScalarDeed & Omit<Place, "before">;

/** Something that is put at the head of a list or, by character, of a text. */
export interface NewItems {
  readonly action: "insert";
  /** The list or text, by the operation that made it. */
  readonly object: OperationId;
  readonly items: readonly JsonValue[];
}

export type PlainEdit = ScalarEdit | NewItems;

/** All that wrote what lies under a key of a map, as the module has it. */
export type AskWriters = (object: OperationId, key: string) => readonly OperationId[];

/** A change of the document, by its writer. */
export interface WrittenChange {
  readonly hash: ChangeHash;
  /** 16 bytes, hexadecimal. */
  readonly actor: string;
  readonly seq: number;
  /** Its last operation. */
  readonly maxOp: number;
}

/** Nothing lies there. */
const NOBODY = "";

export class PlainLine {
  readonly #actor: string;
  /** The changes that no other builds on; none while the line is closed. */
  #heads: readonly ChangeHash[] = [];
  /** The newest change of writers, wherever it lies: ours whenever `#nextOp` is known. */
  readonly #newest = new Map<string, WrittenChange>();
  /** All writers are in there. */
  #isWhole = false;
  /** Above every operation of the document, whoever made it. */
  #nextOp: number | undefined;
  readonly #writerByPlace = new Map<string, OperationId>();
  #waiting: Uint8Array[] = [];
  #hasNewItems = false;

  /** `actor`: of whoever writes here; 16 bytes, hexadecimal. */
  constructor(actor: string) {
    this.#actor = actor;
  }

  /** Those of the document, while the line is open; otherwise none. */
  get heads(): readonly ChangeHash[] {
    return this.#heads;
  }

  get isOpen(): boolean {
    return this.#heads.length > 0;
  }

  /** What waits has put something into lists, where nothing keeps its place. */
  get hasNewItems(): boolean {
    return this.#hasNewItems;
  }

  /** Whether `write` would know how to number what it writes, were the line open. */
  get isNumbered(): boolean {
    return this.#nextOp !== undefined;
  }

  /** The line begins behind these changes, on which no other builds. */
  open(heads: readonly ChangeHash[]): void {
    this.close();
    this.#heads = heads;
  }

  /** What is known of the end of the document does not hold any more. Nothing may be waiting. */
  close(): void {
    assert(this.#waiting.length === 0, "what was written is applied before the line ends");
    this.#heads = [];
    this.#writerByPlace.clear();
  }

  /** These are all changes of the document. Operations of one may have fewer than what it builds on. */
  know(all: Iterable<WrittenChange>): void {
    this.#nextOp = 1;
    for (const change of all) this.#note(change);
    this.#isWhole = true;
  }

  /** The module has taken this: whose it is counts for what follows. */
  learn(chunk: Uint8Array): void {
    const change = writtenChange(chunk);
    if (change === undefined) this.#forget();
    else this.#note(change);
  }

  /** A change that Automerge made of all there was: the line begins behind it. */
  begin(chunk: Uint8Array): void {
    this.close();
    const change = writtenChange(chunk);
    if (change === undefined) return this.#forget();
    this.#nextOp ??= change.maxOp + 1;
    this.#note(change);
    this.#heads = [change.hash];
  }

  /** What the module does not have yet; it is the caller's to apply. */
  take(): Uint8Array[] {
    const waiting = this.#waiting;
    if (waiting.length > 0) this.#waiting = [];
    this.#hasNewItems = false;
    return waiting;
  }

  /** Writes a change of ours. Undefined when Automerge has to make it. */
  write(
    edits: readonly PlainEdit[],
    said: { readonly timeSeconds: number; readonly message: string | undefined },
    ask: AskWriters,
  ): Uint8Array | undefined {
    const startOp = this.#nextOp;
    if (!this.isOpen || startOp === undefined || this.#isFull) return undefined;
    if (startOp > limits.PLAIN_LINE_OPERATION_MAX) return undefined;
    const rows: ChangeRow[] = [];
    for (const edit of edits) {
      if (edit.action === "insert") {
        rows.push(...newItemRows(edit.object, edit.items, startOp + rows.length));
        continue;
      }
      const writer = this.#writerOf(edit, ask);
      if (writer === undefined || (edit.action !== "put" && writer === NOBODY)) return undefined;
      rows.push({ ...edit, before: writer === NOBODY ? undefined : writer });
    }
    if (!namesEachOnce(rows)) return undefined;
    const own = this.#newest.get(this.#actor);
    const parents = parentsOf(this.#heads, own?.hash);
    const change = {
      parents,
      actor: this.#actor,
      seq: (own?.seq ?? 0) + 1,
      startOp,
      ...said,
      rows,
    };
    const chunk = plainChunk(change);
    this.#extend(change, chunk);
    return chunk;
  }

  /**
   * Takes in a change from elsewhere, which its bytes say rightly: see `readScalarChange`. False, with the
   * line as it was, when it does not build on all there is, or comes after anything but the only value there.
   */
  follow(change: ScalarChange, chunk: Uint8Array, ask: AskWriters): boolean {
    if (this.#isFull || !this.#isNext(change)) return false;
    const isAllBefore = change.rows.every(
      (row) => this.#writerOf(row, ask) === (row.before ?? NOBODY),
    );
    if (!isAllBefore || !namesEachOnce(change.rows)) return false;
    this.#extend(change, chunk);
    return true;
  }

  get #isFull(): boolean {
    return this.#waiting.length >= limits.PLAIN_LINE_CHANGES_MAX;
  }

  /** It is its writer's next, made by one who knew all that is here and nothing else. */
  #isNext({ actor, seq, startOp, parents }: ScalarChange): boolean {
    if (!this.isOpen || startOp > limits.PLAIN_LINE_OPERATION_MAX) return false;
    const last = this.#newest.get(actor);
    if (last === undefined && !this.#isWhole) return false;
    if (seq !== (last?.seq ?? 0) + 1 || startOp <= (last?.maxOp ?? 0)) return false;
    if (this.#nextOp !== undefined && startOp !== this.#nextOp) return false;
    const expected = parentsOf(this.#heads, last?.hash);
    return (
      parents.length === expected.length &&
      expected.every((hash, i) => toHex(hash) === toHex(parents[i] ?? new Uint8Array()))
    );
  }

  #extend(change: PlainChange, chunk: Uint8Array): void {
    const { actor, seq, startOp, rows } = change;
    for (const [i, row] of rows.entries()) {
      if (!isScalarRow(row)) this.#hasNewItems = true;
      else
        this.#writerByPlace.set(
          placeOf(row.object, row.key),
          writerAfter(row, `${startOp + i}@${actor}`),
        );
    }
    const hash = nameOfReceived(chunk);
    this.#note({ hash, actor, seq, maxOp: startOp + rows.length - 1 });
    this.#heads = [hash];
    this.#waiting.push(chunk);
  }

  #forget(): void {
    this.#newest.clear();
    this.#isWhole = false;
    this.#nextOp = undefined;
  }

  #note(change: WrittenChange): void {
    const last = this.#newest.get(change.actor);
    if (last === undefined || change.seq > last.seq) this.#newest.set(change.actor, change);
    if (this.#nextOp !== undefined) this.#nextOp = Math.max(this.#nextOp, change.maxOp + 1);
  }

  /** Undefined where several wrote at the same time. */
  #writerOf(
    { object, key }: Pick<ScalarEdit, "object" | "key">,
    ask: AskWriters,
  ): OperationId | undefined {
    const known = this.#writerByPlace.get(placeOf(object, key));
    if (known !== undefined) return known;
    const writers = ask(object, key);
    return writers.length > 1 ? undefined : (writers[0] ?? NOBODY);
  }
}

/** Automerge names a writer's last change as a parent, also where it lies below another. */
function parentsOf(
  heads: readonly ChangeHash[],
  last: ChangeHash | undefined,
): readonly ChangeHash[] {
  const isAmong = last === undefined || heads.some((head) => Buffer.compare(head, last) === 0);
  return (isAmong ? [...heads] : [...heads, last]).sort((a, b) => Buffer.compare(a, b));
}

function isScalarRow(row: ChangeRow): row is ScalarRow {
  return "before" in row;
}

/** Who has written what lies there after an operation. */
function writerAfter({ action, before }: ScalarRow, operation: OperationId): OperationId {
  switch (action) {
    case "put":
      return operation;
    case "remove":
      return NOBODY;
    case "add":
      return before ?? NOBODY;
  }
}

function placeOf(object: OperationId, key: string): string {
  return `${object} ${key}`;
}

function namesEachOnce(rows: readonly ChangeRow[]): boolean {
  const placed = rows.filter(isScalarRow); // what is new lies where nothing was
  if (placed.length < 2) return true;
  return new Set(placed.map(({ object, key }) => placeOf(object, key))).size === placed.length;
}

function writtenChange(chunk: Uint8Array): WrittenChange | undefined {
  const parsed = parseChangeChunk(chunk, nameOfReceived(chunk));
  if (parsed.kind === "fault") return undefined;
  const { actor, seq, startOp, opCount } = parsed;
  const hash = nameOfReceived(parsed.chunk); // what came compressed is named as it unfolds
  return { hash, actor: toHex(actor), seq, maxOp: startOp + opCount - 1 };
}
