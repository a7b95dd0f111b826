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

test("what is taken out again is missing like what never came", () => {
  fc.assert(
    fc.property(seqs, fc.array(fc.tuple(fc.nat(40), fc.nat(5))), (received, lost) => {
      const frontier = new LaneFrontier();
      const held = new Set(received);
      for (const seq of received) frontier.add(seq);
      for (const [from, more] of lost) {
        const numbers = range(from + 1, from + 1 + more);
        const any = numbers.map((seq) => held.delete(seq)).includes(true);
        expect(frontier.remove(from + 1, from + 1 + more)).toBe(any);
      }
      const never = new LaneFrontier();
      for (const seq of [...held].sort((a, b) => a - b)) never.add(seq);
      expect(frontier).toEqual(never);
      expect([frontier.contig, frontier.max]).toEqual([never.contig, never.max]);
      expect(frontier.gaps).toEqual(never.gaps);
    }),
    { numRuns: 1000 },
  );
});

function range(lo: number, hi: number): number[] {
  return Array.from({ length: Math.max(0, hi - lo + 1) }, (_, i) => lo + i);
}
