/** Edits of several steps, edits at an earlier version, and what the past says of itself. */
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { toHex } from "@atoll/core";
import { canonicalJson } from "./canonical.ts";
import { Copy, anyEdit, anyMixedEdit, anySteps, withCopies } from "./fleet.fixture.ts";
import { Steps } from "./plan-steps.ts";

const RUNS = { numRuns: 400 };

afterEach(() => {
  vi.restoreAllMocks();
});

test("the document is what the steps were planned to make of it, or untouched", () => {
  let staged: string | undefined;
  const finish = Object.getOwnPropertyDescriptor(Steps.prototype, "finish")?.value as () => never;
  vi.spyOn(Steps.prototype, "finish").mockImplementation(function (this: Steps) {
    staged = canonicalJson(this.show());
    return finish.call(this);
  });
  let made = 0;
  fc.assert(
    fc.property(
      fc.array(anyEdit, { maxLength: 3 }),
      fc.array(anySteps, { minLength: 1 }),
      (before, edits) => {
        withCopies(1, ([copy]) => {
          if (copy === undefined) return;
          for (const edit of before) copy.edit(edit);
          for (const edit of edits) {
            staged = undefined;
            const json = copy.render().json;
            const entry = copy.edit(edit);
            if (entry !== undefined) made++;
            const expected = entry === undefined ? json : staged;
            expect(copy.render().json).toBe(expected);
          }
        });
      },
    ),
    RUNS,
  );
  expect(made).toBeGreaterThan(RUNS.numRuns / 4);
});

test("an edit at a version is the edit that somebody would make who has seen no more", () => {
  fc.assert(
    fc.property(
      fc.array(anyEdit, { minLength: 1, maxLength: 3 }),
      fc.array(anyMixedEdit, { minLength: 1, maxLength: 3 }),
      fc.array(anyMixedEdit, { minLength: 1, maxLength: 3 }),
      (past, since, late) => {
        withCopies(3, ([writer, other, witness]) => {
          if (writer === undefined || other === undefined || witness === undefined) return;
          for (const edit of past) {
            const entry = writer.edit(edit);
            if (entry !== undefined) [other, witness].forEach((copy) => copy.receive(entry));
          }
          const base = writer.profile.heads();
          for (const edit of since) {
            const entry = writer.edit(edit);
            if (entry !== undefined) witness.receive(entry);
          }
          for (const edit of late) {
            // `other` has only the base; what it would do is what `writer` must do there.
            const entry = writer.edit(edit, base);
            const fresh = new Copy(7);
            for (const chunk of other.profile.changes().slice(1)) fresh.profile.append([chunk]);
            const same = fresh.edit(edit);
            expect(entry === undefined).toBe(same === undefined);
            if (entry !== undefined) {
              const receiver = new Copy(8);
              for (const chunk of other.profile.changes().slice(1))
                receiver.profile.append([chunk]);
              receiver.profile.append([...entry.containers, entry.change]);
              expect(receiver.render().json).toBe(fresh.render().json);
              witness.receive(entry);
              receiver.profile.free();
            }
            fresh.profile.free();
          }
          expect(witness.waiting).toBe(0);
          expect(witness.render()).toEqual(writer.render());
          expect(witness.heads()).toEqual(writer.heads());
        });
      },
    ),
    { numRuns: 100 },
  );
});

test("the past stays as it was, and history leads there in the same order everywhere", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1), anyMixedEdit), { maxLength: 8 }), (edits) => {
      withCopies(2, (copies) => {
        const seen: { heads: ReturnType<Copy["profile"]["heads"]>; json: string }[] = [];
        const entries: { from: Copy; entry: NonNullable<ReturnType<Copy["edit"]>> }[] = [];
        for (const [number, edit] of edits) {
          const copy = copies[number] as Copy;
          const entry = copy.edit(edit);
          if (entry === undefined) continue;
          entries.push({ from: copy, entry });
          seen.push({ heads: copy.profile.heads(), json: copy.render().json });
        }
        if (entries.length === 0) return;
        for (const { from, entry } of entries) {
          for (const copy of copies) if (copy !== from) copy.receive(entry);
        }
        const orders = copies.map((copy) => {
          const past = copy.profile.inspect();
          for (const { heads, json } of seen) expect(past.at(heads).json).toBe(json);
          expect(
            past
              .headsWhere(() => true)
              .map(toHex)
              .sort(),
          ).toEqual(copy.heads());
          const history = past.history();
          const place = new Map(history.map(({ hash }, i) => [toHex(hash), i]));
          for (const [i, { deps }] of history.entries()) {
            for (const dep of deps) expect(place.get(toHex(dep)) ?? Infinity).toBeGreaterThan(i);
          }
          expect(copy.render().conflicts).toBe(past.conflicts().length);
          for (const { pointer, values } of past.conflicts()) {
            expect(past.explain(pointer)?.value).toEqual(values[0]?.value);
          }
          return history.map(({ hash }) => toHex(hash));
        });
        expect(orders[0]).toEqual(orders[1]);
        expect(orders[0]).toHaveLength(entries.length);
      });
    }),
    { numRuns: 200 },
  );
});
