// Documents as a store keeps them: smaller, read back whole or refused, and those of former versions read as well.
import { constants, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "@atoll/core";
import { DocumentError } from "./document-error.ts";
import { Copy, actorOf, fleetCodec } from "./fleet.fixture.ts";
import { packDocument, unpackDocument } from "./packed-document.ts";

const genesis = fleetCodec.genesisChange;
const NO_TAIL = new Uint8Array();
let copy: Copy;

beforeEach(() => {
  copy = new Copy(1);
  copy.edit({ kind: "put", value: { bio: "a text ".repeat(500), name: "Ada", tags: ["a", "b"] } });
  for (let n = 0; n < 20; n++) copy.edit({ kind: "merge-patch", patch: { name: `Ada ${n}` } });
});
afterEach(() => copy.profile.free());

function shown(base: Uint8Array): string {
  const profile = fleetCodec.open({ base, tail: NO_TAIL }, actorOf(2));
  try {
    return profile.render().json;
  } finally {
    profile.free();
  }
}

test("a document is stored smaller than Automerge saves it, and opens as it was", () => {
  const { json } = copy.profile.render();
  const packed = copy.profile.save();
  const saved = copy.profile.inspect().save();
  expect(packed.length).toBeLessThan(saved.length * 0.95);
  expect(shown(packed)).toBe(json);
  expect(shown(saved)).toBe(json); // as former versions stored it
});

test("what is packed does not depend on what was packed before it", () => {
  const first = copy.profile.save();
  packDocument(new Uint8Array(70_000).fill(7), genesis);
  expect(copy.profile.save()).toEqual(first);
});

test("of a damaged document every bit is missed: it is refused, or nothing was lost", () => {
  const { json } = copy.profile.render();
  const packed = copy.profile.save();
  let refused = 0;
  for (let bit = 0; bit < packed.length * 8; bit += 7) {
    const damaged = Buffer.from(packed);
    damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    try {
      expect(shown(damaged)).toBe(json); // a bit that says nothing
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(packed.length);
  for (const length of [0, 3, 4, 5, packed.length >> 1, packed.length - 1]) {
    expect(() => shown(packed.subarray(0, length))).toThrow(DocumentError);
  }
});

test("another genesis does not unpack it into something else", () => {
  const other = Buffer.from(genesis).reverse();
  const packed = copy.profile.save();
  expect(unpackDocument(packed, other)).not.toEqual(unpackDocument(packed, genesis));
});

test("what would unfold beyond the bound, or asks for a window beyond ours, is refused", () => {
  const large = zstdCompressSync(new Uint8Array(limits.DOCUMENT_INFLATED_BYTES_MAX + 1));
  expect(large.length).toBeLessThan(limits.DOCUMENT_INFLATED_BYTES_MAX / 1_000);
  expect(unpackDocument(large, genesis)?.length).toBeUndefined();
  expect(() => shown(large)).toThrow(DocumentError);

  const bits = limits.PACKED_WINDOW_BITS_MAX;
  const windowed = (more: number) =>
    zstdCompressSync(new Uint8Array(2 ** bits * 2), {
      params: { [constants.ZSTD_c_windowLog]: bits + more },
    });
  expect(unpackDocument(windowed(0), genesis)?.length).toBe(2 ** bits * 2);
  expect(unpackDocument(windowed(1), genesis)?.length).toBeUndefined();
});
