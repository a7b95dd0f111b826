import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { hash } from "node:crypto";
import type { Hlc, LogEntry, Origin, RegionCode, RegionVector } from "@atoll/core";
import { SeededRandom, limits, mustChangeHash, mustDocId, newOrigin } from "@atoll/core";
import { decodeFrame, encodeMessage } from "./codec.ts";
import { PROTOCOL_VERSION } from "./version.ts";
import type { Message } from "./messages.ts";

const random = new SeededRandom("codec");
const origins = fc.constantFrom<Origin>(
  newOrigin(1 as RegionCode, 0, random),
  newOrigin(2 as RegionCode, 7, random),
  newOrigin(63 as RegionCode, 100, random),
);
const bytes = (count: number) =>
  fc.uint8Array({ minLength: count, maxLength: count }).map((value) => new Uint8Array(value));
/** Mostly new ones, and some that come back. */
const docIds = fc
  .oneof(bytes(16), fc.constantFrom(new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)))
  .map(mustDocId);
const hlcs = fc.integer({ min: 0, max: 2 ** 52 - 1 }).map((value) => value as Hlc);
const regionCodes = fc.integer({ min: 1, max: 63 }).map((code) => code as RegionCode);
const vectors = fc
  .uniqueArray(fc.tuple(regionCodes, hlcs), { selector: ([region]) => region, maxLength: 4 })
  .map((pairs): RegionVector => new Map(pairs.sort(([a], [b]) => a - b)));
const shards = fc.integer({ min: 0, max: 4095 });
const containers = fc.constantFrom(Uint8Array.of(1, 2, 3), Uint8Array.of(4), Uint8Array.of());

const entries: fc.Arbitrary<LogEntry> = fc
  .record({
    shard: shards,
    origin: origins,
    seq: fc.integer({ min: 1, max: 2 ** 40 }),
    hlc: hlcs,
    docId: docIds,
    dep: vectors,
    change: fc.uint8Array({ minLength: 8, maxLength: 200 }).map((value) => new Uint8Array(value)),
    containers: fc.uniqueArray(containers, { maxLength: 3 }),
  })
  .map((entry) => ({
    ...entry,
    hash: mustChangeHash(hash("sha256", entry.change.subarray(8), "buffer")),
  }));

const positions = fc.nat(2 ** 31 - 1).map((high) => high * 2 ** 21 + 5);
const digests64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const digests256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const nodes = fc.integer({ min: 0, max: 48 }).chain((depth) =>
  fc.record({
    depth: fc.constant(depth),
    index: fc.nat(2 ** 31 - 1).map((index) => index % 2 ** depth),
  }),
);

