/**
 * The bytes of a comparison. Kept apart from the other messages because here bytes are the point: a pair
 * that agrees says so in less than a hundred, and one that differs pays for the difference.
 *
 *     digest    8 bytes, or 32 when wide; little-endian
 *     node      depth u8, index varint
 */
import type { ByteReader, ByteWriter, TreeNode } from "@atoll/core";
import {
  ByteStreamError,
  POSITION_BITS,
  VECTOR_ZERO,
  limits,
  parseTreeNode,
  readVector,
  unreachable,
  writeVector,
} from "@atoll/core";
import { readAnnouncements, writeAnnouncements } from "./announcement-codec.ts";
import type {
  CompareStale,
  ComparisonMessage,
  DocumentDigest,
  NodeDigest,
  WantChanges,
} from "./messages.ts";
import { copyOf, present, readList } from "./wire-fields.ts";

const STALE_REASONS = ["not-covered", "tail", "trimmed"] as const;
const WIDE = 1;
const UNION = 2;
const POSITION_MAX = 2 ** POSITION_BITS - 1;

export function writeComparison(
  writer: ByteWriter,
  message: ComparisonMessage,
  version: number,
): void {
  writer.varint(message.id);
  switch (message.kind) {
    case "compare-open":
      writeVector(writer, message.cut);
      writer.raw(message.root).varint(message.changes);
      if (version > 2) writer.u8(message.union === true ? 1 : 0);
      return;
    case "compare-same":
      return;
    case "compare-stale":
      if (version > 2 || message.reason !== "trimmed") {
        writer.u8(STALE_REASONS.indexOf(message.reason));
      } else writer.u8(0); // the nearest that it has a word for
      if (version > 2 && message.reason === "trimmed") {
        writeVector(writer, message.horizon ?? VECTOR_ZERO);
      }
      return;
    case "compare-lanes":
      writeVector(writer, message.cut);
      writer.raw(message.root);
      writeAnnouncements(writer, message.lanes);
      return;
    case "ask-nodes":
      writeQuestion(writer, message, version);
      writer.varint(message.nodes.length);
      for (const { node, fanBits } of message.nodes) writeNode(writer, node).u8(fanBits);
      return;
    case "compare-nodes":
      writer.u8(Number(message.wide)).varint(message.groups.length);
      for (const group of message.groups) {
        writer.varint(group.length);
        for (const digest of group) writeDigest(writer, digest, message.wide);
      }
      return;
    case "ask-documents":
      writeQuestion(writer, message, version);
      writer.varint(message.nodes.length);
      for (const node of message.nodes) writeNode(writer, node);
      return;
    case "compare-documents":
      writer.u8(Number(message.wide)).varint(message.lists.length);
      for (const list of message.lists) writeDocuments(writer, list, message.wide);
      return;
    case "ask-changes":
      writeQuestion(writer, message, version);
      writer.varint(message.positions.length);
      for (const position of message.positions) writer.varint(position);
      return;
    case "compare-changes":
      writer.u8(Number(message.wide)).varint(message.lists.length);
      for (const list of message.lists) {
        writer.varint(list.length);
        for (const element of list) writeInteger(writer, element, message.wide);
      }
      return;
    case "want-changes":
      writer.varint(message.elements.length);
      for (const [i, element] of message.elements.entries()) {
        writer.u64(element);
        if (version > 2) writer.varint((message.positions?.[i] ?? -1) + 1);
      }
      return;
    case "wanted":
      writer.varint(message.missing.length);
      for (const place of message.missing) writer.varint(place);
      return;
    default:
      unreachable(message);
  }
}

export function readComparison(
  reader: ByteReader,
  kind: ComparisonMessage["kind"],
  version: number,
): ComparisonMessage {
  const id = reader.varint();
  switch (kind) {
    case "compare-open": {
      const cut = readVector(reader);
      const opened = { kind, id, cut, root: copyOf(reader.raw(32)), changes: reader.varint() };
      return version > 2 && readFlag(reader) ? { ...opened, union: true } : opened;
    }
    case "compare-same":
      return { kind, id };
    case "compare-stale":
      return readStale(reader, id, version);
    case "compare-lanes": {
      const cut = readVector(reader);
      return { kind, id, cut, root: copyOf(reader.raw(32)), lanes: readAnnouncements(reader) };
    }
    case "ask-nodes":
      return {
        kind,
        id,
        ...readQuestion(reader, version),
        nodes: readList(reader, limits.ANTI_ENTROPY_DIGESTS_MAX, (item) => readDivision(item)),
      };
    case "compare-nodes": {
      const wide = readFlag(reader);
      const groups = readList(reader, limits.ANTI_ENTROPY_DIGESTS_MAX, () =>
        readList(reader, 2 ** limits.ANTI_ENTROPY_FAN_BITS_MAX, () => readDigest(reader, wide)),
      );
      return { kind, id, wide, groups };
    }
    case "ask-documents":
      return {
        kind,
        id,
        ...readQuestion(reader, version),
        nodes: readList(reader, limits.ANTI_ENTROPY_DIGESTS_MAX, readNode),
      };
    case "compare-documents": {
      const wide = readFlag(reader);
      const lists = readList(reader, limits.ANTI_ENTROPY_DIGESTS_MAX, () =>
        readDocuments(reader, wide),
      );
      return { kind, id, wide, lists };
    }
    case "ask-changes":
      return {
        kind,
        id,
        ...readQuestion(reader, version),
        positions: readList(reader, limits.ANTI_ENTROPY_DIGESTS_MAX, readPosition),
      };
    case "compare-changes": {
      const wide = readFlag(reader);
      const lists = readList(reader, limits.ANTI_ENTROPY_DIGESTS_MAX, () =>
        readList(reader, limits.WIRE_LIST_MAX, () => readInteger(reader, wide)),
      );
      return { kind, id, wide, lists };
    }
    case "want-changes":
      return { kind, id, ...readWants(reader, version) };
    case "wanted":
      return {
        kind,
        id,
        missing: readList(reader, limits.ANTI_ENTROPY_DIGESTS_MAX, () => reader.varint()),
      };
    default:
      return unreachable(kind);
  }
}

