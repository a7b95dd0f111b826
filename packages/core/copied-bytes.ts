/**
 * Copies of bytes, made where that is cheap.
 *
 * Up to 64 bytes V8 lays into its own heap. Memory for anything longer is asked for piece by piece, which takes
 * longer than hashing what it is for; so such copies share slabs, as Node's small buffers do. A slab lives as
 * long as any of its copies: this is for what came together and goes together, such as the changes of a batch.
 */

const HEAP_BYTES_MAX = 64;

/** Shares nothing with `bytes`. No `Buffer`, whose `slice` shares. */
export function copiedBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= HEAP_BYTES_MAX) return new Uint8Array(bytes);
  const room = Buffer.allocUnsafe(bytes.length);
  room.set(bytes);
  return new Uint8Array(room.buffer, room.byteOffset, room.length);
}
