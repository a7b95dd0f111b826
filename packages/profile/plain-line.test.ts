// What is taken in without Automerge, and what is left to it.
import fc from "fast-check";
import { afterAll, describe, expect, test, vi } from "vitest";
import { limits, must, mustChangeHash, nameOfReceived, toHex } from "@atoll/core";
import type { ChangeHash } from "@atoll/core";
import { readScalarChange } from "./change-reader.ts";
import { plainChunk } from "./change-writer.ts";
import type { Place, ScalarChange, ScalarDeed } from "./change-writer.ts";
import { AutomergeDocument } from "./document.ts";
import { actorOf, fleetSchema } from "./fleet.fixture.ts";
import { genesisMessage } from "./genesis.ts";
import type { Operation } from "./operations.ts";
import { storedAt, storedCounter, storedMap } from "./stored.ts";
import { sameTree } from "./stored-tree.ts";

const SELF = actorOf(7);
const OTHER = actorOf(3);
const genesis = AutomergeDocument.genesis(fleetSchema.root, genesisMessage(fleetSchema.root));
afterAll(() => genesis.free());

const put = (key: string, value: string | number | { [key: string]: string }): Operation => ({
  ...{ kind: "put", at: ["profile"], key, value },
});

/** A document, what another region has written in it, and what that region writes next. */
function pair(): { ours: AutomergeDocument; next: ScalarChange; release: () => void } {
  const ours = genesis.fork(SELF);
  const other = genesis.fork(OTHER);
  ours.append([must(other.perform([put("a", 1), put("map", { z: "z" })], 0), "a change")]);
  const next = must(
    readScalarChange(must(other.perform([put("a", 2), put("b", "new")], 0), "a change")),
    "a plain change",
  );
  other.free();
  return { ours, next, release: () => ours.free() };
}

/** Appends it; whether Automerge was asked for that. A reference takes it through Automerge alone. */
function isFollowed(ours: AutomergeDocument, chunk: Uint8Array): boolean {
  const reference = AutomergeDocument.load(ours.save(), SELF);
  const applied = vi.spyOn(ours, "appendInModule");
  let theirs: unknown;
  try {
    reference.appendInModule([chunk]);
  } catch (error) {
    theirs = error;
  }
  try {
    ours.append([chunk]);
    expect(theirs).toBeUndefined();
    expect(sameTree(ours.profile, reference.profile)).toBe(true);
    expect(ours.heads().map(toHex)).toEqual(reference.heads().map(toHex));
  } catch (error) {
    if (theirs === undefined) throw error;
    expect(error).toBeInstanceOf(Error);
  } finally {
    reference.free();
  }
  const isAsked = applied.mock.calls.length > 0;
  applied.mockRestore();
  return !isAsked;
}

test("the next change of one who knew all there is needs no Automerge", () => {
  const { ours, next, release } = pair();
  expect(isFollowed(ours, plainChunk(next))).toBe(true);
  expect(ours.profile["b"]).toBeDefined();
  ours.prove([plainChunk(next)]); // applied by now, and given back as it came
  release();
});

test("a counter counts on without Automerge, whoever counts", () => {
  const { ours, next, release } = pair();
  const other = genesis.fork(OTHER);
  other.append([...ours.record.changes(), plainChunk(next)]);
  expect(isFollowed(ours, plainChunk(next))).toBe(true);
  const count: Operation = { kind: "add", at: ["profile", "stats"], key: "n", by: 2 };
  const asked = vi.spyOn(AutomergeDocument.prototype, "performInModule");
  for (let round = 0; round < 3; round++) {
    expect(isFollowed(ours, must(other.perform([count], 0), "theirs"))).toBe(true);
    other.append([must(ours.perform([count], 0), "ours")]);
  }
  expect(asked).not.toHaveBeenCalled();
  asked.mockRestore();
  expect(sameTree(ours.profile, other.profile)).toBe(true);
  expect(storedCounter(storedAt(storedMap(ours.profile["stats"]) ?? {}, "n"))).toBe(12);
  other.free();
  release();
});

test("what a counter cannot count in numbers is left to Automerge", () => {
  const { ours, release } = pair();
  const other = genesis.fork(OTHER);
  other.append(ours.record.changes());
  const most = Number.MAX_SAFE_INTEGER - 1;
  const count: Operation = { kind: "add", at: ["profile", "stats"], key: "n", by: most };
  for (let round = 0; round < 3; round++) {
    ours.append([must(other.performInModule([count], 0), "theirs")]);
    expect(sameTree(ours.profile, other.profile)).toBe(true);
  }
  other.free();
  release();
});

const ANOTHER = mustChangeHash(new Uint8Array(32).fill(9));
const row = (change: ScalarChange, over: Partial<Place>, deed?: ScalarDeed): ScalarChange => {
  const { object, key, before, ...did } = must(change.rows[0], "a row");
  return { ...change, rows: [{ object, key, before, ...over, ...(deed ?? did) }] };
};

