/**
 * Keyed sums: how two copies are compared without listing them.
 *
 *     element = SHA-256(K ‖ docId[16] ‖ changeHash[32])     one per accepted change
 *     sum     = Σ element mod 2^256                          of a document, a bucket, a shard
 *
 * This is MSet-Add-Hash (Clarke et al., "Incremental Multiset Hash Functions", 2003): equal sums mean
 * equal sets unless somebody who knows K made an effort. XOR in place of addition would fall to linear
 * algebra with about 257 chosen elements, and addition without a key to a generalised birthday attack.
 * The input has a fixed length, so SHA-256 needs no HMAC around it. A sum's low 64 bits are themselves
 * a sum mod 2^64, which is what inner nodes send over the wire.
 */
import { hash } from "node:crypto";
import { assert } from "./assert.ts";
import type { ChangeHash, DocId } from "./ids.ts";
import { sha256 } from "./sha256.ts";

/** 32 bytes, little-endian. Never changed in place. */
export type Sum = Uint8Array;

export const SUM_BYTES = 32;
export const SUM_ZERO: Sum = new Uint8Array(SUM_BYTES);

/** Positions are the first 52 bits of a keyed hash, so that no client can choose its bucket. */
export const POSITION_BITS = 52;
const POSITION_SPAN = 2 ** POSITION_BITS;

export interface DigestKeys {
  /** 32 bytes; changes with the tree epoch. */
  readonly elementKey: Uint8Array;
  /** 32 bytes; fixed for the life of the cluster, because shards follow from it. */
  readonly positionKey: Uint8Array;
}

export function elementOf(keys: DigestKeys, docId: DocId, change: ChangeHash): Sum {
  const input = Buffer.allocUnsafe(80);
  input.set(keys.elementKey, 0);
  input.set(docId, 32);
  input.set(change, 48);
  return sha256(input);
}

/** 0 … 2^52 − 1: where a document lies in the space that shards and buckets divide. */
export function positionOf(keys: DigestKeys, docId: DocId): number {
  const input = Buffer.allocUnsafe(48);
  input.set(keys.positionKey, 0);
  input.set(docId, 32);
  return Number.parseInt(hash("sha256", input, "hex").slice(0, POSITION_BITS / 4), 16);
}

/** The shard is the top bits of the position; `shardCount` is a power of two. */
export function shardOf(position: number, shardCount: number): number {
  return Math.floor(position / (POSITION_SPAN / shardCount));
}

/** The bucket inside the shard: the next `bits` bits of the position. */
export function bucketOf(position: number, shardCount: number, bits: number): number {
  const shardSpan = POSITION_SPAN / shardCount;
  return Math.floor((position % shardSpan) / (shardSpan / 2 ** bits));
}

/** The positions of a shard, as a half-open range. */
export function shardRange(shard: number, shardCount: number): { from: number; to: number } {
  const span = POSITION_SPAN / shardCount;
  return { from: shard * span, to: (shard + 1) * span };
}

export function addSums(a: Sum, b: Sum): Sum {
  const out = new Uint8Array(a);
  accumulate(out, 0, b, 0, 1);
  return out;
}

/** Adds or subtracts in place: for tables of many sums. Offsets are those of a sum's first byte. */
export function accumulate(
  into: Uint8Array,
  intoOffset: number,
  sum: Uint8Array,
  sumOffset: number,
  sign: 1 | -1,
): void {
  assert(intoOffset + SUM_BYTES <= into.length, "a sum has 32 bytes");
  assert(sumOffset + SUM_BYTES <= sum.length, "a sum has 32 bytes");
  let carry = 0;
  for (let i = 0; i < SUM_BYTES; i++) {
    const value = (into[intoOffset + i] as number) + sign * (sum[sumOffset + i] as number) + carry;
    into[intoOffset + i] = value;
    carry = value >> 8; // arithmetic: −1 when a borrow is due
  }
}

export function sumsEqual(a: Sum, b: Sum): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The low `bytes` bytes as an unsigned integer. */
export function sumToInteger(sum: Sum, bytes: 8 | 32): bigint {
  const view = Buffer.from(sum.buffer, sum.byteOffset, SUM_BYTES);
  let value = 0n;
  for (let offset = bytes - 8; offset >= 0; offset -= 8) {
    value = (value << 64n) | view.readBigUInt64LE(offset);
  }
  return value;
}

/** Eight bytes to read a number from: a view made of each sum would move it out of V8's heap. */
const lowBytes = new DataView(new ArrayBuffer(8));

/** The low 64 bits as a signed integer: SQLite's own kind, and the wire digest of inner nodes. */
export function low64(sum: Sum): bigint {
  for (let i = 0; i < 8; i++) lowBytes.setUint8(i, sum[i] as number);
  return lowBytes.getBigInt64(0, true);
}
