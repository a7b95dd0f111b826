import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import fc from "fast-check";
import { InvariantError } from "@atoll/core";
import { MessageCode } from "./message-code.ts";

test("a code is the HMAC-SHA-256 of its message, whatever was coded before", () => {
  const key = fc.uint8Array({ maxLength: 64 });
  const messages = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1 });
  fc.assert(
    fc.property(key, messages, (secret, texts) => {
      const code = new MessageCode(secret, 200);
      for (const text of texts) {
        expect(code.of(text)).toBe(createHmac("sha256", secret).update(text).digest("hex"));
      }
    }),
  );
});

test("a message longer than was said, or a key longer than a block, is a broken invariant", () => {
  expect(() => new MessageCode(new Uint8Array(32), 8).of(new Uint8Array(9))).toThrow(
    InvariantError,
  );
  expect(() => new MessageCode(new Uint8Array(65), 8)).toThrow(InvariantError);
});
