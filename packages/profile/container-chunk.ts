/**
 * The bytes of a container change, written without Automerge.
 *
 * One body may need thousands of containers; making each in a document of its own costs Automerge a
 * millisecond, and a few seconds for all would be a region that answers nobody. The change is
 * always the same single operation, so its chunk is a template:
 *
 *     1 parent | actor | seq 1 | first op | time 0 | message | 1 other actor | columns of one row
 *
 * The codec compares these bytes with Automerge's own when it starts, and a property test for
 * arbitrary paths, so that an upgrade that encodes otherwise cannot go unnoticed.
 */
import { hash as digest } from "node:crypto";
import { ByteWriter } from "@atoll/core";
import type { SlotKind } from "./slots.ts";

/** The map in which a container is made. */
export interface ContainerParent {
  /** The change that a container change builds on: the genesis, or another container's. */
  readonly hash: Uint8Array;
  /** The operation that made the parent map: its number and its writer. */
  readonly counter: number;
  readonly actor: Uint8Array;
}

export interface ContainerTemplate {
  readonly parent: ContainerParent;
  readonly actor: Uint8Array;
  /** Number of the operation: one more than the largest that the parent's change knows. */
  readonly startOp: number;
  readonly message: string;
  /** Where in the parent. */
  readonly key: string;
  readonly kind: Exclude<SlotKind, "register">;
}

const MAGIC = Uint8Array.of(0x85, 0x6f, 0x4a, 0x83);
const TYPE_CHANGE = 1;
/** A run-length column of one row starts with "one literal": −1 as signed LEB128. */
const ONE = 0x7f;

/** Automerge's numbers for "make map", "put a value", "make list" and "make text". */
const ACTION: Readonly<Record<ContainerTemplate["kind"], number>> = {
  map: 0,
  set: 0,
  counter: 1,
  list: 2,
  text: 4,
};
/** Type "counter" and a length of one byte, which is the zero that it starts from. */
const COUNTER_VALUE = 0x18;
const COUNTER_RAW: readonly number[] = [0];

export function containerChunk(template: ContainerTemplate): Uint8Array {
  const body = contents(template);
  const hashed = new ByteWriter(body.length + 4).u8(TYPE_CHANGE).bytes(body).finish();
  const checksum = digest("sha256", hashed, "buffer").subarray(0, 4);
  return Uint8Array.from(Buffer.concat([MAGIC, checksum, hashed]));
}

function contents({ parent, actor, startOp, message, key, kind }: ContainerTemplate): Uint8Array {
  const writer = new ByteWriter(256);
  writer.varint(1).raw(parent.hash).bytes(actor).varint(1).varint(startOp).varint(0).text(message);
  writer.varint(1).bytes(parent.actor);
  const isCounter = kind === "counter";
  const columns: [spec: number, data: Uint8Array][] = [
    [0x01, oneRow().varint(1).finish()], // parent's actor: the first of the others
    [0x02, oneRow().varint(parent.counter).finish()],
    [0x15, oneRow().text(key).finish()],
    [0x34, Uint8Array.of(1)], // one row that is not an insert
    [0x42, oneRow().varint(ACTION[kind]).finish()],
    [
      0x56,
      oneRow()
        .varint(isCounter ? COUNTER_VALUE : 0)
        .finish(),
    ],
    ...(isCounter ? [[0x57, Uint8Array.from(COUNTER_RAW)] as [number, Uint8Array]] : []),
    [0x70, oneRow().varint(0).finish()], // overwrites nothing
  ];
  writer.varint(columns.length);
  for (const [spec, data] of columns) writer.varint(spec).varint(data.length);
  for (const [, data] of columns) writer.raw(data);
  return writer.finish();
}

function oneRow(): ByteWriter {
  return new ByteWriter(16).u8(ONE);
}
