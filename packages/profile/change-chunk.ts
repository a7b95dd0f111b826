/**
 * A change as bytes, read without Automerge.
 *
 *     85 6f 4a 83 | checksum 4 | type 1 | length | contents
 *     contents = parents | actor | seq | first op | time | message | other actors | columns
 *
 * `applyChanges` verifies neither checksum nor hash, and a hundred bytes can unfold into millions
 * of operations. So every change from elsewhere passes here first: its name is computed from its
 * bytes, its parents are known before anything is opened, and everything that a decoder would
 * unfold is counted against a bound. The format is
 * https://automerge.org/automerge-binary-format-spec/.
 */
import { inflateRawSync } from "node:zlib";
import {
  ByteReader,
  ByteStreamError,
  ByteWriter,
  limits,
  nameChange,
  nameOfReceived,
} from "@atoll/core";
import type { ChangeHash } from "@atoll/core";

export interface ChangeChunk {
  readonly kind: "change";
  /** SHA-256 of the chunk from its type on: the name that Automerge gives the change. */
  readonly hash: ChangeHash;
  readonly deps: readonly ChangeHash[];
  readonly actor: Uint8Array;
  readonly seq: number;
  readonly startOp: number;
  /** Advisory: nothing depends on it. */
  readonly timeSeconds: number;
  readonly message: string;
  readonly opCount: number;
  /** Uncompressed, type 1: what is stored, sent and applied. */
  readonly chunk: Uint8Array;
}

export interface ChunkFault {
  readonly kind: "fault";
  readonly reason: string;
}

const MAGIC = Buffer.from([0x85, 0x6f, 0x4a, 0x83]);
const MAGIC_NUMBER = MAGIC.readUInt32LE();
const CHECKSUM_BYTES = 4;
/** Where type, length and contents begin: the part that is hashed. */
const HASHED_FROM = MAGIC.length + CHECKSUM_BYTES;
const TYPE_CHANGE = 1;
const TYPE_COMPRESSED_CHANGE = 2;
const HASH_BYTES = 32;
const ACTOR_BYTES = 16;
/** A path of keys at most, see `containers.ts`, written as JSON. */
const MESSAGE_BYTES_MAX = limits.JSON_DEPTH_MAX * (limits.JSON_KEY_BYTES_MAX + 8) * 6;
/** A change names the heads it saw and the containers made for it, which are heads until then. */
const DEPS_MAX = limits.CHANGE_DEPS_MAX + limits.ENTRY_CONTAINERS_MAX;
/** An operation names what it overwrites: one predecessor, and one more per concurrent loser. */
const PREDECESSORS_MAX = 2 * limits.CHANGE_OPS_MAX;

/**
 * Never throws. A fault is a change to be set aside, with the reason why. `name`: where the caller has made it
 * from these very bytes already.
 */
export function parseChangeChunk(bytes: Uint8Array, name?: ChangeHash): ChangeChunk | ChunkFault {
  try {
    const chunk = openChunk(bytes);
    const hash = name !== undefined && chunk === bytes ? name : nameChange(chunk);
    for (let i = 0; i < CHECKSUM_BYTES; i++) {
      if (hash[i] !== chunk[MAGIC.length + i])
        return { kind: "fault", reason: "checksum mismatch" };
    }
    return { kind: "change", hash, ...parseContents(chunk) };
  } catch (error) {
    if (error instanceof ByteStreamError) return { kind: "fault", reason: error.message };
    throw error;
  }
}

/** Where a change stands in its history: all that is needed of one that was verified before. */
export type ChangeHead = Pick<ChangeChunk, "deps" | "message">;