/** What a digest is depends on whether the message is a wide one. */
function comparisonMessages(): fc.Arbitrary<Message>[] {
  const id = fc.nat();
  const kind = <K extends Message["kind"]>(name: K) => fc.constant(name);
  const eitherWidth = <T>(
    of: (wide: boolean, digest: fc.Arbitrary<bigint>) => fc.Arbitrary<T>,
  ): fc.Arbitrary<T> => fc.oneof(of(false, digests64), of(true, digests256));
  const node = (digest: fc.Arbitrary<bigint>) => fc.record({ changes: fc.nat(), digest });
  const document = (digest: fc.Arbitrary<bigint>) =>
    fc.record({ position: positions, changes: fc.nat(), digest });
  const sorted = (digest: fc.Arbitrary<bigint>) =>
    fc
      .array(document(digest), { maxLength: 30 })
      .map((list) => list.sort((a, b) => a.position - b.position));
  return [
    fc.record({
      kind: kind("compare-open"),
      id,
      cut: vectors,
      root: bytes(32),
      changes: fc.nat(),
    }),
    fc.record({ kind: kind("compare-same"), id }),
    fc.record({
      kind: kind("compare-stale"),
      id,
      reason: fc.constantFrom("tail" as const, "not-covered" as const),
    }),
    fc.record({
      kind: kind("ask-nodes"),
      id,
      cut: vectors,
      wide: fc.boolean(),
      nodes: fc.array(fc.record({ node: nodes, fanBits: fc.integer({ min: 1, max: 4 }) })),
    }),
    eitherWidth((wide, digest) =>
      fc.record({
        kind: kind("compare-nodes"),
        id,
        wide: fc.constant(wide),
        groups: fc.array(fc.array(node(digest), { maxLength: 20 }), { maxLength: 8 }),
      }),
    ),
    fc.record({
      kind: kind("ask-documents"),
      id,
      cut: vectors,
      wide: fc.boolean(),
      nodes: fc.array(nodes),
    }),
    eitherWidth((wide, digest) =>
      fc.record({
        kind: kind("compare-documents"),
        id,
        wide: fc.constant(wide),
        lists: fc.array(fc.option(sorted(digest), { nil: undefined }), { maxLength: 8 }),
      }),
    ),
    fc.record({
      kind: kind("ask-changes"),
      id,
      cut: vectors,
      wide: fc.boolean(),
      positions: fc.array(positions),
    }),
    eitherWidth((wide, digest) =>
      fc.record({
        kind: kind("compare-changes"),
        id,
        wide: fc.constant(wide),
        lists: fc.array(fc.array(digest, { maxLength: 20 }), { maxLength: 8 }),
      }),
    ),
    fc.record({ kind: kind("want-changes"), id, elements: fc.array(digests64) }),
    fc.record({ kind: kind("wanted"), id, missing: fc.array(fc.nat()) }),
  ];
}
const ranges = fc
  .record({ shard: shards, origin: origins, lo: fc.integer({ min: 1 }), more: fc.nat() })
  .map(({ more, ...range }) => ({ ...range, hi: range.lo + more }));

const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    kind: fc.constant("hello" as const),
    versionMin: fc.nat(9),
    versionMax: fc.nat(9),
    clusterId: fc.string({ maxLength: 20 }).filter((text) => text.isWellFormed()),
    region: fc.integer({ min: 1, max: 63 }).map((code) => code as RegionCode),
    origin: origins,
    shardCount: fc.integer({ min: 1, max: 4096 }),
    genesisHash: bytes(32),
    treeEpoch: fc.nat(9),
    nonce: bytes(16),
    instance: bytes(16),
  }),
  fc.record({
    kind: fc.constant("proof" as const),
    welcome: fc.boolean(),
    seen: fc
      .uniqueArray(fc.record({ shard: shards, seq: fc.nat() }), { selector: ({ shard }) => shard })
      .map((seen) => seen.sort((a, b) => a.shard - b.shard)),
    mac: bytes(32),
  }),
  fc.record({
    kind: fc.constant("heartbeat" as const),
    full: fc.boolean(),
    vector: vectors,
    sentMs: fc.nat(),
    echoMs: fc.nat(),
    grantBytes: fc.nat(),
    lanes: fc.uniqueArray(fc.record({ shard: shards, origin: origins, contig: fc.nat() }), {
      selector: ({ shard, origin }) => `${shard} ${origin}`,
    }),
  }),
  fc.record({
    kind: fc.constant("batch" as const),
    repair: fc.boolean(),
    answer: fc.boolean(),
    entries: fc.array(entries, { maxLength: 6 }),
  }),
  fc.record({
    kind: fc.constant("need" as const),
    id: fc.nat(),
    oldestFirst: fc.boolean(),
    ranges: fc.array(
      fc
        .record({ range: ranges, open: fc.boolean() })
        .map(({ range, open }) => ({ ...range, open })),
    ),
  }),
  fc.record({ kind: fc.constant("trimmed" as const), id: fc.nat(), ranges: fc.array(ranges) }),
  fc.record({ kind: fc.constant("served" as const), id: fc.nat() }),
  fc.record({
    kind: fc.constant("spent" as const),
    spent: fc.array(
      fc.record({ bucket: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), count: fc.nat() }),
    ),
  }),
  ...comparisonMessages(),
  fc.record({
    kind: fc.constant("refusal" as const),
    code: fc.constantFrom("version" as const, "paused" as const, "leaving" as const),
    detail: fc.string({ maxLength: 40 }).filter((text) => text.isWellFormed()),
  }),
);

