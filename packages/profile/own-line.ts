/**
 * The line of changes that we write at the end of a document, ahead of Automerge.
 *
 *     document in its module ──▶ ours ──▶ ours ──▶ ours
 *                                └─ written as bytes, not applied yet ─┘
 *
 * Where one change builds on all there is, everything that the next one must say is known without asking: its
 * parent, its number, where its operations begin, and what wrote the values that it overwrites. So a run of
 * small edits never enters the module, from the first edit of a document that was just opened; it is applied
 * there in one go when somebody needs what only the module knows. Anything from elsewhere ends the line.
 * Where it ends is looked for again then, and where that is not one change, Automerge makes the next one.
 */
import type { ChangeHash } from "@atoll/core";
import { assert, limits, nameOfReceived } from "@atoll/core";
import { parseChangeChunk } from "./change-chunk.ts";
import { scalarChunk } from "./change-writer.ts";
import type { OperationId, ScalarRow } from "./change-writer.ts";
import type { JsonScalar } from "./json.ts";

/** An edit of one member of a map. */
export interface ScalarEdit {
  /** The map, by the operation that made it. */
  readonly object: OperationId;
  readonly key: string;
  /** Undefined: it is taken out. */
  readonly value: JsonScalar | undefined;
}

/** All that wrote what lies under a key of a map, as the module has it. */
export type AskWriters = (object: OperationId, key: string) => readonly OperationId[];

/** Where the document ends: what the next change must say of itself. */
export interface LineEnd {
  /** The one change that no other builds on. */
  readonly hash: ChangeHash;
  /** What the next change builds on: that one, and the newest of ours where it is another. Sorted. */
  readonly parents: readonly ChangeHash[];
  /** Of the newest change of ours, wherever it lies; 0: there is none. */
  readonly seq: number;
  /** Above every operation of the document. */
  readonly nextOp: number;
}

/** Nothing lies there. */
const NOBODY = "";

export class OwnLine {
  readonly #actor: string;
  #end: LineEnd | undefined;
  #writerByPlace = new Map<string, OperationId>();
  #waiting: Uint8Array[] = [];

  /** `actor`: 16 bytes, hexadecimal. */
  constructor(actor: string) {
    this.#actor = actor;
  }

  /** The one head of the document, while the line is open. */
  get head(): ChangeHash | undefined {
    return this.#end?.hash;
  }

  /** A change that Automerge made of all there was: the line begins behind it. */
  begin(chunk: Uint8Array): void {
    this.end();
    const parsed = parseChangeChunk(chunk, nameOfReceived(chunk));
    if (parsed.kind === "fault") return;
    const { hash, seq, startOp, opCount } = parsed;
    this.#end = { hash, parents: [hash], seq, nextOp: startOp + opCount };
  }

  /** The line begins behind changes of anybody's. */
  resume(end: LineEnd): void {
    this.end();
    this.#end = end;
  }

  /** What is known of the end of the document does not hold any more. Nothing may be waiting. */
  end(): void {
    assert(this.#waiting.length === 0, "what was written is applied before the line ends");
    this.#end = undefined;
    this.#writerByPlace.clear();
  }

  /** What the module does not have yet; it is the caller's to apply. */
  take(): Uint8Array[] {
    const waiting = this.#waiting;
    if (waiting.length > 0) this.#waiting = [];
    return waiting;
  }

  /** Writes a change. Undefined when Automerge has to make it. */
  write(
    edits: readonly ScalarEdit[],
    said: { readonly timeSeconds: number; readonly message: string | undefined },
    ask: AskWriters,
  ): Uint8Array | undefined {
    const end = this.#end;
    if (end === undefined || this.#waiting.length >= limits.OWN_LINE_CHANGES_MAX) return undefined;
    if (end.nextOp > limits.OWN_LINE_OPERATION_MAX) return undefined;
    const rows: ScalarRow[] = [];
    const writers: [place: string, writer: OperationId][] = [];
    for (const edit of edits) {
      const place = `${edit.object} ${edit.key}`;
      const writer = this.#writerByPlace.get(place) ?? onlyWriter(ask(edit.object, edit.key));
      const isTakenOut = edit.value === undefined;
      if (writer === undefined || (isTakenOut && writer === NOBODY)) return undefined;
      if (writers.some(([other]) => other === place)) return undefined;
      writers.push([place, isTakenOut ? NOBODY : `${end.nextOp + rows.length}@${this.#actor}`]);
      rows.push({ ...edit, overwrites: writer === NOBODY ? undefined : writer });
    }
    const chunk = scalarChunk({
      ...{ parents: end.parents, actor: this.#actor, seq: end.seq + 1, startOp: end.nextOp },
      ...said,
      rows,
    });
    for (const [place, writer] of writers) this.#writerByPlace.set(place, writer);
    const hash = nameOfReceived(chunk);
    const nextOp = end.nextOp + rows.length;
    this.#end = { hash, parents: [hash], seq: end.seq + 1, nextOp };
    this.#waiting.push(chunk);
    return chunk;
  }
}

/** Undefined where several wrote at the same time. */
function onlyWriter(writers: readonly OperationId[]): OperationId | undefined {
  return writers.length > 1 ? undefined : (writers[0] ?? NOBODY);
}
