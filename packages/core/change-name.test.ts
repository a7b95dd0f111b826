import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { nameChange, nameOfReceived } from "./change-name.ts";

test("a change is named after its bytes, from the ninth on, each time it is asked for", () => {
  const chunk = Uint8Array.from({ length: 40 }, (_, i) => i);
  const name = createHash("sha256").update(chunk.subarray(8)).digest("hex");
  for (const bytes of [chunk, chunk, chunk.slice()]) {
    expect(Buffer.from(nameOfReceived(bytes)).toString("hex")).toBe(name);
  }
  expect(new Uint8Array(nameChange(chunk))).toEqual(nameOfReceived(chunk));
  const other = chunk.slice().fill(0, 39);
  expect(Buffer.from(nameOfReceived(other)).toString("hex")).not.toBe(name);
});

test("who cuts a name out and changes it changes nobody else's", () => {
  const chunk = new Uint8Array(40);
  const before = Buffer.from(nameOfReceived(chunk)).toString("hex");
  nameOfReceived(chunk).slice().fill(7);
  expect(Buffer.from(nameOfReceived(chunk)).toString("hex")).toBe(before);
});
