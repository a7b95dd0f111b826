/**
 * Automerge chunks taken apart and put together again, so that what is mutated inside still looks whole:
 * lengths and checksum are made to fit, as somebody would do who means harm.
 */
import { hash } from "node:crypto";
import type { Random } from "@atoll/core";
import { ByteReader, ByteStreamError, ByteWriter } from "@atoll/core";
import { mutateBytes } from "./mutations.ts";

const MAGIC = Uint8Array.of(0x85, 0x6f, 0x4a, 0x83);
const FRAME_BYTES = 8;
const ACTORS_MAX = 64;
const COLUMNS_MAX = 64;
export const TYPE_DOCUMENT = 0;
export const TYPE_CHANGE = 1;

/** A chunk with these contents, its length and its checksum. */
export function chunkOf(type: number, contents: Uint8Array): Uint8Array {
  const hashed = new ByteWriter(contents.length + 16).u8(type).bytes(contents).finish();
  const checksum = hash("sha256", hashed, "buffer").subarray(0, 4);
  return Buffer.concat([MAGIC, checksum, hashed]);
}

export function contentsOf(chunk: Uint8Array): Uint8Array {
  const reader = new ByteReader(chunk.subarray(FRAME_BYTES + 1));
  return reader.bytes(chunk.length);
}

/** One that has its checksum, whatever was done inside. */
export function mutateChunk(chunk: Uint8Array, type: number, random: Random, other: Uint8Array) {
  const contents = contentsOf(chunk);
  const columns = type === TYPE_CHANGE && random.below(3) > 0 ? splitColumns(contents) : undefined;
  if (columns === undefined) return chunkOf(type, mutateBytes(contents, random, contentsOf(other)));
  const { preface, parts } = columns;
  const at = random.below(parts.length);
  const changed = parts.map((part, i) =>
    i === at ? { ...part, data: mutateBytes(part.data, random) } : part,
  );
  if (random.below(6) === 0) changed.splice(at, 1);
  return chunkOf(type, joinColumns(preface, changed));
}

interface Part {
  readonly spec: number;
  readonly data: Uint8Array;
}

/** Undefined for contents that are no change's. */
function splitColumns(contents: Uint8Array): { preface: Uint8Array; parts: Part[] } | undefined {
  try {
    const reader = new ByteReader(contents);
    reader.raw(reader.count(ACTORS_MAX) * 32); // parents
    reader.bytes(ACTORS_MAX);
    for (let numbers = 2; numbers > 0; numbers--) reader.varint();
    while (reader.u8() >= 0x80); // time
    reader.bytes(contents.length); // message
    for (let actors = reader.count(ACTORS_MAX); actors > 0; actors--) reader.bytes(ACTORS_MAX);
    const preface = contents.subarray(0, reader.offset);
    const heads = Array.from({ length: reader.count(COLUMNS_MAX) }, () => [
      reader.varint(),
      reader.varint(),
    ]);
    const parts = heads.map(([spec = 0, length = 0]) => ({ spec, data: reader.raw(length) }));
    return parts.length === 0 ? undefined : { preface, parts };
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
}

function joinColumns(preface: Uint8Array, parts: readonly Part[]): Uint8Array {
  const writer = new ByteWriter().raw(preface).varint(parts.length);
  for (const { spec, data } of parts) writer.varint(spec).varint(data.length);
  for (const { data } of parts) writer.raw(data);
  return writer.finish();
}
