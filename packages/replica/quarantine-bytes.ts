/**
 * What a quarantine record keeps, as bytes:
 *
 *     0x51 | kind u8 | content | crc u32
 *
 *     kind 1  an entry, whole: hlc | dep | containers | change. A retry judges all of it again, and the
 *             change alone would not do
 *     kind 2  a document: its tail as it lay
 *
 * The check covers the rest of the record too, because nothing else can tell that a record, which is of
 * damaged things to begin with, was itself damaged.
 */
import { crc32 } from "node:zlib";
import type { LogEntry } from "@atoll/core";
import {
  ByteReader,
  ByteStreamError,
  ByteWriter,
  limits,
  mustChangeHash,
  parseHlc,
  readVector,
  toHex,
  writeVector,
} from "@atoll/core";
import type { QuarantineRecord } from "@atoll/store";

const MAGIC = 0x51;
const KIND_ENTRY = 1;
const KIND_DOCUMENT = 2;
const CHECK_BYTES = 4;
/** An entry comes from a frame, so no part of it is larger. */
const PART_BYTES_MAX = limits.FRAME_BYTES_MAX;

export type Quarantined =
  | { readonly kind: "entry"; readonly entry: LogEntry }
  | { readonly kind: "document"; readonly tail: Uint8Array };

export type RecordHead = Omit<QuarantineRecord, "id" | "bytes">;

export function recordOf(head: RecordHead, content: Quarantined): Omit<QuarantineRecord, "id"> {
  const wellFormed = { ...head, reason: head.reason.toWellFormed() };
  const writer = new ByteWriter().u8(MAGIC);
  if (content.kind === "entry") writeEntry(writer.u8(KIND_ENTRY), content.entry);
  else writer.u8(KIND_DOCUMENT).raw(content.tail);
  const body = new Uint8Array(writer.finish());
  const check = new ByteWriter(CHECK_BYTES).u32(checkOf(wellFormed, body)).finish();
  return { ...wellFormed, bytes: Buffer.concat([body, check]) };
}

/** Undefined when the record is not what was written. */
export function contentOf(record: QuarantineRecord): Quarantined | undefined {
  try {
    const body = record.bytes.subarray(0, Math.max(0, record.bytes.length - CHECK_BYTES));
    const check = new ByteReader(record.bytes.subarray(body.length)).u32();
    if (check !== checkOf(record, body)) return undefined;
    const reader = new ByteReader(body);
    if (reader.u8() !== MAGIC) return undefined;
    const kind = reader.u8();
    if (kind === KIND_DOCUMENT) return { kind: "document", tail: reader.raw(reader.remaining) };
    return kind === KIND_ENTRY ? { kind: "entry", entry: readEntry(reader, record) } : undefined;
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
}

function checkOf(head: RecordHead, body: Uint8Array): number {
  const { atMs, reason, fromRegion, lane, seq, docId, hash } = head;
  const parts = [atMs, lane?.shard, lane?.origin, seq, toHex(docId), hash && toHex(hash)];
  return crc32(JSON.stringify([...parts, fromRegion, reason]), crc32(body));
}

function writeEntry(writer: ByteWriter, entry: LogEntry): void {
  writer.varint(entry.hlc);
  writeVector(writer, entry.dep);
  writer.varint(entry.containers.length);
  for (const container of entry.containers) writer.bytes(container);
  writer.bytes(entry.change);
}

function readEntry(reader: ByteReader, { lane, seq, docId, hash }: QuarantineRecord): LogEntry {
  const hlc = parseHlc(reader.varint());
  if (lane === undefined || seq === undefined || hash === undefined || hlc === undefined) {
    throw new ByteStreamError("an entry has a place and a name");
  }
  const dep = readVector(reader);
  const containers: Uint8Array[] = [];
  for (let left = reader.count(limits.ENTRY_CONTAINERS_MAX); left > 0; left--) {
    containers.push(new Uint8Array(reader.bytes(PART_BYTES_MAX)));
  }
  const change = new Uint8Array(reader.bytes(PART_BYTES_MAX));
  reader.end();
  return { ...lane, seq, hlc, docId, hash: mustChangeHash(hash), dep, change, containers };
}