/** Looks no further than it must, and at no checksum. Undefined for what is compressed or no change. */
export function readChangeHead(chunk: Uint8Array): ChangeHead | undefined {
  try {
    if (chunk[HASHED_FROM] !== TYPE_CHANGE) return undefined;
    const { deps, message } = readPreface(new ByteReader(chunk));
    return { deps, message };
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
}

/** The name of a change that was verified before, compressed or not. Undefined for what is no change. */
export function readChangeName(bytes: Uint8Array): ChangeHash | undefined {
  try {
    const chunk = openChunk(bytes);
    return chunk === bytes ? nameOfReceived(bytes) : nameChange(chunk);
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
}

/** Checks the frame; inflates what came deflated into the form that is hashed. */
function openChunk(bytes: Uint8Array): Uint8Array {
  if (bytes.length > limits.CHANGE_BYTES_MAX) throw fault("change too large");
  const reader = new ByteReader(bytes);
  if (reader.u32() !== MAGIC_NUMBER) throw fault("not a chunk");
  const checksum = reader.raw(CHECKSUM_BYTES);
  const type = reader.u8();
  const contents = reader.bytes(limits.CHANGE_BYTES_MAX);
  reader.end();
  if (type === TYPE_CHANGE) return bytes;
  if (type !== TYPE_COMPRESSED_CHANGE) throw fault(`chunk type ${type} is not a change`);
  const inflated = inflate(contents);
  const writer = new ByteWriter(inflated.length + 16);
  writer.raw(MAGIC).raw(checksum).u8(TYPE_CHANGE).bytes(inflated);
  return writer.finish();
}

function inflate(contents: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(contents, { maxOutputLength: limits.CHANGE_BYTES_MAX });
  } catch {
    throw fault("does not inflate within its bound");
  }
}

function parseContents(chunk: Uint8Array): Omit<ChangeChunk, "kind" | "hash"> {
  const reader = new ByteReader(chunk);
  const preface = readPreface(reader);
  for (let rest = reader.varint(); rest > 0; rest--) readActor(reader);
  const opCount = readColumns(reader);
  reader.end();
  return { ...preface, opCount, chunk };
}

/** Everything before the names of other actors. */
export function readPreface(
  reader: ByteReader,
): Omit<ChangeChunk, "kind" | "hash" | "opCount" | "chunk"> {
  reader.skip(HASHED_FROM + 1);
  reader.varint();
  const deps: ChangeHash[] = [];
  for (let rest = reader.count(DEPS_MAX); rest > 0; rest--) {
    deps.push(reader.raw(HASH_BYTES) as ChangeHash);
  }
  const actor = readActor(reader);
  const seq = reader.varint();
  const startOp = reader.varint();
  if (seq === 0 || startOp === 0) throw fault("numbers start at 1");
  const timeSeconds = readSigned(reader);
  const message = reader.text(MESSAGE_BYTES_MAX);
  return { deps, actor, seq, startOp, timeSeconds, message };
}

export function readActor(reader: ByteReader): Uint8Array {
  const actor = reader.bytes(ACTOR_BYTES);
  if (actor.length !== ACTOR_BYTES) throw fault("an actor has 16 bytes");
  return actor;
}

// ── columns ──

const COLUMN_ACTION = 0x42;
const COLUMN_PREDECESSOR_COUNT = 0x70;
const COLUMN_SPEC_MAX = 0xffff;
const DEFLATED_BIT = 8;

interface Column {
  readonly spec: number;
  readonly length: number;
}

/** Walks all columns without keeping anything; the number of operations. */
function readColumns(reader: ByteReader): number {
  const columns: Column[] = [];
  let previous = -1;
  for (let rest = reader.varint(); rest > 0; rest--) {
    const column = { spec: reader.varint(), length: reader.varint() };
    if (column.spec <= previous || column.spec > COLUMN_SPEC_MAX) throw fault("bad column");
    if ((column.spec & DEFLATED_BIT) !== 0) throw fault("compressed column in a change");
    previous = column.spec;
    columns.push(column);
  }
  let opCount = 0;
  for (const column of columns) {
    const rows = countRows(column, reader.part(column.length));
    if (column.spec === COLUMN_ACTION) opCount = rows;
  }
  return opCount;
}

/** Column types are the low three bits of the specification. */
function countRows({ spec }: Column, data: ByteReader): number {
  switch (spec & 7) {
    case 3:
      return countRuns(data, rowsMax(spec), readSigned);
    case 4:
      return countBooleans(data);
    case 5:
      return countRuns(data, rowsMax(spec), (reader) => {
        reader.skip(reader.varint());
        return 0;
      });
    case 7:
      return 0; // raw bytes, as long as they are
    default:
      return spec === COLUMN_PREDECESSOR_COUNT
        ? countPredecessors(data)
        : countRuns(data, rowsMax(spec), (reader) => reader.varint());
  }
}

/** Columns of one group share the upper bits of their specification. */
function rowsMax(spec: number): number {
  return spec >>> 4 === COLUMN_PREDECESSOR_COUNT >>> 4 && spec !== COLUMN_PREDECESSOR_COUNT
    ? PREDECESSORS_MAX
    : limits.CHANGE_OPS_MAX;
}

function countPredecessors(data: ByteReader): number {
  let predecessors = 0;
  const rows = countRuns(
    data,
    limits.CHANGE_OPS_MAX,
    (reader) => reader.varint(),
    (value, count) => {
      predecessors += value * count;
      if (predecessors > PREDECESSORS_MAX) throw fault("too many predecessors");
    },
  );
  return rows;
}

/** Run lengths: n > 0 repeats one value, n < 0 is followed by −n values, 0 by a number of nulls. */
function countRuns(
  data: ByteReader,
  max: number,
  readValue: (reader: ByteReader) => number,
  onValue?: (value: number, count: number) => void,
): number {
  let rows = 0;
  while (data.remaining > 0) {
    const run = readSigned(data);
    const count = run === 0 ? data.varint() : Math.abs(run);
    rows += count;
    if (rows > max) throw fault("too many operations");
    if (run > 0) {
      const value = readValue(data);
      onValue?.(value, count);
    }
    for (let literal = run; literal < 0; literal++) {
      const value = readValue(data);
      onValue?.(value, 1);
    }
  }
  return rows;
}

/** Lengths of alternating runs. */
function countBooleans(data: ByteReader): number {
  let rows = 0;
  while (data.remaining > 0) {
    rows += data.varint();
    if (rows > limits.CHANGE_OPS_MAX) throw fault("too many operations");
  }
  return rows;
}

/** Signed LEB128 within the safe integers. */
export function readSigned(reader: ByteReader): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 8; i++) {
    const byte = reader.u8();
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte < 0x80) {
      const signed = (byte & 0x40) === 0 ? value : value - scale;
      if (!Number.isSafeInteger(signed)) break;
      return signed;
    }
  }
  throw fault("integer out of range");
}

function fault(reason: string): ByteStreamError {
  return new ByteStreamError(reason);
}
