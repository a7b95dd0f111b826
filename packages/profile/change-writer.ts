/**
 * A change as bytes, written without Automerge: scalars that are put into maps or taken out of them, counters
 * that count on, and what is new at the head of a list or text.
 *
 *     parents | actor | seq | first op | time | message | other actors | columns of the rows
 *
 * Most edits of profiles are of this kind, and to have Automerge make one costs ten times as much as to
 * write it down: its module keeps documents in compressed columns, which are taken apart for every
 * operation. The bytes must be exactly those that Automerge would write, because it forgets them and makes
 * them anew when it saves, and a change that came out otherwise would have another name. So the codec
 * compares some when it starts, and a property test any.
 */
import type { ChangeHash } from "@atoll/core";
import { ByteWriter, fromHex, sealChange } from "@atoll/core";
import type { JsonScalar, JsonValue } from "./json.ts";
import { isJsonScalar } from "./json.ts";

/** "counter@actor" of an operation: of the one that made a map, or that wrote a value. */
export type OperationId = string;

/** What is done under a key of a map. */
export type ScalarDeed =
  | { readonly action: "put"; readonly value: JsonScalar }
  | { readonly action: "remove" }
  /** The counter that is there counts on. */
  | { readonly action: "add"; readonly by: number };

/** Where in the document, and over what. */
export interface Place {
  /** The map. */
  readonly object: OperationId;
  readonly key: string;
  /** What wrote the value that is there now, or made the counter, which stays; undefined when nothing is there. */
  readonly before: OperationId | undefined;
}

export type ScalarRow = ScalarDeed & Place;

/** Something that was not there before. Numbers name operations of this very change. */
export type NewRow = (
  | { readonly action: "put"; readonly value: JsonScalar }
  | { readonly action: "make-map" | "make-list" }
) &
  (
    | { readonly object: number; readonly key: string }
    /** In a list or text, behind an item that is new as well; 0: before all that is there. */
    | { readonly object: OperationId | number; readonly after: number }
  );

export type ChangeRow = ScalarRow | NewRow;

export interface PlainChange {
  /** Sorted. */
  readonly parents: readonly ChangeHash[];
  /** 16 bytes, hexadecimal. */
  readonly actor: string;
  readonly seq: number;
  readonly startOp: number;
  readonly timeSeconds: number;
  readonly message: string | undefined;
  readonly rows: readonly ChangeRow[];
}

/** One that is understood when it comes from elsewhere. */
export interface ScalarChange extends PlainChange {
  readonly rows: readonly ScalarRow[];
}

const MAGIC = Uint8Array.of(0x85, 0x6f, 0x4a, 0x83);
const CHECKSUM_LATER = new Uint8Array(4);
const TYPE_CHANGE = 1;
/** Automerge's numbers of what can be done. */
export const actions = { "make-map": 0, put: 1, "make-list": 2, remove: 3, add: 5 } as const;

/** Specifications of the columns that such a change has. */
export const columns = {
  objectActor: 0x01,
  objectCounter: 0x02,
  itemActor: 0x11,
  itemCounter: 0x13,
  key: 0x15,
  insert: 0x34,
  action: 0x42,
  valueMeta: 0x56,
  valueRaw: 0x57,
  predecessorCount: 0x70,
  predecessorActor: 0x71,
  predecessorCounter: 0x73,
} as const;

/** The low four bits of what is said of a value; above them its length. */
export const valueTypes = { null: 0, false: 1, true: 2, integer: 4, double: 5, text: 6 } as const;

/** Whether a value is one that we write as Automerge would: its integers have 53 bits here. */
export function isWritable(value: JsonValue): value is JsonScalar {
  if (typeof value === "number") return !Number.isInteger(value) || Number.isSafeInteger(value);
  return isJsonScalar(value);
}

export function plainChunk(change: PlainChange): Uint8Array {
  const chunk = new Uint8Array(unsealed(change));
  sealChange(chunk);
  return chunk;
}

