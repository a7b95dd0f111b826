/**
 * Reading the typed fields that several messages share. Each throws `ByteStreamError`, which the
 * decoder turns into a fault; each copies, because a decoded message outlives the frame it came in.
 */
import type { ByteReader, ByteWriter, DocId, Hlc, Origin } from "@atoll/core";
import { ByteStreamError, copiedBytes, mustDocId, parseHlc, parseOrigin } from "@atoll/core";

export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new ByteStreamError(`bad ${what}`);
  return value;
}

export const copyOf = copiedBytes;

/** One byte that is 0 or 1: one value has one spelling. */
export function readFlag(reader: ByteReader): boolean {
  const value = reader.u8();
  if (value > 1) throw new ByteStreamError("not a flag");
  return value === 1;
}

/** Zigzag: 0, −1, 1, −2 … as 0, 1, 2, 3 …, so that small differences are short either way. */
export function writeSigned(writer: ByteWriter, value: number): void {
  writer.varint(value < 0 ? -2 * value - 1 : 2 * value);
}

export function readSigned(reader: ByteReader): number {
  const value = reader.varint();
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

export function readOrigin(reader: ByteReader): Origin {
  return present(parseOrigin(reader.varint()), "origin");
}

export function readHlc(reader: ByteReader): Hlc {
  return present(parseHlc(reader.varint()), "timestamp");
}

export function readDocId(reader: ByteReader): DocId {
  return mustDocId(copyOf(reader.raw(16)));
}

/** A count, then that many items; the count is checked before anything is allocated. */
export function readList<T>(reader: ByteReader, max: number, read: (reader: ByteReader) => T): T[] {
  const count = reader.count(max);
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read(reader));
  return items;
}
