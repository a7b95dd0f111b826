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
  limits,
  parseTreeNode,
  readVector,
  unreachable,
  writeVector,
} from "@atoll/core";
import type { ComparisonMessage, DocumentDigest, NodeDigest } from "./messages.ts";
import { copyOf, present, readList } from "./wire-fields.ts";

const STALE_REASONS = ["not-covered", "tail"] as const;
const POSITION_MAX = 2 ** POSITION_BITS - 1;

export function writeComparison(writer: ByteWriter, message: ComparisonMessage): void {
  writer.varint(message.id);
  switch (message.kind) {
    case "compare-open":
      writeVector(writer, message.cut);
      writer.raw(message.root).varint(message.changes);
      return;
    case "compare-same":
      return;
    case "compare-stale":
      writer.u8(STALE_REASONS.indexOf(message.reason));
      return;
    case "ask-nodes":
      writeQuestion(writer, message);
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
      writeQuestion(writer, message);
      writer.varint(message.nodes.length);
      for (const node of message.nodes) writeNode(writer, node);
      return;
    case "compare-documents":
      writer.u8(Number(message.wide)).varint(message.lists.length);
      for (const list of message.lists) writeDocuments(writer, list, message.wide);
      return;
    case "ask-changes":
      writeQuestion(writer, message);
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
      for (const element of message.elements) writer.u64(element);
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
): ComparisonMessage {
  const id = reader.varint();
  switch (kind) {
    case "compare-open": {
      const cut = readVector(reader);
      return { kind, id, cut, root: copyOf(reader.raw(32)), changes: reader.varint() };
    }
    case "compare-same":
      return { kind, id };
    case "compare-stale":
      return { kind, id, reason: present(STALE_REASONS[reader.u8()], "reason") };
    case "ask-nodes":
      return {
        kind,
        id,
        ...readQuestion(reader),
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
        ...readQuestion(reader),
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
        ...readQuestion(reader),
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
      return {
        kind,
        id,
        elements: readList(reader, limits.ANTI_ENTROPY_DIGESTS_MAX, () => reader.u64()),
      };
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
}

function writeQuestion(writer: ByteWriter, { cut, wide }: QuestionHead): void {
  writeVector(writer, cut);
  writer.u8(Number(wide));
}

function readQuestion(reader: ByteReader): QuestionHead {
  const cut = readVector(reader);
  return { cut, wide: readFlag(reader) };
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