/** Whether these are the bytes that `plainChunk` writes, but for the checksum, which is not looked at. */
export function isSpeltAs(chunk: Uint8Array, change: PlainChange): boolean {
  const from = MAGIC.length + CHECKSUM_LATER.length;
  return Buffer.compare(unsealed(change).subarray(from), chunk.subarray(from)) === 0;
}

function unsealed(change: PlainChange): Uint8Array {
  const body = contents(change);
  const writer = new ByteWriter(body.length + 16);
  writer.raw(MAGIC).raw(CHECKSUM_LATER).u8(TYPE_CHANGE).bytes(body);
  return writer.finish();
}

interface Name {
  readonly counter: number;
  readonly actor: string;
}

function nameOf(id: OperationId): Name {
  const at = id.indexOf("@");
  return { counter: Number(id.slice(0, at)), actor: id.slice(at + 1) };
}

function contents(change: PlainChange): Uint8Array {
  const { parents, actor, seq, startOp, timeSeconds, message = "", rows } = change;
  const nameHere = (object: OperationId | number): Name =>
    typeof object === "number" ? { counter: object, actor } : nameOf(object);
  const objects = rows.map(({ object }) => nameHere(object));
  const befores = rows.map((row) =>
    "before" in row && row.before ? nameOf(row.before) : undefined,
  );
  const predecessors = befores.filter((name) => name !== undefined);
  // The writer is number 0, whoever else is named comes after in order.
  const others = new Set([...objects, ...predecessors].map((name) => name.actor));
  others.delete(actor);
  const actors = [actor, ...[...others].sort()];
  const numberOf = (name: Name): number => actors.indexOf(name.actor);

  const writer = new ByteWriter(256);
  writer.varint(parents.length);
  for (const parent of parents) writer.raw(parent);
  writer.bytes(fromHex(actor)).varint(seq).varint(startOp);
  writeSigned(writer, timeSeconds);
  writer.bytes(Buffer.from(message, "utf8")).varint(others.size);
  for (const other of actors.slice(1)) writer.bytes(fromHex(other));

  const raw = new ByteWriter(128);
  const metas = rows.map((row) => writeValue(raw, valueOf(row)));
  const items = rows.map(itemOf);
  const inserts = items.map((after) => after !== null);
  const itemActors = items.map((after) => (after ? 0 : null)); // the writer's own, but for the head
  // Behind one another in one buffer: an edit has few rows, and ten buffers would cost more than they hold.
  const data = new ByteWriter(128 + raw.length);
  const sizes: [spec: number, bytes: number][] = [];
  const column = (spec: number, write: (data: ByteWriter) => void): void => {
    const from = data.length;
    write(data);
    if (data.length > from) sizes.push([spec, data.length - from]);
  };
  column(columns.objectActor, runsOf(objects.map(numberOf), writeUnsigned));
  column(columns.objectCounter, runsOf(objects.map(counterOf), writeUnsigned));
  column(columns.itemActor, runsOf(itemActors, writeUnsigned));
  column(columns.itemCounter, runsOf(differences(items), writeSigned));
  column(columns.key, runsOf(rows.map(keyOf), writeText));
  column(columns.insert, (to) => writeFlags(to, inserts));
  column(columns.action, runsOf(rows.map(actionOf), writeUnsigned));
  column(columns.valueMeta, runsOf(metas, writeUnsigned));
  column(columns.valueRaw, (to) => to.raw(raw.finish()));
  column(columns.predecessorCount, runsOf(befores.map(countOf), writeUnsigned));
  column(columns.predecessorActor, runsOf(predecessors.map(numberOf), writeUnsigned));
  column(columns.predecessorCounter, runsOf(differences(predecessors.map(counterOf)), writeSigned));
  writer.varint(sizes.length);
  for (const [spec, bytes] of sizes) writer.varint(spec).varint(bytes);
  return writer.raw(data.finish()).finish();
}

