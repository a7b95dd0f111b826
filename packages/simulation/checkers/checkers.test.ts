// Every checker is shown a history that breaks its promise, and the same one without the break. A checker that has
// never failed proves nothing.
import { describe, expect, test } from "vitest";
import type { JsonObject, ProfileEdit } from "@atoll/profile";
import { canonicalJson } from "@atoll/profile";
import type { Outcome } from "../workload/client.ts";
import type { Call } from "../workload/history.ts";
import { checkAcknowledged } from "./acknowledged.ts";
import { checkConvergence } from "./convergence.ts";
import { checkCounters } from "./counters.ts";
import type { Evidence } from "./evidence.ts";
import type { FinalDocument, FinalState } from "./final-state.ts";
import { judge } from "./index.ts";
import { checkOwned } from "./owned.ts";
import { checkQuiescence } from "./quiescence.ts";
import { checkRefused } from "./refused.ts";
import { checkLoading, checkRoots } from "./roots.ts";
import { checkSessions } from "./sessions.ts";
import { checkSets } from "./sets.ts";

/** Calls that follow each other, ten milliseconds apart, each done within five. */
function historyOf(...calls: readonly Partial<Call>[]): Call[] {
  return calls.map((call, index) => ({
    session: 0,
    region: 0,
    id: "m0",
    edit: undefined,
    token: "a token",
    ...{ index, invokedMs: index * 10, completedMs: index * 10 + 5, outcome: found({}) },
    ...call,
  }));
}

function found(value: JsonObject, more: Partial<Outcome & { kind: "found" }> = {}): Outcome {
  const json = canonicalJson(value);
  const about = { etag: json, heads: [], token: "a token", isStale: false, changed: true };
  return { kind: "found", json, ...about, ...more };
}

const absent: Outcome = { kind: "absent", token: "a token", isStale: false };
const unknown: Outcome = { kind: "unknown" };

function patch(members: JsonObject): ProfileEdit {
  return { kind: "merge-patch", patch: members };
}

function put(value: JsonObject): ProfileEdit {
  return { kind: "put", value };
}

/** Two regions that show the same. */
function finalsOf(profiles: Readonly<Record<string, JsonObject | undefined>>): FinalState[] {
  return ["a", "b"].map((region) => finalOf(region, profiles));
}

function finalOf(
  region: string,
  profiles: Readonly<Record<string, JsonObject | undefined>> = {},
  more: Partial<FinalState> = {},
): FinalState {
  const documents = Object.entries(profiles).map(([id, value]): FinalDocument => ({
    docId: `doc ${id}`,
    id,
    heads: "heads",
    json: value && canonicalJson(value),
    hidden: value === undefined ? "{}" : undefined,
    isQuarantined: false,
  }));
  const roots = { root: "r", rootOfChanges: "r", rootOfDocuments: "r", rootOfBuckets: "r" };
  const quiet = { unloadable: [], pending: 0, ahead: [0] };
  return { region, documents, changes: new Set(["x", "y"]), ...roots, ...quiet, ...more };
}

function evidenceOf(calls: Call[], finals: readonly FinalState[] = []): Evidence {
  return { history: { calls }, finals, losses: [], gone: new Set() };
}

const marks = (...names: string[]): JsonObject => ({
  marks: Object.fromEntries(names.map((name) => [name, true])),
});

describe("acknowledged writes", () => {
  const calls = historyOf({
    edit: patch(marks("w1")),
    mark: "w1",
    outcome: found(marks("w1"), { heads: ["x"] }),
  });

  test("that every region has in its log and shows are kept", () => {
    expect(checkAcknowledged(evidenceOf(calls, finalsOf({ m0: marks("w1") })))).toEqual([]);
  });

  test("are lost when one region does not show them", () => {
    const finals = [finalOf("a", { m0: marks("w1") }), finalOf("b", { m0: marks() })];
    expect(checkAcknowledged(evidenceOf(calls, finals))).toHaveLength(1);
  });

  test("are lost when their change is in no log", () => {
    const shown = { m0: marks("w1") };
    const finals = [finalOf("a", shown), finalOf("b", shown, { changes: new Set(["y"]) })];
    expect(checkAcknowledged(evidenceOf(calls, finals))[0]?.message).toContain("b lacks x");
  });

  test("that no disk has any more are nobody's fault", () => {
    const finals = [finalOf("a", { m0: marks("w1") }, { changes: new Set() })];
    const evidence = { ...evidenceOf(calls, finals), gone: new Set(["x"]) };
    expect(checkAcknowledged(evidence)).toEqual([]);
  });

  test("of which nobody knows need not be there", () => {
    const unclear = historyOf({ edit: patch(marks("w1")), mark: "w1", outcome: unknown });
    expect(checkAcknowledged(evidenceOf(unclear, finalsOf({ m0: marks() })))).toEqual([]);
  });
});

