/**
 * The name of a change: SHA-256 over its chunk, from the type on.
 *
 * Whoever decodes a batch needs it, and so does whoever judges the entry a moment later; it must be made from
 * the bytes both times, because a name that comes with them proves nothing. So it is remembered beside the
 * very array it was made from, for as long as that lives. Chunks are never changed in place.
 */
import type { ChangeHash } from "./ids.ts";
import { mustChangeHash } from "./ids.ts";
import { sha256 } from "./sha256.ts";

/** Magic and checksum, which the hash does not cover. */
const PREFIX_BYTES = 8;
const CHECKSUM_BYTES = 4;

const nameByChunk = new WeakMap<Uint8Array, ChangeHash>();

/** `chunk`: uncompressed, type 1. Its first eight bytes do not count. */
export function nameChange(chunk: Uint8Array): ChangeHash {
  return mustChangeHash(sha256(chunk.subarray(PREFIX_BYTES)));
}

/** Writes the checksum into a chunk that has just been made, which is the beginning of its name. */
export function sealChange(chunk: Uint8Array): void {
  const name = nameOfReceived(chunk);
  chunk.set(name.subarray(0, CHECKSUM_BYTES), PREFIX_BYTES - CHECKSUM_BYTES);
}

/** The same, made once: for chunks that came with an entry, which nobody changes in place. */
export function nameOfReceived(chunk: Uint8Array): ChangeHash {
  let name = nameByChunk.get(chunk);
  if (name === undefined) {
    name = nameChange(chunk);
    nameByChunk.set(chunk, name);
  }
  return name;
}
