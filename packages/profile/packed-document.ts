/**
 * A saved document as a store keeps it: compressed as a whole, and not a column at a time.
 *
 *     28 b5 2f fd …   zstd, with the genesis as its dictionary      85 6f 4a 83 …   as Automerge saves it
 *
 * Automerge compresses only columns of more than 256 bytes, each by itself. A profile is a dozen short ones that
 * begin like every other profile of its schema: with the genesis, whose bytes a database never changes. What
 * was stored before documents were packed is read as it lies.
 *
 * Bytes from a disk may be anything: what they unfold into is bounded while they unfold, and is looked at by
 * `unfoldingFault` and by Automerge's own checksum afterwards.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { assert, limits } from "@atoll/core";

const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** Codes of errors that the bytes are to blame for; the second is of those that end too early. */
const DAMAGE = /^(ZSTD_error_|Z_BUF_ERROR$|ERR_BUFFER_TOO_LARGE$)/;

/** Plain bytes go in: what is compressed already does not become smaller. */
export function packDocument(saved: Uint8Array, genesis: Uint8Array): Uint8Array {
  const packed = zstdCompressSync(saved, { dictionary: genesis, pledgedSrcSize: saved.length });
  const again = unpackDocument(packed, genesis);
  assert(again !== undefined && Buffer.compare(again, saved) === 0, "what is packed unpacks");
  return packed;
}

/** Undefined for what does not unfold, or into more than a profile becomes. */
export function unpackDocument(stored: Uint8Array, genesis: Uint8Array): Uint8Array | undefined {
  if (!isPacked(stored)) return stored;
  try {
    return zstdDecompressSync(stored, {
      dictionary: genesis,
      maxOutputLength: limits.DOCUMENT_INFLATED_BYTES_MAX,
      params: { [constants.ZSTD_d_windowLogMax]: limits.PACKED_WINDOW_BITS_MAX },
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !DAMAGE.test(code)) throw error;
    return undefined;
  }
}

function isPacked(stored: Uint8Array): boolean {
  return ZSTD_MAGIC.every((byte, i) => stored[i] === byte);
}
