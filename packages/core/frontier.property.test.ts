import { expect, test } from "vitest";
import fc from "fast-check";
import { LaneFrontier } from "./frontier.ts";

const seqs = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 });

test("a frontier that received numbers in any order equals the set of them", () => {
  fc.assert(
    fc.property(seqs, fc.integer({ min: 0, max: 50 }), (received, upTo) => {
      const frontier = new LaneFrontier();
      const held = new Set<number>();
      for (const seq of received) {
        expect(frontier.add(seq)).toBe(!held.has(seq));
        held.add(seq);
      }
      let contig = 0;
      while (held.has(contig + 1)) contig++;
      expect(frontier.contig).toBe(contig);
      expect(frontier.max).toBe(Math.max(0, ...held));
      for (let seq = 1; seq <= 50; seq++) expect(frontier.has(seq)).toBe(held.has(seq));
      const missing = frontier.missing(upTo).flatMap(({ lo, hi }) => range(lo, hi));
      expect(missing).toEqual(range(1, upTo).filter((seq) => !held.has(seq)));
    }),
    { numRuns: 1000 },
  );
});

test("a frontier is the same after it was stored and read back", () => {
  fc.assert(
    fc.property(seqs, fc.integer({ min: 1, max: 45 }), (received, next) => {
      const frontier = new LaneFrontier();
      for (const seq of received) frontier.add(seq);
      const copy = new LaneFrontier(frontier.contig, frontier.max, frontier.gaps);
      expect(copy.add(next)).toBe(frontier.add(next));
      expect(copy).toEqual(frontier);
    }),
    { numRuns: 500 },
  );
});

function range(lo: number, hi: number): number[] {
  return Array.from({ length: Math.max(0, hi - lo + 1) }, (_, i) => lo + i);
}

test("a number that is taken out again is missing, and the highest is not forgotten", () => {
  fc.assert(
    fc.property(seqs, seqs, (received, lost) => {
      const frontier = new LaneFrontier();
      const held = new Set(received);
      for (const seq of received) frontier.add(seq);
      const { max } = frontier;
      for (const seq of lost) expect(frontier.remove(seq)).toBe(held.delete(seq));
      expect(frontier.max).toBe(max);
      for (let seq = 1; seq <= 50; seq++) expect(frontier.has(seq)).toBe(held.has(seq));
      expect(frontier.missing(max).flatMap(({ lo, hi }) => range(lo, hi))).toEqual(
        range(1, max).filter((seq) => !held.has(seq)),
      );
      const stored = new LaneFrontier(frontier.contig, frontier.max, frontier.gaps);
      for (const seq of lost) {
        if (seq <= max) held.add(seq);
        if (seq <= max) stored.add(seq);
      }
      for (let seq = 1; seq <= max; seq++) expect(stored.has(seq)).toBe(held.has(seq));
    }),
    { numRuns: 500 },
  );
});
