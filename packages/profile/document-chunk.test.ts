import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { ByteReader, ByteWriter, limits } from "@atoll/core";
import { DocumentError } from "./document-error.ts";
import { unfoldingFault } from "./document-chunk.ts";
import { Copy, actorOf, fleetCodec } from "./fleet.fixture.ts";

const MAGIC = Uint8Array.of(0x85, 0x6f, 0x4a, 0x83);
const DEFLATED_SPEC = 0x57 | 8;

/** A saved document of nothing but these deflated columns. */
function documentWith(columns: readonly Uint8Array[], type = 0): Uint8Array {
  const contents = new ByteWriter().varint(0).varint(0).varint(0).varint(columns.length);
  for (const column of columns) contents.varint(DEFLATED_SPEC).varint(column.length);
  for (const column of columns) contents.raw(column);
  return framed(contents.finish(), type);
}

function framed(contents: Uint8Array, type = 0): Uint8Array {
  return new ByteWriter().raw(MAGIC).u32(0).u8(type).bytes(contents).finish();
}

function zeros(bytes: number): Uint8Array {
  return deflateRawSync(new Uint8Array(bytes));
}

test("what a profile is saved as may be loaded, with its tail", () => {
  const copy = new Copy(1);
  copy.edit({ kind: "put", value: { bio: "a text ".repeat(500), tags: ["a", "b"] } });
  const saved = copy.profile.inspect().save();
  const entry = copy.edit({ kind: "merge-patch", patch: { bio: "another" } });
  copy.profile.free();
  expect(unfoldingFault(saved)).toBeUndefined();
  const tail = entry?.change ?? new Uint8Array();
  expect(unfoldingFault(Buffer.concat([saved, tail]))).toBeUndefined();
});

test("half a megabyte that would become more than the bound is not loaded", () => {
  const half = zeros(limits.DOCUMENT_INFLATED_BYTES_MAX / 2 + 1);
  expect(half.length).toBeLessThan(100_000);
  expect(unfoldingFault(documentWith([half]))).toBeUndefined();
  const bomb = documentWith([half, half]);
  expect(unfoldingFault(bomb)).toContain("unfolds");
  const open = () => fleetCodec.open({ base: bomb, tail: new Uint8Array() }, actorOf(1));
  expect(open).toThrow(DocumentError);
  expect(open).toThrow("unfolds");
});

test("what is not read here is not left to Automerge", () => {
  const copy = new Copy(1);
  copy.edit({ kind: "put", value: { name: "x" } });
  const saved = copy.profile.inspect().save();
  copy.profile.free();
  expect(unfoldingFault(saved.subarray(0, -1))).toBeDefined();
  expect(unfoldingFault(documentWith([], 3))).toBe("chunk type 3");
  // The same document, its first number spelled with one byte more: only one of us would take it.
  const contents = new ByteReader(saved.subarray(9)).bytes(saved.length);
  const longer = Buffer.concat([Uint8Array.of((contents[0] ?? 0) | 0x80, 0), contents.subarray(1)]);
  expect(unfoldingFault(framed(contents))).toBeUndefined();
  expect(unfoldingFault(framed(longer))).toContain("varint");
});
