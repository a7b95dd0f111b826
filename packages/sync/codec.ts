/**
 * Bytes ⇄ message. Bad bytes are a value, never a throw, and no length is believed before it is
 * checked against what is there and against `limits`.
 *
 *     frame = version u8 | type u8 | body
 *
 * The grammar of the bodies is in PROTOCOL.md. Integers are LEB128 unless a width is given.
 */
import type { Origin } from "@atoll/core";
import {
  ByteReader,
  ByteStreamError,
  ByteWriter,
  limits,
  parseRegionCode,
  readVector,
  unreachable,
  writeVector,
} from "@atoll/core";
import { readBatch, writeBatch } from "./batch-codec.ts";
import type { Announcement, LaneRange, Message, NeedRange, RefusalCode } from "./messages.ts";
import {
  copyOf,
  present,
  readDocId,
  readFlag,
  readHash,
  readList,
  readOrigin,
} from "./wire-fields.ts";

export const PROTOCOL_VERSION = 2;

const TYPE_BY_KIND: Readonly<Record<Message["kind"], number>> = {
  hello: 1,
  proof: 2,
  heartbeat: 3,
  batch: 4,
  need: 5,
  served: 6,
  "compare-roots": 7,
  "compare-result": 8,
  "compare-shards": 9,
  "compare-documents": 10,
  "compare-changes": 11,
  "want-changes": 12,
  refusal: 13,
  trimmed: 14,
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
  | { readonly kind: "unknown"; readonly type: number }
  | { readonly kind: "fault"; readonly reason: string };

/** `version`: the one that both ends of the link speak. */
export function encodeMessage(message: Message, version = PROTOCOL_VERSION): Uint8Array {
  const writer = new ByteWriter(message.kind === "batch" ? limits.BATCH_BYTES_MAX : 256);
  writer.u8(version).u8(TYPE_BY_KIND[message.kind]);
  writeBody(writer, message, version);
  return writer.finish();
}

export function decodeFrame(frame: Uint8Array): Decoded {
  const reader = new ByteReader(frame);
  try {
    const version = reader.u8();
    const type = reader.u8();
    const kind = KIND_BY_TYPE.get(type);
    if (kind === undefined) return { kind: "unknown", type };
    const message = readBody(reader, kind, version);
    reader.end();
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
      return;
    case "proof":
      writer.raw(message.mac);
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
    case "compare-roots":
      writer.raw(message.frontier).raw(message.root);
      return;
    case "compare-result":
      writer.u8(message.result === "equal" ? 0 : 1);
      return;
    case "compare-shards":
      writer.raw(message.frontier).varint(message.sums.length);
      for (const sum of message.sums) writer.u64(sum);
      return;
    case "compare-documents":
      writer.varint(message.shard).varint(message.documents.length);
      for (const { docId, sum64 } of message.documents) writer.raw(docId).u64(sum64);
      return;
    case "compare-changes":
      writer.varint(message.shard).varint(message.documents.length);
      for (const { docId, hashes } of message.documents) {
        writer.raw(docId).varint(hashes.length);
        for (const hash of hashes) writer.raw(hash);
      }
      return;
    case "want-changes":
      writer.varint(message.shard).varint(message.wants.length);
      for (const { docId, hash } of message.wants) writer.raw(docId).raw(hash);
      return;
    case "refusal":
      writer.u8(REFUSALS.indexOf(message.code)).text(message.detail);
      return;
    default:
      unreachable(message);
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
      };
    case "proof":
      return { kind, mac: copyOf(reader.raw(32)) };
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
    case "compare-roots":
      return { kind, frontier: copyOf(reader.raw(16)), root: copyOf(reader.raw(32)) };
    case "compare-result":
      return { kind, result: reader.u8() === 0 ? "equal" : "stale" };
    case "compare-shards":
      return {
        kind,
        frontier: copyOf(reader.raw(16)),
        sums: readList(reader, limits.WIRE_LIST_MAX, () => BigInt.asIntN(64, reader.u64())),
      };
    case "compare-documents":
      return {
        kind,
        shard: reader.varint(),
        documents: readList(reader, limits.WIRE_LIST_MAX, () => ({
          docId: readDocId(reader),
          sum64: BigInt.asIntN(64, reader.u64()),
        })),
      };
    case "compare-changes":
      return {
        kind,
        shard: reader.varint(),
        documents: readList(reader, limits.ANTI_ENTROPY_DOCUMENTS_MAX, () => ({
          docId: readDocId(reader),
          hashes: readList(reader, limits.WIRE_LIST_MAX, readHash),
        })),
      };
    case "want-changes":
      return {
        kind,
        shard: reader.varint(),
        wants: readList(reader, limits.WIRE_LIST_MAX, () => ({
          docId: readDocId(reader),
          hash: readHash(reader),
        })),
      };
    case "refusal":
      return {
        kind,
        code: present(REFUSALS[reader.u8()], "refusal code"),
        detail: reader.text(1024),
      };
    default:
      return unreachable(kind);
  }
}

/** Grouped by origin, shards ascending: origin, count, then (shard delta, contig). */
function writeAnnouncements(writer: ByteWriter, lanes: readonly Announcement[]): void {
  const byOrigin = new Map<Origin, Announcement[]>();
  for (const lane of lanes) {
    const group = byOrigin.get(lane.origin);
    if (group === undefined) byOrigin.set(lane.origin, [lane]);
    else group.push(lane);
  }
  writer.varint(byOrigin.size);
  for (const [origin, group] of byOrigin) {
    writer.varint(origin).varint(group.length);
    let previous = 0;
    for (const { shard, contig } of group.sort((a, b) => a.shard - b.shard)) {
      writer.varint(shard - previous).varint(contig);
      previous = shard;
    }
  }
}

function readAnnouncements(reader: ByteReader): Announcement[] {
  const lanes: Announcement[] = [];
  const origins = reader.count(limits.WIRE_LIST_MAX);
  for (let i = 0; i < origins; i++) {
    const origin = readOrigin(reader);
    let shard = 0;
    const count = reader.count(limits.WIRE_LIST_MAX);
    for (let j = 0; j < count; j++) {
      shard += reader.varint();
      lanes.push({ shard, origin, contig: reader.varint() });
    }
    if (lanes.length > limits.WIRE_LIST_MAX) throw new ByteStreamError("too many lanes");
  }
  return lanes;
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
