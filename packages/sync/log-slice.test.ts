// Slices of the log, and the order in which ranges are asked for, over every input.
import { expect, test } from "vitest";
import fc from "fast-check";
import type { Hlc, LogEntry, Origin, SeqRange } from "@atoll/core";
import { Frontier, VECTOR_ZERO, mustChangeHash, mustDocId } from "@atoll/core";
import { LOG_START, isAtEnd, readSlice } from "./log-slice.ts";
import type { LogView } from "./log-slice.ts";
import type { LaneRange } from "./messages.ts";
import { newestFirst, oldestFirst, outside } from "./need-order.ts";

const origins = [2 ** 46, 2 ** 47].map((origin) => origin as Origin);
const docId = mustDocId(new Uint8Array(16));
const name = mustChangeHash(new Uint8Array(32));

interface Held {
  readonly shard: number;
  readonly origin: Origin;
  readonly seq: number;
  readonly bytes: number;
}

const logs = fc.uniqueArray(
  fc.record({
    shard: fc.nat(2),
    origin: fc.constantFrom(...origins),
    seq: fc.integer({ min: 1, max: 60 }),
    bytes: fc.oneof(fc.nat(200), fc.integer({ min: 20_000, max: 70_000 })),
  }),
  { selector: ({ shard, origin, seq }) => `${shard} ${origin} ${seq}`, maxLength: 80 },
);

function viewOf(log: readonly Held[]): LogView {
  const entries = log.map(({ bytes, ...place }): LogEntry => {
    const hlc = (place.seq * 10 + (place.origin === origins[0] ? 0 : 5)) as Hlc;
    const change = new Uint8Array(bytes);
    return { ...place, hlc, docId, hash: name, dep: VECTOR_ZERO, change, containers: [] };
  });
  return {
    origin: 1 as Origin,
    frontier: new Frontier(),
    readLog({ shard, origin }, { lo, hi }, bytesMax) {
      const found: LogEntry[] = [];
      let bytes = 0;
      const lane = entries.filter((entry) => entry.shard === shard && entry.origin === origin);
      for (const entry of lane.sort((a, b) => a.seq - b.seq)) {
        if (entry.seq < lo || entry.seq > hi) continue;
        found.push(entry);
        bytes += 96 + entry.change.length;
        if (bytes > bytesMax) break;
      }
      return found;
    },
  };
}

const lanes = [0, 1, 2].flatMap((shard) => origins.map((origin) => ({ shard, origin })));
const spelled = ({ shard, origin, seq }: LogEntry) => `${shard} ${origin} ${seq}`;

test("slices together are what was asked for, once, and the rest is told as holes", () => {
  fc.assert(
    fc.property(logs, fc.boolean(), (log, newest) => {
      const missing = lanes.map((lane) => ({ lane, upTo: 60, missing: [{ lo: 1, hi: 60 }] }));
      const ranges = (newest ? newestFirst : oldestFirst)(missing);
      const sent: LogEntry[] = [];
      const holes: LaneRange[] = [];
      let position = LOG_START;
      for (let slices = 0; !isAtEnd(ranges, position); slices++) {
        expect(slices).toBeLessThan(500);
        const slice = readSlice(viewOf(log), ranges, position);
        const bytes = slice.entries.reduce((sum, { change }) => sum + 96 + change.length, 0);
        expect(slice.entries.length === 1 || bytes <= 64 * 1024).toBe(true);
        sent.push(...slice.entries);
        holes.push(...slice.holes);
        position = slice;
      }
      const held = log.map(({ shard, origin, seq }) => `${shard} ${origin} ${seq}`);
      expect(sent.map(spelled).sort()).toEqual(held.sort());
      const all = sent.length + holes.reduce((sum, { lo, hi }) => sum + hi - lo + 1, 0);
      expect(all).toBe(lanes.length * 60);
      if (newest) return;
      for (const [i, entry] of sent.entries()) {
        const next = sent[i + 1];
        if (next?.shard === entry.shard) expect(next.hlc).toBeGreaterThan(entry.hlc);
      }
    }),
    { numRuns: 200 },
  );
});

const rangeLists = fc
  .uniqueArray(fc.integer({ min: 1, max: 1_000 }), { maxLength: 20 })
  .map((bounds) => bounds.sort((a, b) => a - b))
  .map((bounds) =>
    bounds.flatMap((lo, i): SeqRange[] => {
      const hi = bounds[i + 1];
      return i % 2 === 0 && hi !== undefined ? [{ lo, hi: hi - 1 }] : [];
    }),
  );
const numbersIn = (ranges: readonly SeqRange[]) =>
  ranges.flatMap(({ lo, hi }) => Array.from({ length: hi - lo + 1 }, (_, i) => lo + i));

test("either order asks for everything once, and newest first never asks for newer after older", () => {
  fc.assert(
    fc.property(rangeLists, (missing) => {
      const lane = { shard: 1, origin: (2 ** 46) as Origin };
      const upTo = missing.at(-1)?.hi ?? 0;
      const asked = newestFirst([{ lane, upTo, missing }]);
      expect(numbersIn(asked).sort((a, b) => a - b)).toEqual(numbersIn(missing));
      expect(asked.map(({ hi }) => hi)).toEqual(asked.map(({ hi }) => hi).sort((a, b) => b - a));
      expect(asked.filter(({ open }) => open)).toHaveLength(missing.length > 0 ? 1 : 0);
      expect(numbersIn(oldestFirst([{ lane, upTo, missing }]))).toEqual(numbersIn(missing));
    }),
  );
});

test("what lies outside is what is in one and not in the other", () => {
  fc.assert(
    fc.property(rangeLists, rangeLists, (ranges, excluded) => {
      const out = new Set(numbersIn(excluded));
      const expected = numbersIn(ranges).filter((number) => !out.has(number));
      expect(numbersIn(outside(ranges, excluded))).toEqual(expected);
    }),
  );
});
