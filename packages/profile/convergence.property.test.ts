/**
 * Copies that hold the same changes are the same, whatever they did and however it reached them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "@atoll/core";
import type { Entry } from "./fleet.fixture.ts";
import { actorOf, anyEdit, fleetCodec, mustParse, withCopies } from "./fleet.fixture.ts";

const step = fc.record({
  copy: fc.nat({ max: 2 }),
  edit: anyEdit,
  /** After this step, deliver some earlier entry to some copy. */
  deliver: fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 9 })), { maxLength: 3 }),
});

test("three copies converge under any edits in any order of delivery, with duplicates", () => {
  const everything = fc.tuple(
    fc.array(step, { minLength: 2, maxLength: 6 }),
    fc.infiniteStream(fc.nat({ max: 1000 })),
  );
  fc.assert(
    fc.property(everything, ([steps, chance]) => {
      withCopies(3, (copies) => {
        const entries: Entry[] = [];
        for (const { copy, edit, deliver } of steps) {
          const entry = copies[copy]?.edit(edit);
          if (entry !== undefined) entries.push(entry);
          for (const [to, which] of deliver) {
            const sent = entries[which];
            if (sent !== undefined) copies[to]?.receive(sent);
          }
        }
        for (const copy of copies) {
          const rest = [...entries, ...entries.slice(0, 2)];
          while (rest.length > 0) {
            const next = rest.splice(chance.next().value % rest.length, 1)[0];
            if (next !== undefined) copy.receive(next);
          }
          expect(copy.waiting).toBe(0);
        }
        const [first, ...others] = copies.map((copy) => ({
          rendered: copy.render(),
          heads: copy.heads(),
          hashes: copy.profile.changeHashes().map(toHex).sort(),
        }));
        for (const other of others) expect(other).toEqual(first);
        const sent = entries.map((entry) => toHex(mustParse(entry.change).hash)).sort();
        expect(first?.hashes).toEqual(sent);

        const saved = copies[0]?.profile.save();
        const reopened = fleetCodec.open({ base: saved, tail: new Uint8Array() }, actorOf(9));
        const fromLog = fleetCodec.open(
          { base: undefined, tail: Buffer.concat(orderedChunks(entries)) },
          actorOf(9),
        );
        expect(reopened.render()).toEqual(first?.rendered);
        expect(fromLog.render()).toEqual(first?.rendered);
        expect(fromLog.heads().map(toHex)).toEqual(first?.heads);
        fromLog.save(); // holds its values against those of the module
        reopened.free();
        fromLog.free();
      });
    }),
    { numRuns: 150 },
  );
});

/** Entries were recorded in an order in which each was possible, so that order loads. */
function orderedChunks(entries: readonly Entry[]): Uint8Array[] {
  return entries.flatMap((entry) => [...entry.containers, entry.change]);
}
