import { deflateRawSync } from "node:zlib";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { ByteWriter, limits, toHex } from "@atoll/core";
import { parseChangeChunk } from "./change-chunk.ts";
import { Copy, actorOf, fleetCodec, mustParse } from "./fleet.fixture.ts";
import type { JsonValue } from "./json.ts";

/** Real changes of several kinds, the genesis and containers among them. */
function realChunks(): Uint8Array[] {
  const copy = new Copy(1);
  const first = copy.edit({
    kind: "put",
    value: { bio: "héllo 👋", tags: ["a", 1, null], links: [{ label: "x" }, 2.5], a: { b: true } },
  });
  const second = copy.edit({ kind: "merge-patch", patch: { bio: "hi", a: 1, links: [7] } });
  const third = copy.edit({ kind: "increment", pointer: "/stats/n", by: -3 });
  copy.profile.free();
  const entries = [first, second, third].filter((entry) => entry !== undefined);
  const chunks = entries.flatMap((entry) => [...entry.containers, entry.change]);
  return [fleetCodec.genesisChange, ...chunks];
}

/** A change chunk around any contents, with a checksum that is right. */
function chunkOf(contents: Uint8Array, type = 1, hashed = contents): Uint8Array {
  const frame = (kind: number, body: Uint8Array): Uint8Array =>
    new ByteWriter().u8(kind).bytes(body).finish();
  const digest = createHash("sha256").update(frame(1, hashed)).digest();
  return new ByteWriter()
    .raw(Uint8Array.of(0x85, 0x6f, 0x4a, 0x83))
    .raw(digest.subarray(0, 4))
    .raw(frame(type, contents))
    .finish();
}

/** Contents with one column after the fixed fields. */
function contentsWith(columns: readonly [spec: number, data: readonly number[]][]): Uint8Array {
  const writer = new ByteWriter().varint(0).bytes(actorOf(1)).varint(1).varint(1).u8(0).text("");
  writer.varint(0).varint(columns.length);
  for (const [spec, data] of columns) writer.varint(spec).varint(data.length);
  for (const [, data] of columns) writer.raw(Uint8Array.from(data));
  return writer.finish();
}

function reasonOf(bytes: Uint8Array): string {
  const parsed = parseChangeChunk(bytes);
  return parsed.kind === "fault" ? parsed.reason : "accepted";
}

test("a change is read without Automerge: its name, parents, writer and size", () => {
  const copy = new Copy(1);
  const entry = copy.edit({ kind: "put", value: { s: "x", o: {}, n: [1, 2] } });
  const change = mustParse(entry?.change ?? new Uint8Array());
  expect(toHex(change.hash)).toBe(copy.heads()[0]);
  expect(toHex(change.actor)).toBe(toHex(actorOf(1)));
  expect(change).toMatchObject({ seq: 1, timeSeconds: 1001, message: "" });
  expect(change.deps.map(toHex).sort()).toEqual(
    entry?.containers.map((chunk) => toHex(mustParse(chunk).hash)).sort(),
  );
  // id, s, the mark inside o, the mark of n, two items
  expect(change.opCount).toBe(6);
  copy.profile.free();
});

test("every flipped bit of a real change is a fault or gives another hash", () => {
  for (const chunk of realChunks()) {
    const { hash } = mustParse(chunk);
    const copy = Uint8Array.from(chunk);
    for (let bit = 0; bit < copy.length * 8; bit++) {
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const parsed = parseChangeChunk(copy);
      if (parsed.kind === "change") expect(toHex(parsed.hash)).not.toBe(toHex(hash));
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
  }
});

test("every shortened and every lengthened change is a fault", () => {
  for (const chunk of realChunks()) {
    for (let length = 0; length < chunk.length; length++) {
      expect(parseChangeChunk(chunk.subarray(0, length)).kind).toBe("fault");
    }
    expect(parseChangeChunk(Buffer.concat([chunk, Buffer.of(0)])).kind).toBe("fault");
  }
});

test("flipped bits behind a checksum made right never make the parser throw", () => {
  for (const chunk of realChunks()) {
    const { chunk: raw } = mustParse(chunk);
    const headerBytes = raw.length < 128 + 10 ? 10 : 11;
    const contents = Uint8Array.from(raw.subarray(headerBytes));
    for (let bit = 0; bit < contents.length * 8; bit++) {
      contents[bit >> 3] = (contents[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(["change", "fault"]).toContain(parseChangeChunk(chunkOf(contents)).kind);
      contents[bit >> 3] = (contents[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
  }
});

test("a deflated change is the same change", () => {
  const value: Record<string, JsonValue> = {};
  for (let i = 0; i < 60; i++) value[`field ${i}`] = `value ${i}`;
  const copy = new Copy(1);
  const chunk = copy.edit({ kind: "put", value })?.change ?? new Uint8Array();
  copy.profile.free();
  const plain = mustParse(chunk);
  const contents = chunk.subarray(11);
  const deflated = chunkOf(deflateRawSync(contents), 2, contents);
  expect(deflated.length).toBeLessThan(chunk.length);
  const parsed = mustParse(deflated);
  expect(toHex(parsed.hash)).toBe(toHex(plain.hash));
  expect(toHex(parsed.chunk)).toBe(toHex(chunk));
  expect(parsed.opCount).toBe(61);
});

test("a hundred bytes that would unfold into more than the bound are refused", () => {
  const leb = (value: number): number[] => {
    const bytes: number[] = [];
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      if (rest < 64) return [...bytes, rest];
      bytes.push((rest % 128) | 0x80);
    }
  };
  const rows = limits.CHANGE_OPS_MAX;
  expect(mustParse(chunkOf(contentsWith([[0x42, [...leb(rows), 1]]]))).opCount).toBe(rows);
  const tooMany = leb(rows + 1);
  expect(reasonOf(chunkOf(contentsWith([[0x42, [...tooMany, 1]]])))).toBe("too many operations");
  expect(reasonOf(chunkOf(contentsWith([[0x15, [0, ...tooMany]]])))).toBe("too many operations");
  expect(reasonOf(chunkOf(contentsWith([[0x34, [0, ...tooMany]]])))).toBe("too many operations");
  expect(reasonOf(chunkOf(contentsWith([[0x70, [2, ...leb(rows * 2)]]])))).toBe(
    "too many predecessors",
  );
});

test("a bomb of deflated zeros is refused", () => {
  const contents = new Uint8Array(limits.CHANGE_BYTES_MAX + 1);
  expect(reasonOf(chunkOf(deflateRawSync(contents), 2, contents))).toContain("inflate");
});

test.each([
  ["a document instead of a change", 0],
  ["a bundle", 3],
])("%s is refused", (_, type) => {
  expect(reasonOf(chunkOf(Uint8Array.of(0), type))).toContain("not a change");
});

test("columns that are compressed or out of order are refused", () => {
  expect(reasonOf(chunkOf(contentsWith([[0x4a, [1, 1]]])))).toContain("compressed");
  const twice: [number, number[]][] = [
    [0x42, [1, 1]],
    [0x42, [1, 1]],
  ];
  expect(reasonOf(chunkOf(contentsWith(twice)))).toBe("bad column");
});
