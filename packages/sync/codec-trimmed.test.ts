// What version 3 says of trimmed logs, and what becomes of it on a link that speaks version 2.
import { expect, test } from "vitest";
import type { LogEntry, RegionCode, RegionVector } from "@atoll/core";
import { mustHlc } from "@atoll/core";
import { madeEntry } from "./comparing-pair.fixture.ts";
import { decodeFrame, encodeMessage } from "./codec.ts";
import type { Message } from "./messages.ts";

const cut: RegionVector = new Map([[1 as RegionCode, mustHlc(77)]]);
const root = new Uint8Array(32).fill(3);
const { shard, origin } = madeEntry(1);

function through(message: Message, version = 3): unknown {
  const decoded = decodeFrame(encodeMessage(message, version), version);
  return decoded.kind === "message" ? decoded.message : decoded;
}

const messages: Message[] = [
  { kind: "compare-open", id: 1, cut, root, changes: 5, union: true },
  { kind: "compare-open", id: 1, cut, root, changes: 5 },
  { kind: "compare-stale", id: 2, reason: "trimmed", horizon: cut },
  { kind: "compare-stale", id: 2, reason: "tail" },
  { kind: "ask-changes", id: 3, cut, wide: true, union: true, positions: [0, 2 ** 52 - 1] },
  { kind: "ask-documents", id: 3, cut, wide: false, union: true, nodes: [{ depth: 4, index: 3 }] },
  { kind: "want-changes", id: 4, elements: [1n, 2n, 3n], positions: [undefined, 0, 2 ** 52 - 1] },
  { kind: "want-changes", id: 4, elements: [1n] },
  { kind: "compare-lanes", id: 5, cut, root, lanes: [{ shard, origin, contig: 9 }] },
];

test.each(messages)("$kind is read as it was said", (message) => {
  expect(through(message)).toEqual(message);
});

test("a peer of version 2 hears the nearest that it has a word for", () => {
  expect(through(messages[0] as Message, 2)).not.toHaveProperty("union");
  expect(through(messages[2] as Message, 2)).toMatchObject({ reason: "not-covered" });
  expect(through(messages[4] as Message, 2)).toMatchObject({ wide: true });
  expect(through(messages[6] as Message, 2)).not.toHaveProperty("positions");
});

test("unknown flags of a question are malformed", () => {
  const frame = encodeMessage({ kind: "ask-changes", id: 3, cut, wide: false, positions: [] }, 3);
  frame[frame.length - 2] = 4;
  expect(decodeFrame(frame, 3).kind).toBe("fault");
});

test("placeless changes travel among others, and not before version 3", () => {
  const times = { created: mustHlc(3), updated: mustHlc(9_000) };
  const placeless = [1, 1, 2].map((n) => ({ ...madeEntry(n), shard, origin, seq: 0, times }));
  const first = { ...madeEntry(3), shard, origin, seq: 1 };
  const all = [...placeless, first, { ...madeEntry(3), shard, origin, seq: 2 }];
  const entries: LogEntry[] = all;
  const batch: Message = { kind: "batch", repair: true, answer: false, entries };
  const read = through(batch) as Extract<Message, { kind: "batch" }>;
  expect(read.entries.map(({ seq }) => seq)).toEqual([0, 0, 0, 1, 2]);
  expect(read.entries.map((entry) => entry.times)).toEqual(entries.map((entry) => entry.times));
  expect(encodeMessage(read, 3)).toEqual(encodeMessage(batch, 3)); // one spelling
  expect(decodeFrame(encodeMessage(batch, 2), 2).kind).toBe("fault");
});