describe("codec", () => {
  test("every message is the same after it was encoded and decoded", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const decoded = decodeFrame(encodeMessage(message, 2));
        expect(decoded.kind).toBe("message");
        if (decoded.kind !== "message") return;
        expect(normal(decoded.message)).toEqual(normal(message));
      }),
      { numRuns: 1000 },
    );
  });

  test("a peer of version 1 is told the same, but for what it has no word for", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const decoded = decodeFrame(encodeMessage(message, 1));
        expect(decoded.kind).toBe("message");
        if (decoded.kind !== "message") return;
        expect(decoded.version).toBe(1);
        expect(normal(decoded.message)).toEqual(normal(asVersion1(message)));
      }),
      { numRuns: 500 },
    );
  });

  test("garbage is a value, never a throw", () => {
    const versions = fc.constantFrom(1, 2);
    const bodies = fc.tuple(versions, fc.integer({ min: 1, max: 14 }), fc.uint8Array());
    const framed = bodies.map(([version, type, body]) => Uint8Array.of(version, type, ...body));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), framed), (frame) => {
        expect(["message", "unknown", "fault"]).toContain(decodeFrame(frame).kind);
      }),
      { numRuns: 2000 },
    );
  });

  test("a damaged message is a fault or another message, never a throw", () => {
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat(7), fc.boolean(), (message, at, bit, cut) => {
        const frame = new Uint8Array(encodeMessage(message, 2));
        const index = at % frame.length;
        frame[index] = (frame[index] ?? 0) ^ (1 << bit);
        const damaged = cut ? frame.subarray(0, index) : frame;
        expect(["message", "unknown", "fault"]).toContain(decodeFrame(damaged).kind);
      }),
      { numRuns: 2000 },
    );
  });

  test("a count larger than its limit is refused before the list is read", () => {
    const need = encodeMessage({ kind: "need", id: 1, ranges: [] }, PROTOCOL_VERSION);
    const lying = Uint8Array.from([...need.subarray(0, 4), 0xff, 0xff, 0xff, 0x7f]);
    const decoded = decodeFrame(lying);
    expect(decoded.kind).toBe("fault");
    if (decoded.kind === "fault") expect(decoded.reason).toContain(`${limits.NEED_RANGES_MAX}`);
  });

  test("a kind of message from a later version is told apart from damage", () => {
    expect(decodeFrame(Uint8Array.of(1, 200, 1, 2, 3))).toEqual({
      kind: "unknown",
      type: 200,
      version: 1,
    });
  });
});

/** Without credit and answers; every range is open, and what is behind it comes at its end. */
function asVersion1(message: Message): Message {
  if (message.kind === "heartbeat") {
    return { ...message, grantBytes: undefined };
  }
  if (message.kind === "batch") return { ...message, answer: false };
  if (message.kind !== "need") return message;
  const ranges = message.ranges.map((range) => ({ ...range, open: true }));
  return { ...message, oldestFirst: true, ranges };
}

/** Lanes are grouped on the wire; within a message their order means nothing. */
function normal(message: Message): unknown {
  if (message.kind === "heartbeat") {
    const lanes = [...message.lanes].sort((a, b) => a.origin - b.origin || a.shard - b.shard);
    return { ...message, lanes, vector: [...message.vector] };
  }
  if (message.kind === "batch") {
    const entries = message.entries.map((entry) => ({
      ...entry,
      hash: new Uint8Array(entry.hash),
      dep: [...entry.dep],
    }));
    return { ...message, entries };
  }
  if ("cut" in message) return { ...message, cut: [...message.cut] };
  return message;
}
