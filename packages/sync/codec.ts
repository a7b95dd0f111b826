/**
 * Bytes ⇄ message. Bad bytes are a value, never a throw, and no length is believed before it is
 * checked against what is there and against `limits`.
 *
 *     frame = version u8 | type u8 | body
 *
 * Every body is as long as its fields say, but HELLO's: later versions add fields at its end, which are
 * skipped here. It is the one message that has to be understood before a version is agreed.
 * The grammar of the bodies is in PROTOCOL.md. Integers are LEB128 unless a width is given.
 */
import type { Spending } from "@atoll/core";
import {
  ByteReader,
  ByteStreamError,
  ByteWriter,
  limits,
  parseRegionCode,
  readVector,
  writeVector,
} from "@atoll/core";
import { readBatch, roomFor, writeBatch } from "./batch-codec.ts";
import { readAnnouncements, writeAnnouncements } from "./announcement-codec.ts";
import { readComparison, writeComparison } from "./comparison-codec.ts";
import type { Claim, LaneRange, LaneSeen, Message, NeedRange, RefusalCode } from "./messages.ts";
import { needsNoAgreement } from "./version.ts";
import { copyOf, present, readFlag, readList, readOrigin } from "./wire-fields.ts";

const TYPE_BY_KIND: Readonly<Record<Message["kind"], number>> = {
  hello: 1,
  proof: 2,
  heartbeat: 3,
  batch: 4,
  need: 5,
  served: 6,
  refusal: 13,
  trimmed: 14,
  spent: 15,
  "compare-open": 32,
  "compare-same": 33,
  "compare-stale": 34,
  "ask-nodes": 35,
  "compare-nodes": 36,
  "ask-documents": 37,
  "compare-documents": 38,
  "ask-changes": 39,
  "compare-changes": 40,
  "want-changes": 41,
  wanted: 42,
  "compare-lanes": 43,
};
const KIND_BY_TYPE = new Map(
  Object.entries(TYPE_BY_KIND).map(([kind, type]) => [type, kind as Message["kind"]]),
);
const REFUSALS: readonly RefusalCode[] = [
  "version",
  "cluster",
  "identity",
  "proof",
  "paused",
  "duplicate",
  "malformed",
  "leaving",
];

export type Decoded =
  | { readonly kind: "message"; readonly message: Message; readonly version: number }
  /** A kind this version does not know: counted and ignored, so that newer peers may say more. */
  | { readonly kind: "unknown"; readonly type: number; readonly version: number }
  | { readonly kind: "fault"; readonly reason: string };

/** `version`: what the link speaks, `Peers.versionOf`. */
export function encodeMessage(message: Message, version: number): Uint8Array {
  const writer = new ByteWriter(message.kind === "batch" ? roomFor(message) : 256);
  writer.u8(version).u8(TYPE_BY_KIND[message.kind]);
  writeBody(writer, message, version);
  return writer.finish();
}

/** `agreed`: the version of the link, once there is one; a frame of another is not read. */
export function decodeFrame(frame: Uint8Array, agreed?: number): Decoded {
  const reader = new ByteReader(frame);
  try {
    const version = reader.u8();
    const type = reader.u8();
    const kind = KIND_BY_TYPE.get(type);
    const isBound = kind === undefined || !needsNoAgreement(kind);
    if (isBound && version !== (agreed ?? version)) {
      return { kind: "fault", reason: `version ${version} was not agreed` };
    }
    if (kind === undefined) return { kind: "unknown", type, version };
    const message = readBody(reader, kind, version);
    if (kind !== "hello") reader.end();
    return { kind: "message", message, version };
  } catch (error) {
    if (error instanceof ByteStreamError) return { kind: "fault", reason: error.message };
    throw error;
  }
}

