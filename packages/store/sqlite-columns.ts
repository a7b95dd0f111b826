/**
 * How values lie in columns, where SQLite has no kind for them; and an entry, which `log` and
 * `pending` store alike.
 *
 *     dep          writeVector(dep); of an entry: 0xff | seal u32 | writeVector(dep)
 *     containers   NULL, or count varint, then (length varint, bytes) each
 *
 * The seal is a CRC-32 over everything of the entry but its change, which has a name of its own: a
 * timestamp or a dependency with one bit flipped looks like any other, and would be sent to every peer.
 * A vector begins with a count below 64, so an entry from before there were seals is still read.
 *
 * What is read is checked as if it came from outside. A row that does not decode is a damaged file,
 * not a broken invariant: it throws `ByteStreamError`, which the connection turns into
 * `storage-failed`, so that one bad row costs one request and not the process.
 */
import { crc32 } from "node:zlib";
import type {
  ChangeHash,
  DocId,
  Hlc,
  LogEntry,
  Origin,
  ProfileId,
  RegionVector,
} from "@atoll/core";
import {
  ByteReader,
  ByteStreamError,
  ByteWriter,
  SUM_BYTES,
  limits,
  mustChangeHash,
  parseDocId,
  parseHlc,
  parseOrigin,
  parseKeptProfileId,
  readVector,
  writeVector,
} from "@atoll/core";

/** Columns of an entry, as SQLite returns them. */
export interface EntryColumns {
  readonly shard: number;
  readonly origin: number;
  readonly seq: number;
  readonly hlc: number;
  readonly doc_id: Uint8Array;
  readonly hash: Uint8Array;
  readonly dep: Uint8Array;
  readonly containers: Uint8Array | null;
  readonly change: Uint8Array;
}

const SEALED = 0xff;
const SEAL_BYTES = 5;

export function entryOfColumns(row: EntryColumns): LogEntry {
  return {
    shard: row.shard,
    origin: originOfColumn(row.origin),
    seq: row.seq,
    hlc: hlcOfColumn(row.hlc),
    docId: docIdOfColumn(row.doc_id),
    hash: hashOfColumn(row.hash),
    dep: vectorOfBytes(unsealed(row)),
    change: row.change,
    containers: row.containers === null ? [] : chunksOfBytes(row.containers),
  };
}

/** For readers to whom a damaged entry is as good as none: it is found and mended elsewhere. */
export function entryUnlessDamaged(row: EntryColumns): LogEntry | undefined {
  try {
    return entryOfColumns(row);
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
}

/** The column `dep` of an entry whose containers lie in their column like this. */
export function sealedDep(entry: LogEntry, containers: Uint8Array | null): Uint8Array {
  const dep = vectorToBytes(entry.dep);
  const seal = sealOf(entry, { docId: entry.docId, dep, containers });
  const sealed = Buffer.allocUnsafe(SEAL_BYTES + dep.length);
  sealed[0] = SEALED;
  sealed.writeUInt32LE(seal, 1);
  sealed.set(dep, SEAL_BYTES);
  return sealed;
}

function unsealed(row: EntryColumns): Uint8Array {
  if (row.dep[0] !== SEALED) return row.dep;
  const reader = new ByteReader(row.dep);
  reader.u8();
  const seal = reader.u32();
  const dep = reader.raw(reader.remaining);
  return seal === sealOf(row, { docId: row.doc_id, dep, containers: row.containers })
    ? dep
    : damaged("what was sealed");
}

/** In one piece, because each call costs as much as a hundred bytes of the sum. */
function sealOf(
  {
    shard,
    origin,
    seq,
    hlc,
    hash,
  }: Pick<EntryColumns, "shard" | "origin" | "seq" | "hlc" | "hash">,
  parts: {
    readonly docId: Uint8Array;
    readonly dep: Uint8Array;
    readonly containers: Uint8Array | null;
  },
): number {
  const { docId, dep, containers } = parts;
  const fixed = Buffer.allocUnsafe(32 + docId.length + hash.length + dep.length);
  fixed.writeDoubleLE(shard, 0);
  fixed.writeDoubleLE(origin, 8);
  fixed.writeDoubleLE(seq, 16);
  fixed.writeDoubleLE(hlc, 24);
  fixed.set(docId, 32);
  fixed.set(hash, 32 + docId.length);
  fixed.set(dep, 32 + docId.length + hash.length);
  const crc = crc32(fixed);
  return containers === null ? crc : crc32(containers, crc);
}

export function originOfColumn(value: number): Origin {
  return parseOrigin(value) ?? damaged("an origin");
}

export function hlcOfColumn(value: number): Hlc {
  return parseHlc(value) ?? damaged("a timestamp");
}

export function docIdOfColumn(bytes: Uint8Array): DocId {
  return parseDocId(bytes) ?? damaged("a document id");
}

export function profileIdOfColumn(text: string): ProfileId {
  return parseKeptProfileId(text) ?? damaged("a profile id");
}

export function hashOfColumn(bytes: Uint8Array): ChangeHash {
  return bytes.length === 32 ? mustChangeHash(bytes) : damaged("a change hash");
}

export function headsOfColumn(bytes: Uint8Array): Uint8Array {
  return bytes.length % 32 === 0 ? bytes : damaged("heads");
}

export function sumOfColumn(bytes: Uint8Array): Uint8Array {
  return bytes.length === SUM_BYTES ? bytes : damaged("a sum");
}

/** A number that no store could have written, nor can take back. */
export function countOfColumn(value: number): number {
  return Number.isSafeInteger(value) && value >= 0 ? value : damaged("a count");
}

export function vectorToBytes(vector: RegionVector): Uint8Array {
  const writer = new ByteWriter(1 + vector.size * 9);
  writeVector(writer, vector);
  return writer.finish();
}

export function vectorOfBytes(bytes: Uint8Array): RegionVector {
  const reader = new ByteReader(bytes);
  const vector = readVector(reader);
  reader.end();
  return vector;
}

export function chunksToBytes(chunks: readonly Uint8Array[]): Uint8Array | null {
  if (chunks.length === 0) return null;
  const writer = new ByteWriter().varint(chunks.length);
  for (const chunk of chunks) writer.bytes(chunk);
  return writer.finish();
}

function chunksOfBytes(bytes: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(bytes);
  const chunks: Uint8Array[] = [];
  for (let left = reader.count(limits.ENTRY_CONTAINERS_MAX); left > 0; left--) {
    chunks.push(reader.bytes(limits.CHANGE_BYTES_MAX));
  }
  reader.end();
  return chunks;
}

function damaged(what: string): never {
  throw new ByteStreamError(`not ${what}`);
}