describe("convergence", () => {
  test("holds between equal regions", () => {
    expect(checkConvergence(evidenceOf([], finalsOf({ f0: { a: 1 } })))).toEqual([]);
  });

  test.each([
    ["other bytes", finalOf("b", { f0: { a: 2 } })],
    ["a profile less", finalOf("b")],
    ["a profile more", finalOf("b", { f0: { a: 1 }, f1: {} })],
    ["a deleted profile", finalOf("b", { f0: undefined })],
    ["another root", finalOf("b", { f0: { a: 1 } }, { root: "s" })],
    ["other changes", finalOf("b", { f0: { a: 1 } }, { changes: new Set(["x"]) })],
  ])("is broken by %s", (_what, other) => {
    const finals = [finalOf("a", { f0: { a: 1 } }), other];
    expect(checkConvergence(evidenceOf([], finals)).length).toBeGreaterThan(0);
  });

  test("is broken by other heads under the same bytes", () => {
    const a = finalOf("a", { f0: {} });
    const documents = a.documents.map((document) => ({ ...document, heads: "others" }));
    expect(checkConvergence(evidenceOf([], [a, { ...a, region: "b", documents }]))).toHaveLength(1);
  });
});

describe("sessions", () => {
  const write = (mark: string, more: Partial<Call> = {}): Partial<Call> => ({
    edit: patch(marks(mark)),
    mark,
    outcome: found(marks(mark)),
    ...more,
  });
  const read = (names: string[], more: Partial<Call> = {}): Partial<Call> => ({
    outcome: found(marks(...names)),
    ...more,
  });
  const faultsOf = (...calls: Partial<Call>[]): string[] =>
    checkSessions(evidenceOf(historyOf(...calls))).map(
      ({ message }) => message.split(":")[0] ?? "",
    );

  test("see what they wrote", () => {
    expect(faultsOf(write("w1"), read(["w1"]))).toEqual([]);
    expect(faultsOf(write("w1"), read([], { region: 1 }))).toEqual(["read your writes"]);
  });

  test("see what they have seen", () => {
    const other = write("w1", { session: 7 });
    expect(faultsOf(other, read(["w1"]), read(["w1"]))).toEqual([]);
    expect(faultsOf(other, read(["w1"]), read([]))).toEqual(["monotonic reads"]);
  });

  test("see what the writer of a write they see had written before, in any profile", () => {
    const writer = [
      write("w1", { session: 7 }),
      write("w2", { session: 7, id: "m1", outcome: found(marks("w2")) }),
    ];
    const seesSecond = read(["w2"], { id: "m1" });
    expect(faultsOf(...writer, seesSecond, read(["w1"]))).toEqual([]);
    expect(faultsOf(...writer, seesSecond, read([]))).toEqual(["monotonic writes"]);
  });

  test("see what the writer of a write they see had read before", () => {
    const others = [
      write("w1", { session: 6 }),
      read(["w1"], { session: 7 }),
      write("w2", { session: 7, id: "m1" }),
    ];
    const seesSecond = read(["w2"], { id: "m1" });
    expect(faultsOf(...others, seesSecond, read([]))).toEqual(["writes follow reads"]);
  });

  test("are told when an answer is stale, and may see less then", () => {
    const stale = read([], { outcome: found(marks(), { isStale: true }) });
    expect(faultsOf(write("w1"), stale)).toEqual([]);
  });

  test("are promised nothing without a token", () => {
    expect(faultsOf(write("w1"), read([], { token: undefined }))).toEqual([]);
  });

  test("see nothing of a write whose disk lost it", () => {
    const calls = historyOf(write("w1"), read([], { region: 1 }));
    const losses = [{ region: 0, fromMs: 0, toMs: 9 }];
    expect(checkSessions({ ...evidenceOf(calls), losses })).toEqual([]);
  });
});

describe("counters", () => {
  const add = (by: number, outcome: Outcome): Partial<Call> => ({
    id: "c0",
    edit: { kind: "increment", pointer: "/stats/posts", by },
    outcome,
  });
  const calls = historyOf(add(3, found({})), add(10, unknown), add(5, absent));
  const shown = (posts: number): FinalState[] => finalsOf({ c0: { stats: { posts } } });

  test("are the sum of what was acknowledged, and of some of what is unclear", () => {
    expect(checkCounters(evidenceOf(calls, shown(3)))).toEqual([]);
    expect(checkCounters(evidenceOf(calls, shown(13)))).toEqual([]);
  });

  test.each([0, 6, 8, 10, 18])("are nothing else: not %i", (value) => {
    expect(checkCounters(evidenceOf(calls, shown(value)))).toHaveLength(2);
  });
});

