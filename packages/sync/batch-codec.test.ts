// The body of a BATCH: small, compressed only when it helps, one spelling, and no bomb.
import { hash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { DocId, Hlc, LogEntry, RegionCode } from "@atoll/core";
import {
  ByteWriter,
  SeededRandom,
  hlcFromMs,
  limits,
  mustChangeHash,
  mustDocId,
  newOrigin,
} from "@atoll/core";
import { decodeFrame, encodeMessage } from "./codec.ts";
import { PROTOCOL_VERSION } from "./version.ts";
import type { Batch } from "./messages.ts";

const random = new SeededRandom("batch");
const origin = newOrigin(1 as RegionCode, 3, random);
const documents = Array.from({ length: 4 }, () => mustDocId(random.bytes(16)));
const start = hlcFromMs(1_700_000_000_000);

function entryOf(seq: number, change: Uint8Array, docId: DocId): LogEntry {
  const hlc = (start + seq * 2048) as Hlc;
  const dep = new Map([[2 as RegionCode, (hlc - 1024 * 40) as Hlc]]);
  const name = mustChangeHash(hash("sha256", change.subarray(8), "buffer"));
  return { shard: 5, origin, seq, hlc, docId, hash: name, dep, change, containers: [] };
}

function batchOf(count: number, change: () => Uint8Array): Batch {
  const entries = Array.from({ length: count }, (_, i) =>
    entryOf(i + 1, change(), documents[i % 4] as DocId),
  );
  return { kind: "batch", repair: false, answer: true, entries };
}

const text = () => Buffer.from("a change that says nearly the same as the others do");
const noise = () => random.bytes(60);

function reasonOf(frame: Uint8Array): string {
  const decoded = decodeFrame(frame);
  expect(decoded.kind).toBe("fault");
  return decoded.kind === "fault" ? decoded.reason : "";
}

/** A BATCH frame that says it is compressed. */
function frameOf(length: number, body: Uint8Array): Uint8Array {
  return new ByteWriter().u8(2).u8(4).u8(2).varint(length).raw(body).finish();
}

describe("a batch", () => {
  test("costs at most 14 bytes an entry beside its change, and nothing twice", () => {
    const frame = encodeMessage(batchOf(100, noise), PROTOCOL_VERSION);
    expect(frame.length - 100 * 60).toBeLessThan(100 * 14);
    expect(encodeMessage(batchOf(100, noise), 1).length - 100 * 60).toBeGreaterThan(100 * 30);
  });

  test("is compressed when that helps, and comes back the same", () => {
    const batch = batchOf(50, text);
    const frame = encodeMessage(batch, PROTOCOL_VERSION);
    expect(frame[2]).toBe(2 | 4);
    expect(frame.length).toBeLessThan(encodeMessage(batch, 1).length / 4);
    const decoded = decodeFrame(frame);
    expect(decoded.kind === "message" && decoded.message).toMatchObject({ answer: true });
    if (decoded.kind !== "message" || decoded.message.kind !== "batch") return;
    expect(decoded.message.entries.map(({ seq }) => seq)).toEqual(
      batch.entries.map(({ seq }) => seq),
    );
    expect(encodeMessage(decoded.message, PROTOCOL_VERSION)).toEqual(frame);
  });

  test("is sent plain when it is small or does not shrink", () => {
    expect(encodeMessage(batchOf(1, text), PROTOCOL_VERSION)[2]).toBe(4);
    const single = { ...batchOf(1, () => random.bytes(5_000)), repair: true };
    expect(encodeMessage(single, PROTOCOL_VERSION)[2]).toBe(1 | 4);
  });

  test("that inflates beyond what it says ends in a fault, before the memory is taken", () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(10_000);
    expect(reasonOf(frameOf(1_000, bomb))).toContain("compressed body");
    expect(reasonOf(frameOf(64 * 1024 * 1024, bomb))).toContain("exceeds");
  });

  test("that demands a large window ends in a fault", () => {
    const params = { [constants.ZSTD_c_windowLog]: 25 };
    const greedy = zstdCompressSync(Buffer.alloc(40 * 1024 * 1024), { params });
    expect(reasonOf(frameOf(limits.BATCH_INFLATED_BYTES_MAX, greedy))).toContain("memory");
  });

  test("that inflates to less, or has bytes behind it, or is no zstd, ends in a fault", () => {
    const body = zstdCompressSync(Buffer.alloc(1_000));
    expect(reasonOf(frameOf(1_001, body))).toContain("another length");
    const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9); // RFC 8878, 3.1.2
    for (const tail of [body, skippable, Uint8Array.of(0)]) {
      expect(reasonOf(frameOf(1_000, Buffer.concat([body, tail])))).toContain(
        "after the compressed body",
      );
    }
    expect(decodeFrame(frameOf(1_000, Buffer.concat([skippable, body]))).kind).toBe("fault");
    expect(reasonOf(frameOf(1_000, Buffer.alloc(40)))).toContain("compressed body");
    expect(reasonOf(frameOf(10, body))).toContain("too small");
    expect(reasonOf(Uint8Array.of(2, 4, 8))).toContain("flags");
  });
});

describe("a list of entries has one spelling:", () => {
  const plain = encodeMessage(batchOf(1, noise), PROTOCOL_VERSION);
  const body = plain.subarray(3);
  const run = body.subarray(2); // behind no containers and one run
  const frameWith = (...parts: readonly (Uint8Array | readonly number[])[]) =>
    Buffer.concat([Uint8Array.of(2, 4, 0), ...parts.map((part) => Uint8Array.from(part))]);

  test("this one", () => {
    expect(decodeFrame(frameWith([0, 1], run)).kind).toBe("message");
  });

  test("an unused container is a fault", () => {
    expect(reasonOf(frameWith([1, 2, 9, 9, 1], run))).toContain("unused");
  });

  test("a container twice is a fault", () => {
    expect(reasonOf(frameWith([2, 2, 9, 9, 2, 9, 9, 1], run))).toContain("twice");
  });

  test("a document that is known and spelled out again is a fault", () => {
    expect(reasonOf(frameWith([0, 2], run, run))).toContain("spelled out");
  });

  test("a run that could have been part of the one before is a fault", () => {
    const entries = batchOf(2, noise).entries;
    const both = encodeMessage({ kind: "batch", repair: false, entries }, PROTOCOL_VERSION);
    const first = encodeMessage(
      { kind: "batch", repair: false, entries: entries.slice(0, 1) },
      PROTOCOL_VERSION,
    );
    const second = both.subarray(first.length); // the second entry, as it follows the first
    const head = new ByteWriter().varint(5).varint(origin).varint(2).varint(1).finish();
    const twoRuns = frameWith([0, 2], first.subarray(5), head, second);
    expect(reasonOf(twoRuns)).toContain("continues");
  });

  test("an empty run is a fault", () => {
    const empty = new ByteWriter().varint(0).varint(1).varint(5).varint(origin).varint(1).varint(0);
    expect(reasonOf(frameWith(empty.finish()))).toContain("empty");
  });
});
