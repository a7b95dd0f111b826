/**
 * A run of chunks taken apart without Automerge: what a document's tail consists of.
 *
 * Only the frames are read. Whether a chunk is sound is for `parseChangeChunk`, one by one: of a run that
 * was damaged, the chunks beside the damage are still whole.
 */
import { ByteReader, ByteStreamError } from "@atoll/core";

const FRAME_BYTES = 8; // magic and checksum

/** Undefined when the bytes are no run of whole frames. */
export function splitChunks(bytes: Uint8Array): Uint8Array[] | undefined {
  const reader = new ByteReader(bytes);
  const chunks: Uint8Array[] = [];
  try {
    while (reader.remaining > 0) {
      const start = reader.offset;
      reader.raw(FRAME_BYTES);
      reader.u8();
      reader.bytes(reader.remaining);
      chunks.push(bytes.subarray(start, reader.offset));
    }
  } catch (error) {
    if (error instanceof ByteStreamError) return undefined;
    throw error;
  }
  return chunks;
}