describe("sets", () => {
  const add = (added: string, more: Partial<Call> = {}): Partial<Call> => ({
    id: "s0",
    edit: patch({}),
    added,
    ...more,
  });
  const remove = (removed: string, more: Partial<Call> = {}): Partial<Call> => ({
    id: "s0",
    edit: patch({}),
    removed,
    ...more,
  });
  const faultsOf = (calls: Partial<Call>[], interests: string[]): number =>
    checkSets(evidenceOf(historyOf(...calls), finalsOf({ s0: { interests } }))).length;

  test("have what was added", () => {
    expect(faultsOf([add("x")], ["x"])).toBe(0);
    expect(faultsOf([add("x")], [])).toBe(2);
  });

  test("have not what was removed", () => {
    expect(faultsOf([add("x"), remove("x")], [])).toBe(0);
    expect(faultsOf([add("x"), remove("x")], ["x"])).toBe(2);
  });

  test("keep an addition that a removal did not know of", () => {
    const calls = [add("x"), { id: "s0" }, add("x", { session: 2 }), remove("x", { basedOn: 1 })];
    expect(faultsOf(calls, ["x"])).toBe(0);
    expect(faultsOf(calls, [])).toBe(2);
  });

  test("have nothing that nobody added, and nothing that was refused", () => {
    expect(faultsOf([add("x")], ["x", "y"])).toBe(2);
    const refused: Outcome = { kind: "refused", code: "precondition-failed" };
    expect(faultsOf([add("x", { outcome: refused })], ["x"])).toBe(2);
  });
});

describe("what one session owns", () => {
  const own = (edit: ProfileEdit | undefined, outcome: Outcome): Partial<Call> => ({
    id: "o0-0",
    edit,
    outcome,
  });
  const faultsOf = (calls: Partial<Call>[], last: JsonObject | undefined): string[] =>
    checkOwned(evidenceOf(historyOf(...calls), finalsOf({ "o0-0": last }))).map(
      ({ checker }) => checker,
    );

  test("is what it wrote last", () => {
    const calls = [
      own(put({ a: 1 }), found({ a: 1 })),
      own(patch({ b: 2 }), found({ a: 1, b: 2 })),
    ];
    expect(faultsOf(calls, { a: 1, b: 2 })).toEqual([]);
    expect(faultsOf(calls, { b: 2 })).toEqual(["owned", "owned"]);
  });

  test("is read back as it was written", () => {
    const calls = [own(put({ a: 1 }), found({ a: 1 })), own(undefined, found({ a: 2 }))];
    expect(faultsOf(calls, { a: 1 })).toEqual(["owned"]);
  });

  test("stays deleted", () => {
    const calls = [own(put({ a: 1 }), found({ a: 1 })), own({ kind: "delete" }, absent)];
    expect(faultsOf(calls, undefined)).toEqual([]);
    expect(faultsOf(calls, { a: 1 })).toEqual(["deletes", "deletes"]);
  });

  test("starts from nothing after a delete", () => {
    const before = [own(put({ a: 1 }), found({ a: 1 })), own({ kind: "delete" }, absent)];
    expect(faultsOf([...before, own(patch({ b: 2 }), found({ b: 2 }))], { b: 2 })).toEqual([]);
    expect(faultsOf([...before, own(patch({ b: 2 }), found({ a: 1, b: 2 }))], {})).toEqual([
      "owned",
    ]);
  });

  test("is not known any more after a request without an answer", () => {
    expect(faultsOf([own(put({ a: 1 }), unknown)], { a: 7 })).toEqual([]);
  });
});

describe("final states", () => {
  test("are sound", () => {
    expect(judge(evidenceOf([], finalsOf({ f0: {} })))).toEqual([]);
  });

  test.each(["rootOfChanges", "rootOfDocuments", "rootOfBuckets"])(
    "are not with another %s",
    (root) => {
      const finals = [finalOf("a", {}, { [root]: "s" })];
      expect(checkRoots(evidenceOf([], finals))).toHaveLength(1);
    },
  );

  test("are not with a document that does not load", () => {
    const finals = [finalOf("a", {}, { unloadable: ["doc: no"] })];
    expect(checkLoading(evidenceOf([], finals))).toHaveLength(1);
  });

  test.each([{ pending: 1 }, { ahead: [0, 2] }])("are not at rest with %o", (more) => {
    expect(checkQuiescence(evidenceOf([], [finalOf("a", {}, more)]))).toHaveLength(1);
  });

  test("are not at rest with a document that is set aside", () => {
    const a = finalOf("a", { f0: {} });
    const documents = a.documents.map((document) => ({ ...document, isQuarantined: true }));
    expect(checkQuiescence(evidenceOf([], [{ ...a, documents }]))).toHaveLength(1);
  });
});

test("what was refused is not shown", () => {
  const refused: Outcome = { kind: "refused", code: "storage-full" };
  const calls = historyOf({ edit: patch(marks("w1")), mark: "w1", outcome: refused });
  expect(checkRefused(evidenceOf(calls, finalsOf({ m0: marks("w1") })))).toHaveLength(2);
  expect(checkRefused(evidenceOf(calls, finalsOf({ m0: marks() })))).toEqual([]);
});
