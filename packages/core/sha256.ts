/**
 * SHA-256 as bytes, of what is short and named a thousand times a second: changes, elements, places.
 *
 * Asked for bytes, Node asks the system for memory for each, which takes four times as long as the hash itself. Asked
 * for text, it makes a string, which is written into memory that is there already; not into V8's own heap,
 * from where it would be moved as soon as it is handed to SQLite.
 */
import { hash } from "node:crypto";

const HASH_BYTES = 32;

export function sha256(input: Uint8Array): Uint8Array {
  const text = hash("sha256", input, "binary"); // a character for each byte
  const room = Buffer.allocUnsafe(HASH_BYTES);
  room.write(text, "latin1");
  return new Uint8Array(room.buffer, room.byteOffset, HASH_BYTES); // a Buffer's `slice` shares
}
