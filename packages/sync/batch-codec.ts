/**
 * The body of a BATCH: flags, and the entries plain or compressed.
 *
 *     version 1        repair u8 | entries
 *     since version 2  flags u8 | entries                              1 repair, 2 compressed, 4 answer
 *                      flags u8 | length | zstd(entries)
 *
 * Compressed above the transport, where it is known what is worth it. A hostile body cannot make the
 * receiver allocate: the inflated length is said first and checked against the limit, the decoder stops
 * there, and the window that a frame may demand is bounded too (zstd allows 128 MiB for a few bytes).
 * What follows the compressed frame, or falls short of the length, is a fault like any other.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import {
  ByteReader,
  ByteStreamError,
  ByteWriter,
  entryBytes,
  errorText,
  limits,
} from "@atoll/core";
import { readEntries, writeEntries } from "./entry-codec.ts";
import type { Batch } from "./messages.ts";
import { readFlag } from "./wire-fields.ts";

const REPAIR = 1;
const COMPRESSED = 2;
const ANSWER = 4;
/** What goes before the entries, with some to spare. */
const BODY_HEAD_BYTES = 64;

export function writeBatch(writer: ByteWriter, batch: Batch, version: number): void {
  if (version === 1) {
    writer.u8(batch.repair ? 1 : 0);
    writeEntries(writer, batch.entries, version);
    return;
  }
  const flags = (batch.repair ? REPAIR : 0) | (batch.answer === true ? ANSWER : 0);
  const entries = new ByteWriter(roomFor(batch));
  writeEntries(entries, batch.entries, version);
  const plain = entries.finish();
  const compressed = plain.length < limits.COMPRESS_BYTES_MIN ? undefined : compress(plain);
  if (compressed === undefined) writer.u8(flags).raw(plain);
  else
    writer
      .u8(flags | COMPRESSED)
      .varint(plain.length)
      .raw(compressed);
}

/**
 * Bytes that a body like this takes at most, usually: most hold one entry, and a buffer for the largest would be
 * 64 KiB of memory outside the heap for each, which the collector counts and a frame on its way holds.
 */
export function roomFor({ entries }: Batch): number {
  return entries.reduce((bytes, entry) => bytes + entryBytes(entry), BODY_HEAD_BYTES);
}

/** Throws `ByteStreamError`. */
export function readBatch(reader: ByteReader, version: number): Batch {
  if (version === 1) {
    const repair = readFlag(reader);
    return { kind: "batch", repair, answer: false, entries: readEntries(reader, version) };
  }
  const flags = reader.u8();
  if (flags > (REPAIR | COMPRESSED | ANSWER)) throw new ByteStreamError("unknown flags");
  const about = { repair: (flags & REPAIR) > 0, answer: (flags & ANSWER) > 0 };
  if ((flags & COMPRESSED) === 0) {
    return { kind: "batch", ...about, entries: readEntries(reader, version) };
  }
  const plain = new ByteReader(inflate(reader));
  const entries = readEntries(plain, version);
  plain.end();
  return { kind: "batch", ...about, entries };
}

/** Undefined when it does not help. */
function compress(plain: Uint8Array): Uint8Array | undefined {
  const compressed = zstdCompressSync(plain, {
    params: { [constants.ZSTD_c_compressionLevel]: 3 },
    pledgedSrcSize: plain.length, // a small body gets small tables: a tenth of the time
    chunkSize: Math.max(limits.COMPRESS_BYTES_MIN, plain.length),
  });
  return compressed.length + 4 < plain.length ? compressed : undefined;
}

function inflate(reader: ByteReader): Uint8Array {
  const length = reader.count(limits.BATCH_INFLATED_BYTES_MAX);
  if (length < limits.COMPRESS_BYTES_MIN) throw new ByteStreamError("too small to be compressed");
  const compressed = reader.raw(reader.remaining);
  let inflated: { buffer: Uint8Array; engine: { bytesWritten: number } };
  try {
    inflated = zstdDecompressSync(compressed, {
      maxOutputLength: length,
      chunkSize: length + 1, // room is left, so the decoder stops at the end of the first frame
      info: true,
      params: { [constants.ZSTD_d_windowLogMax]: limits.COMPRESS_WINDOW_BITS_MAX },
    }) as unknown as typeof inflated; // with `info` it returns the engine too, which the types omit
  } catch (error) {
    throw new ByteStreamError(`compressed body: ${errorText(error)}`);
  }
  if (inflated.buffer.length !== length) throw new ByteStreamError("another length than was said");
  if (inflated.engine.bytesWritten !== compressed.length) {
    throw new ByteStreamError("bytes after the compressed body");
  }
  return inflated.buffer;
}
