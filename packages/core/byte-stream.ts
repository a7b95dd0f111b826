/**
 * Reading and writing bytes in order: the floor under the wire codec, stored vectors and the parser
 * of Automerge chunks.
 *
 * A reader never trusts a length: every read checks what is left before it allocates, and failure is
 * one exception, `ByteStreamError`, that each caller turns into its own kind of "no".
 * Integers are unsigned LEB128 up to 2^53 − 1, the largest that a JavaScript number holds exactly.
 */
import { assert } from "./assert.ts";

export class ByteStreamError extends Error {
  override readonly name = "ByteStreamError";
}

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#buffer.writeUInt32LE(value, this.#length);
    this.#length += 4;
    return this;
  }

  u64(value: bigint): this {
    this.#reserve(8);
    this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), this.#length);
    this.#length += 8;
    return this;
  }

  varint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new ByteStreamError(`not a varint: ${value}`);
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
    return this;
  }

  /** Bytes whose count the reader already knows. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A count, then that many bytes. */
  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes);
  }

  text(text: string): this {
    return this.bytes(Buffer.from(text, "utf8"));
  }

  /** What was written. The writer must not be used afterwards: the memory is shared. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  /** Of `bytes` from one place up to another; without them, of all. */
  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    assert(from >= 0 && from <= to && to <= bytes.length, "a reader reads what is there");
    this.#bytes = bytes;
    this.#offset = from;
    this.#end = to;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#offset++] as number;
  }

  u32(): number {
    this.#need(4);
    const bytes = this.#bytes;
    const low = (bytes[this.#offset++] as number) | ((bytes[this.#offset++] as number) << 8);
    const high = (bytes[this.#offset++] as number) | ((bytes[this.#offset++] as number) << 8);
    return low + high * 0x10000;
  }

  u64(): bigint {
    this.#need(8);
    const low = this.u32();
    return (BigInt(this.u32()) << 32n) | BigInt(low);
  }

  varint(): number {
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.#offset === this.#end) this.#need(1);
      const byte = bytes[this.#offset++] as number;
      if (byte < 0x80) {
        if (i === 0) return byte; // usual
        value += byte * scale;
        if (!Number.isSafeInteger(value)) break;
        if (byte === 0) break; // one number has one spelling
        return value;
      }
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    }
    throw new ByteStreamError("varint out of range");
  }

  /** A varint that must not exceed `max`: for counts that an allocation follows. */
  count(max: number): number {
    const value = this.varint();
    if (value > max) throw new ByteStreamError(`count ${value} exceeds ${max}`);
    return value;
  }

  /** A view, not a copy: valid as long as the input is. */
  raw(count: number): Uint8Array {
    const from = this.skip(count);
    return this.#bytes.subarray(from, this.#offset);
  }

  /** The same for who reads on in them: what comes next belongs to another reader, which ends with it. */
  part(count: number): ByteReader {
    const from = this.skip(count);
    return new ByteReader(this.#bytes, from, this.#offset);
  }

  /** Passes by so many; returns where they begin. */
  skip(count: number): number {
    this.#need(count);
    const from = this.#offset;
    this.#offset += count;
    return from;
  }

  bytes(maxBytes: number): Uint8Array {
    return this.raw(this.count(maxBytes));
  }

  text(maxBytes: number): string {
    const count = this.count(maxBytes);
    if (count === 0) return "";
    const { buffer, byteOffset } = this.#bytes;
    return Buffer.from(buffer, byteOffset + this.skip(count), count).toString("utf8");
  }

  /** Trailing bytes are as wrong as missing ones. */
  end(): void {
    if (this.remaining > 0) throw new ByteStreamError(`${this.remaining} bytes after the end`);
  }

  #need(count: number): void {
    if (count > this.remaining) {
      throw new ByteStreamError(`needs ${count} bytes, ${this.remaining} left`);
    }
  }
}