interface QuestionHead {
  readonly cut: ReturnType<typeof readVector>;
  readonly wide: boolean;
  readonly union?: boolean | undefined;
}

function writeQuestion(
  writer: ByteWriter,
  { cut, wide, union }: QuestionHead,
  version: number,
): void {
  writeVector(writer, cut);
  writer.u8((wide ? WIDE : 0) | (version > 2 && union === true ? UNION : 0));
}

function readQuestion(reader: ByteReader, version: number): QuestionHead {
  const cut = readVector(reader);
  if (version < 3) return { cut, wide: readFlag(reader) };
  const flags = reader.u8();
  if (flags > (WIDE | UNION)) throw new ByteStreamError("unknown flags");
  const wide = (flags & WIDE) > 0;
  return (flags & UNION) > 0 ? { cut, wide, union: true } : { cut, wide };
}

function readStale(reader: ByteReader, id: number, version: number): CompareStale {
  const kind = "compare-stale";
  const reason = present(STALE_REASONS[reader.u8()], "reason");
  if (reason !== "trimmed") return { kind, id, reason };
  if (version < 3) throw new ByteStreamError("not a reason");
  return { kind, id, reason, horizon: readVector(reader) };
}

function readWants(
  reader: ByteReader,
  version: number,
): Pick<WantChanges, "elements" | "positions"> {
  const elements: bigint[] = [];
  const positions: (number | undefined)[] = [];
  for (let left = reader.count(limits.ANTI_ENTROPY_DIGESTS_MAX); left > 0; left--) {
    elements.push(reader.u64());
    const position = version > 2 ? reader.count(POSITION_MAX + 1) : 0;
    positions.push(position === 0 ? undefined : position - 1);
  }
  const isAnyKnown = positions.some((position) => position !== undefined);
  return isAnyKnown ? { elements, positions } : { elements };
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw new ByteStreamError("not a flag");
  return flag === 1;
}

function writeNode(writer: ByteWriter, { depth, index }: TreeNode): ByteWriter {
  return writer.u8(depth).varint(index);
}

function readNode(reader: ByteReader): TreeNode {
  const depth = reader.u8();
  return present(parseTreeNode(depth, reader.varint()), "tree node");
}

function readDivision(reader: ByteReader): { node: TreeNode; fanBits: number } {
  const node = readNode(reader);
  const fanBits = reader.u8();
  const isAllowed = fanBits >= 1 && fanBits <= limits.ANTI_ENTROPY_FAN_BITS_MAX;
  if (!isAllowed || node.depth + fanBits > POSITION_BITS) {
    throw new ByteStreamError("a node that cannot be divided so");
  }
  return { node, fanBits };
}

function writeDigest(writer: ByteWriter, { changes, digest }: NodeDigest, wide: boolean): void {
  writer.varint(changes);
  writeInteger(writer, digest, wide);
}

function readDigest(reader: ByteReader, wide: boolean): NodeDigest {
  return { changes: reader.varint(), digest: readInteger(reader, wide) };
}

/** 0 for a list that is not given, otherwise its length + 1, then each as the distance from the last. */
function writeDocuments(
  writer: ByteWriter,
  list: readonly DocumentDigest[] | undefined,
  wide: boolean,
): void {
  writer.varint(list === undefined ? 0 : list.length + 1);
  let previous = 0;
  for (const document of list ?? []) {
    writer.varint(document.position - previous);
    previous = document.position;
    writeDigest(writer, document, wide);
  }
}

function readDocuments(reader: ByteReader, wide: boolean): DocumentDigest[] | undefined {
  const count = reader.count(limits.ANTI_ENTROPY_LIST_MAX + 1);
  if (count === 0) return undefined;
  const list: DocumentDigest[] = [];
  let position = 0;
  for (let i = 1; i < count; i++) {
    position += reader.varint();
    if (position > POSITION_MAX) throw new ByteStreamError("not a position");
    list.push({ position, ...readDigest(reader, wide) });
  }
  return list;
}

function readPosition(reader: ByteReader): number {
  return reader.count(POSITION_MAX);
}

function writeInteger(writer: ByteWriter, value: bigint, wide: boolean): void {
  writer.u64(value);
  if (!wide) return;
  for (let shift = 64n; shift < 256n; shift += 64n) writer.u64(value >> shift);
}

function readInteger(reader: ByteReader, wide: boolean): bigint {
  let value = reader.u64();
  if (!wide) return value;
  for (let shift = 64n; shift < 256n; shift += 64n) value += reader.u64() << shift;
  return value;
}
