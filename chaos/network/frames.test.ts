// Frames are found whatever the pieces they come in, and what is done to them is what was asked for.
import { expect, test } from "vitest";
import { ManualClock, SeededRandom } from "@atoll/core";
import { FrameMangler } from "./frame-mangler.ts";
import type { FrameFaults } from "./impairment.ts";
import type { Frame } from "./websocket-frames.ts";
import { FrameSplitter } from "./websocket-frames.ts";

const UPGRADE = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n");
const NO_FAULTS: FrameFaults = { duplicateRate: 0, reorderRate: 0, corruptRate: 0 };

/** As ws writes them: one piece, masked when it comes from who dialled. */
function frame(payload: string, { opcode = 2, isMasked = false } = {}): Buffer {
  const length = payload.length;
  const mask = isMasked ? 0x80 : 0;
  const size =
    length < 126
      ? [mask | length]
      : length < 65_536
        ? [mask | 126, length >> 8, length & 0xff]
        : [
            mask | 127,
            0,
            0,
            0,
            0,
            (length >> 24) & 0xff,
            (length >> 16) & 0xff,
            (length >> 8) & 0xff,
            length & 0xff,
          ];
  const head = Buffer.from([0x80 | opcode, ...size, ...(isMasked ? [1, 2, 3, 4] : [])]);
  return Buffer.concat([head, Buffer.from(payload)]);
}

function mangle(
  faults: FrameFaults,
  frames: readonly Buffer[],
  clock = new ManualClock(),
): string[] {
  const passed: Buffer[] = [];
  const mangler = new FrameMangler({
    faults: () => faults,
    random: new SeededRandom("frames"),
    clock,
    pass: (bytes) => passed.push(bytes),
  });
  mangler.take(UPGRADE);
  for (const each of frames) mangler.take(each);
  clock.advance(1_000);
  return passed.slice(1).map((bytes) => bytes.toString("latin1"));
}

test.each([1, 2, 3, 7, 64, 100_000])("frames are found in pieces of %i bytes", (piece) => {
  const frames = [
    frame("hello"),
    frame("x".repeat(300), { isMasked: true }),
    frame("", { opcode: 9 }),
    frame("y".repeat(70_000)),
  ];
  const stream = Buffer.concat([UPGRADE, ...frames]);
  const splitter = new FrameSplitter();
  const found: (Frame | Buffer)[] = [];
  for (let at = 0; at < stream.length; at += piece) {
    found.push(...splitter.take(stream.subarray(at, at + piece)));
  }
  const [upgrade, ...rest] = found;
  expect(upgrade).toEqual(UPGRADE);
  expect(rest.map((item) => ("bytes" in item ? item.bytes : item))).toEqual(frames);
  expect(rest.map((item) => ("opcode" in item ? item.opcode : undefined))).toEqual([2, 2, 9, 2]);
  expect(splitter.end()).toHaveLength(0);
});

test("without faults every frame passes once, as it is and in order", () => {
  const frames = ["a", "b", "c"].map((text) => frame(text));
  expect(mangle(NO_FAULTS, frames)).toEqual(frames.map(asText));
});

test("a doubled frame is the same frame twice", () => {
  const passed = mangle({ ...NO_FAULTS, duplicateRate: 1 }, [frame("a"), frame("b")]);
  expect(passed).toEqual([frame("a"), frame("a"), frame("b"), frame("b")].map(asText));
});

test("a held frame goes behind the next one, or after a while by itself", () => {
  const passed = mangle({ ...NO_FAULTS, reorderRate: 1 }, [frame("a"), frame("b"), frame("c")]);
  expect(passed).toEqual([frame("b"), frame("a"), frame("c")].map(asText));
});

test("control frames are left alone", () => {
  const ping = frame("", { opcode: 9 });
  const all = { duplicateRate: 1, reorderRate: 1, corruptRate: 1 };
  expect(mangle(all, [ping, ping])).toEqual([ping, ping].map(asText));
});

test("a damaged frame is still a frame: shorter, or as long with another last quarter", () => {
  const original = frame("z".repeat(400), { isMasked: true });
  const passed = mangle(
    { ...NO_FAULTS, corruptRate: 1 },
    Array.from({ length: 40 }, () => original),
  ).map((text) => Buffer.from(text, "latin1"));
  const splitter = new FrameSplitter();
  const found = [...splitter.take(Buffer.concat([UPGRADE, ...passed]))].slice(1);
  expect(found).toHaveLength(40);
  expect(splitter.end()).toHaveLength(0);
  const shorter = passed.filter(({ length }) => length < original.length);
  const flipped = passed.filter(({ length }) => length === original.length);
  expect(shorter.length).toBeGreaterThan(0);
  expect(flipped.length).toBeGreaterThan(0);
  for (const bytes of flipped) {
    const differs = [...bytes].filter((byte, i) => byte !== original[i]);
    expect(differs).toHaveLength(1);
    expect(bytes.subarray(0, 300)).toEqual(original.subarray(0, 300));
  }
});

function asText(bytes: Buffer): string {
  return bytes.toString("latin1");
}