const counterOf = ({ counter }: Name): number => counter;
/** What it comes after, of what lies in lists. */
const itemOf = (row: ChangeRow): number | null => ("after" in row ? row.after : null);
const keyOf = (row: ChangeRow): string | null => ("key" in row ? row.key : null);
/** Of what was there before a row. */
const countOf = (name: Name | undefined): number => (name ? 1 : 0);

const actionOf = ({ action }: ChangeRow): number => actions[action];

function valueOf(row: ChangeRow): JsonScalar | undefined {
  switch (row.action) {
    case "put":
      return row.value;
    case "add":
      return row.by;
    default:
      return undefined;
  }
}

/** Writes the value itself; returns its length and type as one number. */
function writeValue(raw: ByteWriter, value: JsonScalar | undefined): number {
  const from = raw.length;
  const meta = (type: number): number => (raw.length - from) * 16 + type;
  switch (typeof value) {
    case "undefined":
      return meta(valueTypes.null);
    case "boolean":
      return meta(value ? valueTypes.true : valueTypes.false);
    case "number": {
      if (Number.isInteger(value)) {
        writeSigned(raw, value);
        return meta(valueTypes.integer);
      }
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeDoubleLE(value);
      raw.raw(bytes);
      return meta(valueTypes.double);
    }
    case "string":
      raw.raw(Buffer.from(value, "utf8"));
      return meta(valueTypes.text);
    default:
      return meta(valueTypes.null);
  }
}

/** Each less the one before it. */
function differences<T extends number | null>(numbers: readonly T[]): (number | T)[] {
  let last = 0;
  return numbers.map((number) => {
    if (number === null) return number;
    const difference = number - last;
    last = number;
    return difference;
  });
}

/** How many are alike, in turns; the first are false, if only none. */
function writeFlags(to: ByteWriter, flags: readonly boolean[]): void {
  let [last, count] = [false, 0];
  for (const flag of flags) {
    if (flag === last) count++;
    else {
      to.varint(count);
      [last, count] = [flag, 1];
    }
  }
  to.varint(count);
}

type WriteValue<T> = (writer: ByteWriter, value: T) => void;

/**
 * n ≥ 2 equal values as n and the value; others, one after the other, as −n and the values; n that are missing as
 * 0 and n. Nothing where all are missing.
 */
function runsOf<T>(values: readonly (T | null)[], write: WriteValue<T>): (to: ByteWriter) => void {
  return (to) => {
    let at = values.every((value) => value === null) ? values.length : 0;
    while (at < values.length) {
      const equal = equalFrom(values, at);
      if (values[at] === null) {
        to.varint(0).varint(equal);
        at += equal;
        continue;
      }
      if (equal > 1) {
        writeSigned(to, equal);
        write(to, values[at] as T);
        at += equal;
        continue;
      }
      let end = at + 1;
      while (end < values.length && values[end] !== null && equalFrom(values, end) === 1) end++;
      writeSigned(to, at - end);
      while (at < end) write(to, values[at++] as T);
    }
  };
}

function equalFrom<T>(values: readonly T[], at: number): number {
  let count = 1;
  while (at + count < values.length && values[at + count] === values[at]) count++;
  return count;
}

const writeUnsigned: WriteValue<number> = (writer, value) => void writer.varint(value);
const writeText: WriteValue<string> = (writer, value) => void writer.text(value);

/** Signed LEB128. */
function writeSigned(writer: ByteWriter, value: number): void {
  let rest = value;
  for (;;) {
    const byte = ((rest % 0x80) + 0x80) % 0x80;
    rest = Math.floor(rest / 0x80);
    const isLast = (byte & 0x40) === 0 ? rest === 0 : rest === -1;
    writer.u8(isLast ? byte : byte | 0x80);
    if (isLast) return;
  }
}
