/**
 * The code of a short message under a key: HMAC-SHA-256 (RFC 2104, FIPS 198-1).
 *
 *     SHA-256( key ⊕ opad | SHA-256( key ⊕ ipad | message ) )
 *
 * Made of its two digests, because every answer carries one: Node's own makes a stream for each message and gives
 * the code back in memory outside of the heap, which together takes four times as long as the digests.
 */
import { hash } from "node:crypto";
import { assert } from "@atoll/core";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

export class MessageCode {
  /** The key's block, then room for a message. */
  readonly #inner: Buffer;
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c);

  constructor(key: Uint8Array, messageBytesMax: number) {
    assert(key.length <= BLOCK_BYTES, "a key fits a block");
    this.#inner = Buffer.alloc(BLOCK_BYTES + messageBytesMax, 0x36);
    for (const [i, byte] of key.entries()) {
      this.#inner[i] = byte ^ 0x36;
      this.#outer[i] = byte ^ 0x5c;
    }
  }

  /** 64 hexadecimal digits. */
  of(message: Uint8Array): string {
    const end = BLOCK_BYTES + message.length;
    assert(end <= this.#inner.length, "the message is no longer than was said");
    this.#inner.set(message, BLOCK_BYTES);
    this.#outer.write(hash("sha256", this.#inner.subarray(0, end), "hex"), BLOCK_BYTES, "hex");
    return hash("sha256", this.#outer, "hex");
  }
}
