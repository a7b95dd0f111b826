// Changes that are applied and shown, and with which no document could be saved any more.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ByteReader, ByteWriter, must, sealChange } from "@atoll/core";
import { DocumentError } from "./document-error.ts";
import { Copy, actorOf, fleetCodec, mustParse } from "./fleet.fixture.ts";

const FRAME_BYTES = 8;
const COLUMN_PREDECESSOR_COUNTER = 0x73;
const COLUMN_ACTION = 0x42;

let writer: Copy;
let first: readonly Uint8Array[];
let second: Uint8Array;

beforeEach(() => {
  writer = new Copy(1);
  first = chunksOf(writer.edit({ kind: "put", value: { name: "Ada", role: "poet", city: "x" } }));
  const patch = { city: null, name: null, role: "b" };
  second = must(chunksOf(writer.edit({ kind: "merge-patch", patch })).at(-1), "a change");
});

afterEach(() => writer.profile.free());

function chunksOf(entry: ReturnType<Copy["edit"]>): Uint8Array[] {
  const { containers, change } = must(entry, "an entry");
  return [...containers, change];
}

type Column = readonly [spec: number, data: Uint8Array];

/** The change with its columns made otherwise, its length and checksum made to fit. */
function changed(chunk: Uint8Array, change: (column: Column) => Column): Uint8Array {
  const frame = new ByteReader(chunk.subarray(FRAME_BYTES + 1));
  const contents = frame.bytes(chunk.length);
  const reader = new ByteReader(contents);
  reader.raw(reader.varint() * 32); // parents
  reader.bytes(16);
  for (let numbers = 2; numbers > 0; numbers--) reader.varint();
  while (reader.u8() >= 0x80); // time
  reader.bytes(contents.length);
  for (let actors = reader.varint(); actors > 0; actors--) reader.bytes(16);
  const body = new ByteWriter().raw(contents.subarray(0, reader.offset));
  const heads = Array.from({ length: reader.varint() }, () => [reader.varint(), reader.varint()]);
  const columns = heads.map(([spec = 0, length = 0]) => change([spec, reader.raw(length)]));
  body.varint(columns.length);
  for (const [spec, data] of columns) body.varint(spec).varint(data.length);
  for (const [, data] of columns) body.raw(data);
  const made = new ByteWriter().raw(chunk.subarray(0, FRAME_BYTES + 1)).bytes(body.finish());
  const sealed = new Uint8Array(made.finish());
  sealChange(sealed);
  return sealed;
}

/** The same few values, not as runs of equal ones. */
function oneByOne(data: Uint8Array): Uint8Array {
  const values: number[] = [];
  for (let at = 0; at < data.length;) {
    const run = ((data[at++] ?? 0) << 25) >> 25; // seven bits, signed
    if (run > 0) values.push(...new Array<number>(run).fill(data[at++] ?? 0));
    for (let literal = run; literal < 0; literal++) values.push(data[at++] ?? 0);
  }
  return Uint8Array.of(0x80 - values.length, ...values);
}

const POISONS: readonly (readonly [what: string, change: (column: Column) => Column])[] = [
  [
    "whose equal operations are spelled one by one",
    ([spec, data]) => [spec, spec === COLUMN_ACTION ? oneByOne(data) : data],
  ],
  [
    "that takes out what was never there",
    ([spec, data]) => {
      if (spec !== COLUMN_PREDECESSOR_COUNTER) return [spec, data];
      const copy = Uint8Array.from(data);
      copy[copy.length - 1] = (copy.at(-1) ?? 0) + 9;
      return [spec, copy];
    },
  ],
];

describe.each(POISONS)("a change %s", (_what, change) => {
  test("is refused by an open document", () => {
    const poison = changed(second, change);
    expect(poison).not.toEqual(second);
    expect(mustParse(poison).opCount).toBe(mustParse(second).opCount);
    const profile = fleetCodec.open({ base: undefined, tail: Buffer.concat(first) }, actorOf(2));
    expect(() => profile.append([poison])).toThrow(DocumentError);
    profile.free();
  });

  test("is found in a tail before it is shown", () => {
    const tail = Buffer.concat([...first, changed(second, change)]);
    const profile = fleetCodec.open({ base: undefined, tail }, actorOf(2));
    expect(() => profile.prove(tail)).toThrow(DocumentError);
    profile.free();
  });
});

test("what was not changed is given back: alone, again, and beside a base that has it", () => {
  const tail = Buffer.concat([...first, second]);
  const profile = fleetCodec.open({ base: undefined, tail }, actorOf(2));
  profile.prove(tail);
  profile.append([second]);
  const saved = profile.save();
  profile.free();
  const again = fleetCodec.open({ base: saved, tail }, actorOf(2));
  again.prove(tail);
  again.free();
});

test("so is a change so large that it is given back compressed", () => {
  const large = chunksOf(writer.edit({ kind: "put", value: { bio: "word ".repeat(2_000) } }));
  const tail = Buffer.concat([...first, second, ...large]);
  const profile = fleetCodec.open({ base: undefined, tail }, actorOf(2));
  profile.prove(tail);
  profile.free();
});
