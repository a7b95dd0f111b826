/** Hashes and copies: the same bytes as by the plain way, and nobody else's. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { copiedBytes } from "./copied-bytes.ts";
import { sha256 } from "./sha256.ts";

test("the hash is that of the bytes, whatever they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const plain = createHash("sha256").update(bytes).digest();
      expect(sha256(bytes)).toEqual(new Uint8Array(plain));
    }),
  );
});

test("a copy holds what was copied, whatever becomes of that and of other copies", () => {
  const lengths = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.array(lengths, { minLength: 1, maxLength: 9 }), (all) => {
      const expected = all.map((bytes) => [...bytes]);
      const copies = all.map((bytes) => copiedBytes(Buffer.from(bytes)));
      for (const bytes of all) bytes.fill(7);
      expect(copies.map((copy) => [...copy])).toEqual(expected);
      const [first, ...rest] = copies;
      first?.slice().fill(9); // what slice gives is a copy as well
      expect([...(first ?? [])]).toEqual(expected[0]);
      first?.fill(9);
      expect(rest.map((copy) => [...copy])).toEqual(expected.slice(1));
    }),
  );
});