function writeBody(writer: ByteWriter, message: Message, version: number): void {
  switch (message.kind) {
    case "hello":
      writer.varint(message.versionMin).varint(message.versionMax).text(message.clusterId);
      writer.u8(message.region).varint(message.origin).varint(message.shardCount);
      writer.raw(message.genesisHash).varint(message.treeEpoch).raw(message.nonce);
      writer.raw(message.instance);
      return;
    case "proof":
      writer.raw(claimBytes(message)).raw(message.mac);
      return;
    case "heartbeat":
      writer.u8(message.full ? 1 : 0);
      writeVector(writer, message.vector);
      writer.varint(message.sentMs).varint(message.echoMs);
      if (version > 1) writer.varint(message.grantBytes ?? 0);
      writeAnnouncements(writer, message.lanes);
      return;
    case "batch":
      return writeBatch(writer, message, version);
    case "need":
      writer.varint(message.id);
      if (version > 1) writer.u8(message.oldestFirst === true ? 1 : 0);
      writer.varint(message.ranges.length);
      for (const range of message.ranges) {
        writeRange(writer, range);
        if (version > 1) writer.u8(range.open === true ? 1 : 0);
      }
      return;
    case "trimmed":
      writer.varint(message.id).varint(message.ranges.length);
      for (const range of message.ranges) writeRange(writer, range);
      return;
    case "served":
      writer.varint(message.id);
      return;
    case "spent":
      writer.varint(message.spent.length);
      for (const { bucket, count } of message.spent) writer.u64(bucket).varint(count);
      return;
    case "refusal":
      writer.u8(REFUSALS.indexOf(message.code)).text(message.detail);
      return;
    default:
      return writeComparison(writer, message, version);
  }
}

function readBody(reader: ByteReader, kind: Message["kind"], version: number): Message {
  switch (kind) {
    case "hello":
      return {
        kind,
        versionMin: reader.varint(),
        versionMax: reader.varint(),
        clusterId: reader.text(256),
        region: present(parseRegionCode(reader.u8()), "region"),
        origin: readOrigin(reader),
        shardCount: reader.varint(),
        genesisHash: copyOf(reader.raw(32)),
        treeEpoch: reader.varint(),
        nonce: copyOf(reader.raw(16)),
        instance: copyOf(reader.raw(16)),
      };
    case "proof": {
      const welcome = reader.u8() === 1;
      return { kind, welcome, seen: readSeen(reader), mac: copyOf(reader.raw(32)) };
    }
    case "heartbeat": {
      const full = readFlag(reader);
      const vector = readVector(reader);
      const sentMs = reader.varint();
      const echoMs = reader.varint();
      const grantBytes = version > 1 ? reader.varint() : undefined;
      return { kind, full, vector, sentMs, echoMs, grantBytes, lanes: readAnnouncements(reader) };
    }
    case "batch":
      return readBatch(reader, version);
    case "need":
      return {
        kind,
        id: reader.varint(),
        oldestFirst: version > 1 ? readFlag(reader) : true,
        ranges: readList(reader, limits.NEED_RANGES_MAX, () => readNeedRange(reader, version)),
      };
    case "trimmed":
      return {
        kind,
        id: reader.varint(),
        ranges: readList(reader, limits.NEED_RANGES_MAX, readRange),
      };
    case "served":
      return { kind, id: reader.varint() };
    case "spent": {
      const one = (): Spending => ({ bucket: reader.u64(), count: reader.varint() });
      return { kind, spent: readList(reader, limits.SPENT_BUCKETS_MAX, one) };
    }
    case "refusal":
      return {
        kind,
        code: present(REFUSALS[reader.u8()], "refusal code"),
        detail: reader.text(1024),
      };
    default:
      return readComparison(reader, kind, version);
  }
}

/** The part of a PROOF that its MAC covers. One claim has one spelling. */
export function claimBytes({ welcome, seen }: Claim): Uint8Array {
  const writer = new ByteWriter().u8(welcome ? 1 : 0).varint(seen.length);
  let previous = 0;
  for (const { shard, seq } of seen) {
    writer.varint(shard - previous).varint(seq);
    previous = shard;
  }
  return writer.finish();
}

function readSeen(reader: ByteReader): LaneSeen[] {
  let shard = 0;
  const seen = readList(reader, limits.WIRE_LIST_MAX, () => {
    shard += reader.varint();
    return { shard, seq: reader.varint() };
  });
  const isAscending = seen.every((lane, i) => i === 0 || lane.shard > (seen[i - 1]?.shard ?? 0));
  if (!isAscending) throw new ByteStreamError("shards do not ascend");
  return seen;
}

function writeRange(writer: ByteWriter, { shard, origin, lo, hi }: LaneRange): void {
  writer
    .varint(shard)
    .varint(origin)
    .varint(lo)
    .varint(hi - lo);
}

function readRange(reader: ByteReader): LaneRange {
  const shard = reader.varint();
  const origin = readOrigin(reader);
  const lo = reader.varint();
  const hi = lo + reader.varint();
  if (lo < 1 || !Number.isSafeInteger(hi)) throw new ByteStreamError("not a range");
  return { shard, origin, lo, hi };
}

/** A peer of version 1 does not say which ranges are open: all were. */
function readNeedRange(reader: ByteReader, version: number): NeedRange {
  const range = readRange(reader);
  return { ...range, open: version > 1 ? readFlag(reader) : true };
}
