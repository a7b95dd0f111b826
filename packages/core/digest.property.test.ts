import { describe, expect, test } from "vitest";
import fc from "fast-check";
import {
  SUM_ZERO,
  accumulate,
  addSums,
  bucketOf,
  elementOf,
  low64,
  positionOf,
  shardOf,
  shardRange,
} from "./digest.ts";
import { mustChangeHash, mustDocId } from "./ids.ts";
import { deriveClusterKeys } from "./keys.ts";

const keys = deriveClusterKeys("a secret of the test", "test");
const docIds = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(mustDocId);
const sums = fc.uint8Array({ minLength: 32, maxLength: 32 });

function toBigInt(sum: Uint8Array): bigint {
  return [...sum].reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

function less(sum: Uint8Array, other: Uint8Array): Uint8Array {
  const difference = new Uint8Array(sum);
  accumulate(difference, 0, other, 0, -1);
  return difference;
}

describe("sums", () => {
  test("adding is addition mod 2^256, and subtracting undoes it", () => {
    fc.assert(
      fc.property(sums, sums, (a, b) => {
        expect(toBigInt(addSums(a, b))).toBe((toBigInt(a) + toBigInt(b)) % 2n ** 256n);
        expect(less(addSums(a, b), b)).toEqual(new Uint8Array(a));
        expect(less(a, a)).toEqual(SUM_ZERO);
      }),
      { numRuns: 1000 },
    );
  });

  test("the low 64 bits of a sum are the sum of the low 64 bits", () => {
    fc.assert(
      fc.property(sums, sums, (a, b) => {
        expect(low64(addSums(a, b))).toBe(BigInt.asIntN(64, low64(a) + low64(b)));
      }),
      { numRuns: 1000 },
    );
  });

  test("an element depends on the key, the document and the change", () => {
    const docId = mustDocId(new Uint8Array(16));
    const change = mustChangeHash(new Uint8Array(32));
    const other = mustChangeHash(new Uint8Array(32).fill(1));
    const otherKeys = deriveClusterKeys("another secret of the test", "test");
    expect(elementOf(keys, docId, change)).not.toEqual(elementOf(otherKeys, docId, change));
    expect(elementOf(keys, docId, change)).not.toEqual(elementOf(keys, docId, other));
  });
});

describe("positions", () => {
  test("shard and bucket are the top bits, and a shard is a range of positions", () => {
    fc.assert(
      fc.property(
        docIds,
        fc.constantFrom(1, 16, 256, 4096),
        fc.integer({ min: 0, max: 8 }),
        (docId, shards, bits) => {
          const position = positionOf(keys, docId);
          expect(Number.isSafeInteger(position)).toBe(true);
          const shard = shardOf(position, shards);
          const { from, to } = shardRange(shard, shards);
          expect(position >= from && position < to).toBe(true);
          const bucket = bucketOf(position, shards, bits);
          expect(bucket).toBe(Math.floor(position / (2 ** 52 / (shards * 2 ** bits))) % 2 ** bits);
        },
      ),
    );
  });

  test("documents spread evenly over shards", () => {
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < 4096; i++) {
      const docId = mustDocId(Buffer.from(i.toString(16).padStart(32, "0"), "hex"));
      const shard = shardOf(positionOf(keys, docId), 16);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(180); // 256 ± 16, five sigma
  });
});
