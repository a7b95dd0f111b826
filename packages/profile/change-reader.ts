/**
 * A change as bytes, understood without Automerge: what `change-writer` writes, read again.
 *
 * Nothing is believed that was read. It is written down once more, and only when that gives the very bytes
 * that came do they say it, and say it as Automerge would: so whatever is spelt in another way, damaged on
 * purpose or simply of another kind is answered with undefined, and left to Automerge.
 */
import type { ChangeHash } from "@atoll/core";
import { ByteReader, ByteStreamError, limits, toHex } from "@atoll/core";
import { readActor, readPreface, readSigned } from "./change-chunk.ts";
import type { OperationId, ScalarChange, ScalarDeed, ScalarRow } from "./change-writer.ts";
import { actions, columns, isSpeltAs, valueTypes } from "./change-writer.ts";
import type { JsonScalar } from "./json.ts";

/** The change that an uncompressed chunk holds; undefined for anything but its `ScalarDeed`s. */
export function readScalarChange(chunk: Uint8Array): ScalarChange | undefined {
  try {
    const change = read(chunk);
    return isSpeltAs(chunk, change) ? change : undefined;
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
}

function read(chunk: Uint8Array): ScalarChange {
  const reader = new ByteReader(chunk);
  const { deps, actor, seq, startOp, timeSeconds, message } = readPreface(reader);
  const actors = [toHex(actor)];
  for (let rest = reader.count(limits.CHANGE_OPS_MAX); rest > 0; rest--) {
    actors.push(toHex(readActor(reader)));
  }
  const rows = readRows(readColumns(reader), actors);
  const parents: readonly ChangeHash[] = deps;
  return { parents, actor: actors[0] ?? "", seq, startOp, timeSeconds, message, rows };
}

type Columns = ReadonlyMap<number, ByteReader>;

/** Those of lists are not among them. */
const OURS: ReadonlySet<number> = new Set(
  Object.values(columns).filter(
    (spec) => spec !== columns.itemActor && spec !== columns.itemCounter,
  ),
);

function readColumns(reader: ByteReader): Columns {
  const sizes: [spec: number, bytes: number][] = [];
  for (let rest = reader.count(OURS.size); rest > 0; rest--) {
    const spec = reader.varint();
    if (!OURS.has(spec)) throw new ByteStreamError("a column of another kind"); // before anything unfolds
    sizes.push([spec, reader.varint()]);
  }
  return new Map(sizes.map(([spec, bytes]) => [spec, reader.part(bytes)]));
}

function readRows(data: Columns, actors: readonly string[]): ScalarRow[] {
  const unsigned = (spec: number): number[] => readRuns(data.get(spec), (from) => from.varint());
  const objects = idsOf(unsigned(columns.objectActor), unsigned(columns.objectCounter), actors);
  const keys = readRuns(data.get(columns.key), (from) => from.text(limits.CHANGE_BYTES_MAX));
  const metas = unsigned(columns.valueMeta);
  const raw = data.get(columns.valueRaw) ?? new ByteReader(new Uint8Array());
  const counts = unsigned(columns.predecessorCount);
  let counter = 0;
  const counters = readRuns(data.get(columns.predecessorCounter), readSigned).map(
    (difference) => (counter += difference),
  );
  const predecessors = idsOf(unsigned(columns.predecessorActor), counters, actors);
  let next = 0;
  return unsigned(columns.action).map((action, i) => ({
    object: present(objects[i]),
    key: present(keys[i]),
    ...deedOf(action, present(metas[i]), raw),
    before: counts[i] === 1 ? present(predecessors[next++]) : undefined,
  }));
}

function idsOf(
  numbers: readonly number[],
  counters: readonly number[],
  actors: readonly string[],
): OperationId[] {
  return counters.map((counter, i) => `${counter}@${present(actors[present(numbers[i])])}`);
}

function deedOf(action: number, meta: number, raw: ByteReader): ScalarDeed {
  const value = readValue(meta % 16, raw.raw(Math.floor(meta / 16)));
  switch (action) {
    case actions.put:
      return { action: "put", value };
    case actions.remove:
      return { action: "remove" };
    case actions.add:
      if (typeof value === "number" && Number.isSafeInteger(value))
        return { action: "add", by: value };
      throw new ByteStreamError("no number to count on by");
    default:
      throw new ByteStreamError(`action ${action} is of another kind`);
  }
}

function readValue(type: number, bytes: Uint8Array): JsonScalar {
  switch (type) {
    case valueTypes.null:
      return null;
    case valueTypes.false:
      return false;
    case valueTypes.true:
      return true;
    case valueTypes.integer:
      return readSigned(new ByteReader(bytes));
    case valueTypes.double:
      return readDouble(bytes);
    case valueTypes.text:
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
    default:
      throw new ByteStreamError(`a value of type ${type} is of another kind`);
  }
}

function readDouble(bytes: Uint8Array): number {
  const isWhole = bytes.length === 8;
  const value = isWhole ? new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true) : NaN;
  if (!Number.isFinite(value)) throw new ByteStreamError("no number of JSON");
  return value;
}

/** As `runsOf` writes them. None of our columns has nulls. */
function readRuns<T>(data: ByteReader | undefined, read: (from: ByteReader) => T): T[] {
  const values: T[] = [];
  while (data !== undefined && data.remaining > 0) {
    const run = readSigned(data);
    if (run === 0 || values.length + Math.abs(run) > limits.CHANGE_OPS_MAX) {
      throw new ByteStreamError("no run of ours");
    }
    const repeated = run > 0 ? read(data) : undefined;
    for (let equal = run; equal > 0; equal--) values.push(repeated as T); // a spread has an end
    for (let literal = run; literal < 0; literal++) values.push(read(data));
  }
  return values;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new ByteStreamError("columns of unequal length");
  return value;
}