test.each<[string, (change: ScalarChange) => ScalarChange]>([
  ["a number that was given before", (change) => ({ ...change, seq: change.seq - 1 })],
  ["a number that leaves one out", (change) => ({ ...change, seq: change.seq + 1 })],
  ["operations that begin too early", (change) => ({ ...change, startOp: change.startOp - 1 })],
  ["operations that begin too late", (change) => ({ ...change, startOp: change.startOp + 1 })],
  ["numbers at the end of what there is", (change) => ({ ...change, startOp: 2 ** 32 - 2 })],
  ["a parent that nobody knows", (change) => ({ ...change, parents: [ANOTHER] })],
  ["one parent more", (change) => ({ ...change, parents: sorted([...change.parents, ANOTHER]) })],
  ["no parent", (change) => ({ ...change, parents: [] })],
  ["a writer who has not written yet", (change) => ({ ...change, actor: toHex(actorOf(5)) })],
  ["a map that nobody made", (change) => row(change, { object: `77@${toHex(OTHER)}` })],
  ["something where a map lies", (change) => row(change, { key: "map", before: undefined })],
  ["what was there, without saying so", (change) => row(change, { before: undefined })],
  ["what was never there", (change) => row(change, { key: "c" })],
  ["what another operation wrote", (change) => row(change, { before: `1@${toHex(OTHER)}` })],
  ["counting where no counter is", (change) => row(change, {}, { action: "add", by: 1 })],
  ["one member twice", (change) => ({ ...change, rows: [...change.rows, ...change.rows] })],
])("%s is left to Automerge", (_what, alter) => {
  const { ours, next, release } = pair();
  expect(isFollowed(ours, plainChunk(alter(next)))).toBe(false);
  release();
});

test("what comes twice is left to Automerge, which knows it", () => {
  const { ours, next, release } = pair();
  expect(isFollowed(ours, plainChunk(next))).toBe(true);
  expect(isFollowed(ours, plainChunk(next))).toBe(false);
  release();
});

test("what builds on changes that only Automerge could take is followed again", () => {
  const { ours, next, release } = pair();
  const nested = genesis.fork(OTHER);
  nested.append([...ours.record.changes(), plainChunk(next)]);
  expect(isFollowed(ours, plainChunk(next))).toBe(true);
  const list = must(
    nested.perform([{ kind: "put", at: ["profile"], key: "l", value: [1] }], 0),
    "",
  );
  expect(isFollowed(ours, list)).toBe(false);
  expect(isFollowed(ours, must(nested.perform([put("a", 3)], 0), "a change"))).toBe(true);
  nested.free();
  release();
});

describe("a change that is read", () => {
  const { next, release } = pair();
  release();
  const chunk = plainChunk(next);

  test("is what was written", () => {
    expect(readScalarChange(chunk)).toEqual(next);
    const taken = row(next, {}, { action: "remove" });
    expect(readScalarChange(plainChunk(taken))).toEqual(taken);
    const counted = row(next, {}, { action: "add", by: -(2 ** 40) });
    expect(readScalarChange(plainChunk(counted))).toEqual(counted);
  });

  test.each<[string, Operation]>([
    ["a list", { kind: "put", at: ["profile"], key: "x", value: ["a"] }],
    ["a map", put("x", { y: "z" })],
  ])("is not %s", (_what, operation) => {
    const other = genesis.fork(OTHER);
    expect(
      readScalarChange(must(other.performInModule([operation], 0), "a change")),
    ).toBeUndefined();
    other.free();
  });

  test("never throws, and says only what its bytes say", () => {
    const flip = fc.tuple(fc.nat(chunk.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), fc.nat(4), (flips, cut) => {
        const bytes = new Uint8Array(chunk.subarray(0, chunk.length - cut));
        for (const [at, by] of flips) bytes[at] = (bytes[at] ?? 0) ^ by;
        const read = readScalarChange(bytes);
        if (read === undefined) return;
        expect(toHex(plainChunk(read).subarray(8))).toBe(toHex(bytes.subarray(8)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("may have as many equal rows as a change may have operations", () => {
    const rows = Array.from({ length: limits.CHANGE_OPS_MAX }, () => must(next.rows[0], "a row"));
    const many = readScalarChange(plainChunk({ ...next, rows }));
    expect(many?.rows.length).toBe(limits.CHANGE_OPS_MAX);
  });

  test("is named as it was", () => {
    const read = must(readScalarChange(chunk), "a change");
    expect(toHex(nameOfReceived(plainChunk(read)))).toBe(toHex(nameOfReceived(chunk)));
  });
});

function sorted(hashes: readonly ChangeHash[]): ChangeHash[] {
  return [...hashes].sort((a, b) => Buffer.compare(a, b));
}
