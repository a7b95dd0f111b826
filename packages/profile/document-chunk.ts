/**
 * What a saved document unfolds into, bounded before Automerge sees it.
 *
 *     85 6f 4a 83 | checksum 4 | type 0 | length | contents
 *     contents = actors | heads | change columns' heads | operation columns' heads | their data | …
 *
 * A column of more than 256 bytes is deflated, a thousandfold at most, and Automerge inflates it whatever it
 * becomes: half a megabyte from a disk or a backup would be half a gigabyte in a module whose memory never
 * shrinks. Nothing deflates better than `RATIO_MAX`, so that all but the largest are let through unopened.
 */
import { inflateRawSync } from "node:zlib";
import { ByteReader, ByteStreamError, limits } from "@atoll/core";
import { parseChangeChunk } from "./change-chunk.ts";
import { splitChunks } from "./chunk-run.ts";

const TYPE_AT = 8;
const TYPE_DOCUMENT = 0;
const TYPE_CHANGE = 1;
const TYPE_COMPRESSED_CHANGE = 2;
const HASH_BYTES = 32;
const DEFLATED_BIT = 8;
/** A run of 258 bytes costs two bits. */
const RATIO_MAX = 1_032;

/** Why these bytes, a saved document with its tail, are not to be loaded; undefined when they may. */
export function unfoldingFault(bytes: Uint8Array): string | undefined {
  const chunks = splitChunks(bytes);
  if (chunks === undefined) return "no run of chunks";
  for (const chunk of chunks) {
    const fault = chunkFault(chunk);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function chunkFault(chunk: Uint8Array): string | undefined {
  switch (chunk[TYPE_AT]) {
    case TYPE_CHANGE:
      return undefined; // as long as it is
    case TYPE_COMPRESSED_CHANGE: {
      const parsed = parseChangeChunk(chunk);
      return parsed.kind === "fault" ? parsed.reason : undefined;
    }
    case TYPE_DOCUMENT:
      return documentFault(chunk, limits.DOCUMENT_INFLATED_BYTES_MAX);
    default:
      return `chunk type ${chunk[TYPE_AT]}`;
  }
}

function documentFault(chunk: Uint8Array, bytesMax: number): string | undefined {
  try {
    const columns = deflatedColumns(chunk);
    let bytes = 0;
    for (const column of columns) bytes += column.length * RATIO_MAX;
    if (bytes <= bytesMax) return undefined;
    bytes = 0;
    for (const column of columns) bytes += inflatedBytes(column, bytesMax - bytes);
    return bytes <= bytesMax ? undefined : `it unfolds into more than ${bytesMax} bytes`;
  } catch (error) {
    // What we cannot read, Automerge might.
    if (error instanceof ByteStreamError) return error.message;
    throw error;
  }
}

function deflatedColumns(chunk: Uint8Array): Uint8Array[] {
  const frame = new ByteReader(chunk.subarray(TYPE_AT + 1));
  const reader = new ByteReader(frame.bytes(chunk.length));
  for (let actors = reader.varint(); actors > 0; actors--) reader.bytes(chunk.length);
  for (let heads = reader.varint(); heads > 0; heads--) reader.raw(HASH_BYTES);
  const heads: [spec: number, length: number][] = [];
  for (let tables = 2; tables > 0; tables--) {
    for (let columns = reader.varint(); columns > 0; columns--) {
      heads.push([reader.varint(), reader.varint()]);
    }
  }
  const deflated: Uint8Array[] = [];
  for (const [spec, length] of heads) {
    const data = reader.raw(length);
    if ((spec & DEFLATED_BIT) !== 0) deflated.push(data);
  }
  return deflated;
}

/** One more than the bound for what unfolds into more. */
function inflatedBytes(column: Uint8Array, bytesMax: number): number {
  try {
    return inflateRawSync(column, { maxOutputLength: Math.max(1, bytesMax) }).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return bytesMax + 1;
    return 0; // no deflated data: Automerge says so
  }
}
