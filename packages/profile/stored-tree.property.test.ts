/**
 * What is kept up step by step is what is there as a whole: after every edit and every delivery.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Copy, Entry } from "./fleet.fixture.ts";
import { actorOf, anyEdit, fleetCodec, withCopies } from "./fleet.fixture.ts";
import { copyTree, patchTree, performOnTree, sameTree } from "./stored-tree.ts";
import type { TreeMap, TreeValues } from "./stored-tree.ts";

const step = fc.record({
  copy: fc.nat({ max: 2 }),
  edit: anyEdit,
  /** Some earlier entry to some copy. */
  deliver: fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 9 })), { maxLength: 3 }),
  /** Look at what is shown before the next step: what was never shown is not kept up either. */
  look: fc.boolean(),
});

/** `save` compares the tree with the saved document's, and throws when they differ. */
function expectWhole(copy: Copy): void {
  const base = copy.profile.save();
  const whole = fleetCodec.open({ base, tail: new Uint8Array() }, actorOf(9));
  try {
    const { profileId } = copy.render(); // of a document that nobody wrote in, only its maker knows
    expect(copy.render()).toEqual({ ...whole.render(), profileId });
    expect(copy.profile.heads()).toEqual(whole.heads());
  } finally {
    whole.free();
  }
}

test("a view kept up by every edit and every delivery is the view of the whole document", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 8 }), (steps) => {
      withCopies(3, (copies) => {
        const entries: Entry[] = [];
        for (const { copy: number, edit, deliver, look } of steps) {
          const copy = copies[number];
          const entry = copy?.edit(edit);
          if (entry !== undefined) entries.push(entry);
          if (look && copy !== undefined) expectWhole(copy);
          for (const [to, which] of deliver) {
            const sent = entries[which];
            const receiver = copies[to];
            if (sent === undefined || receiver === undefined) continue;
            receiver.receive(sent);
            if (look) expectWhole(receiver);
          }
        }
        copies.forEach(expectWhole);
      });
    }),
    { numRuns: 150 },
  );
});

test("a view kept up by deliveries of several changes at once is the view of the whole document", () => {
  // Few members, so that values come and go where others have written.
  const value = fc.option(fc.nat({ max: 9 }));
  const small = fc.record({ nick: value, place: fc.record({ at: value }) }, { requiredKeys: [] });
  const patch = small.map((members) => ({ kind: "merge-patch", patch: members }) as const);
  const edit = fc.oneof({ arbitrary: patch, weight: 4 }, anyEdit);
  const many = fc.record({
    edits: fc.array(fc.tuple(fc.nat({ max: 1 }), edit), { minLength: 1, maxLength: 5 }),
    own: fc.option(edit),
  });
  fc.assert(
    fc.property(fc.array(many, { minLength: 1, maxLength: 4 }), (rounds) => {
      withCopies(3, (copies) => {
        const reader = copies[2];
        if (reader === undefined) return;
        for (const { edits, own } of rounds) {
          const entries = edits.flatMap(([number, edit]) => copies[number]?.edit(edit) ?? []);
          if (own !== null) reader.edit(own);
          reader.receiveTogether(entries);
          expectWhole(reader);
        }
      });
    }),
    { numRuns: 150 },
  );
});

test.each([
  [0, 1],
  [1, 0],
])(
  "when the winner goes and another comes in one delivery, that other is shown: %i, %i",
  (a, b) => {
    withCopies(3, (copies) => {
      const [one, other, reader] = [copies[a], copies[b], copies[2]];
      const put = one?.edit({ kind: "merge-patch", patch: { nick: "the winner" } });
      const removal = one?.edit({ kind: "merge-patch", patch: { nick: null } });
      const another = other?.edit({ kind: "merge-patch", patch: { nick: "the other" } });
      if (reader === undefined || put === undefined) return expect.unreachable();
      reader.receive(put);
      reader.receiveTogether([another, removal].filter((entry) => entry !== undefined));
      expect(reader.json()).toEqual({ nick: "the other" });
      expectWhole(reader);
    });
  },
);

const values: TreeValues = {
  fromJson: (value) => value,
  counter: (value) => ({ toJSON: () => value }),
};

test("what does not fit a tree is said, not guessed", () => {
  const tree = (): TreeMap => ({ list: [1, 2], text: "ab", map: {}, name: null });
  const at: string[] = [];
  for (const operation of [
    { kind: "splice", at: ["list"], index: 1, removed: 2, inserted: [] },
    { kind: "splice", at: ["map"], index: 0, removed: 0, inserted: [1] },
    { kind: "text", at, key: "text", index: 2, removed: 1, inserted: "" },
    { kind: "text", at, key: "name", index: 0, removed: 0, inserted: "x" },
    { kind: "add", at, key: "name", by: 1 },
    { kind: "put", at: ["nowhere"], key: "x", value: 1 },
    { kind: "put", at: ["constructor"], key: "x", value: 1 },
  ] as const) {
    expect(performOnTree(tree(), operation, values)).toBe(false);
  }
  for (const patch of [
    { action: "insert", path: ["list", 3], values: [1] },
    { action: "put", path: ["list", 2], value: 1 },
    { action: "put", path: ["map", 0], value: 1 },
    { action: "splice", path: ["text", 3], value: "x" },
    { action: "del", path: ["text", 1], length: 2 },
    { action: "insert", path: ["text", 0], values: [{}] },
    { action: "inc", path: ["name"], value: 1 },
    { action: "inc", path: ["list", 0], value: 1 },
    { action: "del", path: ["nowhere", "x"] },
  ] as const) {
    expect(patchTree(tree(), patch, values)).toBe(false);
  }
});

test("a copy shares no map and no list, and keeps every name", () => {
  const before = JSON.parse('{"a":{"b":[{"c":1}]},"__proto__":{"x":1},"constructor":2}') as TreeMap;
  const copy = copyTree(before);
  expect(sameTree(copy, before)).toBe(true);
  expect(Object.hasOwn(copy, "__proto__")).toBe(true);
  performOnTree(copy, { kind: "put", at: ["a", "b", 0] as const, key: "c", value: 2 }, values);
  expect(sameTree(copy, before)).toBe(false);
  expect(before).toEqual(JSON.parse(JSON.stringify(before)));
  expect(before["a"]).toEqual({ b: [{ c: 1 }] });
});

test("trees differ when any value, place or kind of value does", () => {
  expect(sameTree({ a: 1, b: [1, "x"] }, { b: [1, "x"], a: 1 })).toBe(true);
  expect(sameTree({ a: 9007199254740991n }, { a: 9007199254740991 })).toBe(true);
  for (const [a, b] of [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: [] }, { a: {} }],
    [{ a: "x" }, { a: { toJSON: () => "x" } }],
    [{ a: null }, {}],
    [{ a: new Uint8Array(1) }, { a: new Uint8Array(2) }],
  ] as const) {
    expect(sameTree(a, b)).toBe(false);
    expect(sameTree(b, a)).toBe(false);
  }
});
