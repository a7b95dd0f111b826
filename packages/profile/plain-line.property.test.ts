/**
 * Plain changes are written, and those of others taken in, without Automerge; it must agree on every byte and
 * every value, whatever else happens between.
 */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { limits, must, toHex } from "@atoll/core";
import { plainChunk } from "./change-writer.ts";
import { AutomergeDocument } from "./document.ts";
import { actorOf, fleetSchema } from "./fleet.fixture.ts";
import { genesisMessage } from "./genesis.ts";
import type { JsonValue } from "./json.ts";
import type { Operation } from "./operations.ts";
import { storedList } from "./stored.ts";
import { sameTree } from "./stored-tree.ts";

const SELF = actorOf(7);
const OTHERS = [actorOf(3), actorOf(9)];

const key = fc.constantFrom("a", "b", "c", "a longer key, of é and 👋".repeat(6));
const at = fc.constantFrom<readonly string[]>(["profile"], ["meta"], ["profile", "map"]);
const integer = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(0, -64, 63, 64, -65));
const scalar = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("", "x".repeat(300)),
  integer,
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter(isKept),
  fc.boolean(),
  fc.constant(null),
);
const edit: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("put" as const), at, key, value: scalar }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), at, key }) },
  {
    weight: 2,
    arbitrary: integer.map(
      (by) => ({ kind: "add", at: ["profile", "stats"], key: "n", by }) as const,
    ),
  },
);
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(key, fc.constantFrom("10", "9", "Z", "\uFFFD", "😀", "é", "")),
      tie("value"),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
  ),
})).value;
const insert: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant("splice" as const),
    at: fc.constant(["profile", "links"]),
    index: fc.constantFrom(0, 0, 0, 1),
    removed: fc.constantFrom(0, 0, 0, 1),
    inserted: fc.array(json, { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant("text" as const),
    at: fc.constant(["profile"]),
    key: fc.constant("bio"),
    index: fc.constant(0),
    removed: fc.constant(0),
    inserted: fc.oneof(
      fc.string({ unit: "binary", maxLength: 12 }),
      fc.constantFrom("👋🏽 é\r\n", "e\u0301"),
    ),
  }),
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("ours" as const),
      operations: fc.array(fc.oneof({ weight: 4, arbitrary: edit }, insert), {
        minLength: 1,
        maxLength: 5,
      }),
      time: fc.constantFrom(0, 63, 64, 1_767_225_600),
      message: fc.constantFrom(undefined, `{"principal":"key:é"}`, "{".repeat(200)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("theirs" as const),
      who: fc.constantFrom(0, 1),
      seen: fc.boolean(),
      operations: fc.array(edit, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("look" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
);

const START: Operation[] = [{ kind: "put", at: ["profile"], key: "map", value: { a: 1, z: "z" } }];

test("Automerge makes the same bytes of any run of small edits", () => {
  const genesis = AutomergeDocument.genesis(fleetSchema.root, genesisMessage(fleetSchema.root));
  const asked = vi.spyOn(AutomergeDocument.prototype, "performInModule");
  const applied = vi.spyOn(AutomergeDocument.prototype, "appendInModule");
  let ahead = 0;
  let resumed = 0;
  let followed = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let ours = genesis.fork(SELF);
      const others = OTHERS.map((actor) => genesis.fork(actor));
      const first = must(ours.perform(START, 0), "a change");
      const theirs = genesis.fork(SELF);
      for (const document of [theirs, ...others]) document.append([first]);
      let isResuming = false;
      for (const each of steps) {
        if (each.kind === "theirs" || each.kind === "reopen") isResuming = true;
        if (each.kind === "look") {
          ours.record.history();
        } else if (each.kind === "reopen") {
          const reopened = AutomergeDocument.load(ours.save(), SELF);
          ours.free();
          ours = reopened;
        } else if (each.kind === "theirs") {
          const other = must(others[each.who], "another");
          if (each.seen) other.append(ours.record.changes());
          const chunk = other.perform(each.operations.filter(hasOwnPlace), 5);
          const before = applied.mock.calls.length;
          if (chunk !== undefined) ours.append([chunk]);
          if (chunk !== undefined && applied.mock.calls.length === before) followed++;
          if (chunk !== undefined) theirs.appendInModule([chunk]);
        } else {
          const operations = each.operations.filter(hasOwnPlace).filter(fitsIn(ours));
          if (operations.length === 0) continue;
          const before = asked.mock.calls.length;
          const chunk = ours.perform(operations, each.time, each.message);
          const isAhead = asked.mock.calls.length === before;
          const made = theirs.performInModule(operations, each.time, each.message);
          expect(chunk && toHex(chunk)).toBe(made && toHex(made));
          if (isAhead) ahead++;
          if (isAhead && isResuming) resumed++;
          isResuming = false;
        }
        expect(ours.heads().map(toHex)).toEqual(theirs.heads().map(toHex));
        expect(sameTree(ours.profile, theirs.profile)).toBe(true);
        expect(sameTree(ours.meta, theirs.meta)).toBe(true);
      }
      ours.save(); // holds its values against those of the module
      for (const document of [ours, theirs, ...others]) document.free();
    }),
    { numRuns: 200 }, // the counts below are some five sigma from what they must exceed
  );
  expect(ahead).toBeGreaterThan(30);
  expect(resumed).toBeGreaterThan(10);
  expect(followed).toBeGreaterThan(5);
  genesis.free();
});

test("where a hostile change uses up the numbers of operations, Automerge decides", () => {
  const genesis = AutomergeDocument.genesis(fleetSchema.root, genesisMessage(fleetSchema.root));
  const document = genesis.fork(SELF);
  const edit = { kind: "put", at: ["profile"], key: "a", value: 1 } as const;
  const object = document.objectId(["profile"]);
  const hostile = plainChunk({
    ...{ parents: document.heads(), actor: toHex(must(OTHERS[0], "another")), seq: 1 },
    ...{ startOp: limits.PLAIN_LINE_OPERATION_MAX, timeSeconds: 0, message: undefined },
    rows: [{ action: "put", value: 2, object, key: "b", before: undefined }],
  });
  document.append([hostile]);
  const asked = vi.spyOn(document, "performInModule");
  document.perform([edit], 0);
  expect(asked).toHaveBeenCalledTimes(1);
  document.perform([{ ...edit, value: 2 }], 0);
  expect(asked).toHaveBeenCalledTimes(2);
  for (const each of [document, genesis]) each.free();
});

/** Larger integers are refused before there is a plan. */
function isKept(value: number): boolean {
  return !Number.isInteger(value) || Number.isSafeInteger(value);
}

/** A plan takes out what is there. */
function fitsIn({ profile }: AutomergeDocument): (operation: Operation) => boolean {
  const length = storedList(profile["links"])?.length ?? 0;
  return (operation) =>
    operation.kind !== "splice" || operation.index + operation.removed <= length;
}

/** A plan names a place once. */
function hasOwnPlace(operation: Operation, i: number, all: readonly Operation[]): boolean {
  const place = ({ at, ...rest }: Operation): string =>
    JSON.stringify([at, "key" in rest && rest.key]);
  return all.findIndex((other) => place(other) === place(operation)) === i;
}
