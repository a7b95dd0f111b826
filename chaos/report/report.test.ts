// What a run leaves behind: lines that JSON reads, EDN in the words of Jepsen, and a page that asks nobody.
import { expect, test } from "vitest";
import type { Call, Outcome } from "@atoll/simulation/workload";
import type { RunDetails } from "../run/run-scenario.ts";
import type { Scenario } from "../scenario.ts";
import { markedProfiles, rwRegisterEdn, setFullEdn } from "./edn.ts";
import { historyLines } from "./history-lines.ts";
import { reportHtml } from "./html.ts";

function found(...marks: string[]): Outcome {
  const json = JSON.stringify({ marks: Object.fromEntries(marks.map((mark) => [mark, true])) });
  return { kind: "found", json, etag: "tag", heads: [], token: "t", isStale: false };
}

const about = { region: 0, id: "m0", token: "t", edit: undefined } as const;
const edit = { kind: "merge-patch", patch: {} } as const;
const CALLS: readonly Call[] = [
  {
    ...about,
    index: 0,
    session: 3,
    edit,
    mark: "w7",
    invokedMs: 1,
    completedMs: 2,
    outcome: found("w7"),
  },
  {
    ...about,
    index: 1,
    session: 4,
    edit,
    mark: "w9",
    invokedMs: 3,
    completedMs: 9,
    outcome: { kind: "unknown" },
  },
  { ...about, index: 2, session: 4, invokedMs: 4, completedMs: 5, outcome: found("w7") },
  {
    ...about,
    index: 3,
    session: 4,
    invokedMs: 6,
    completedMs: 7,
    outcome: { kind: "refused", code: "overloaded" },
  },
  { ...about, index: 4, session: -9, invokedMs: 8, completedMs: undefined, outcome: undefined },
];

test("the history tells each call and its end by time; who got no answer goes on as somebody else", () => {
  const fault = { what: "a cut", fromMs: 2.5, toMs: 6.5, excused: [] };
  const lines = historyLines(CALLS, [fault], ["us"]);
  expect(lines.map(({ index }) => index)).toEqual(lines.map((_, i) => i));
  expect(lines.map(({ process, type }) => `${process} ${type}`)).toEqual([
    "3 invoke",
    "3 ok",
    "nemesis info",
    "4 invoke",
    "10004 invoke",
    "10004 ok",
    "10004 invoke",
    "nemesis info",
    "10004 fail",
    "1000000004 invoke",
    "4 info",
  ]);
});

test("marks are registers that are written once, and a read tells those it did not show", () => {
  expect(rwRegisterEdn(CALLS).split("\n").slice(0, 5)).toEqual([
    '{:index 0, :time 1000000, :type :invoke, :process 3, :f :txn, :value [[:w "m0/w7" 7]]}',
    '{:index 1, :time 2000000, :type :ok, :process 3, :f :txn, :value [[:w "m0/w7" 7]]}',
    '{:index 2, :time 3000000, :type :invoke, :process 4, :f :txn, :value [[:w "m0/w9" 9]]}',
    '{:index 3, :time 4000000, :type :invoke, :process 10004, :f :txn, :value [[:r "m0/w7" nil] [:r "m0/w9" nil]]}',
    '{:index 4, :time 5000000, :type :ok, :process 10004, :f :txn, :value [[:r "m0/w7" 7] [:r "m0/w9" nil]]}',
  ]);
  expect(markedProfiles(CALLS)).toEqual(["m0"]);
});

test("a profile's marks are a set that grows", () => {
  const lines = setFullEdn(CALLS, "m0").trim().split("\n");
  expect(lines[0]).toContain(":f :add, :value 7}");
  expect(lines[4]).toContain(":type :ok, :process 10004, :f :read, :value #{7}}");
  expect(lines.at(-1)).toContain(":type :info, :process 4, :f :add, :value 9}");
});

const DETAILS: RunDetails = {
  record: {
    scenario: "split-brain",
    numbers: [6],
    backend: "proxy",
    seed: "7",
    verdict: "FAILED",
    reason: "what <was> thrown",
    criteria: [{ id: "C1", ok: false, detail: "lost" }],
    expectations: [],
    convergeMsMax: 1_000,
    writesPerSecond: 200,
    acknowledged: 2,
    wallMs: 10_000,
    host: "idle",
    directory: "/nowhere",
  },
  calls: CALLS,
  faults: [{ what: "a & b", fromMs: 2_000, toMs: undefined, excused: [] }],
  samples: [],
};
const SCENARIO: Scenario = {
  name: "split-brain",
  numbers: [6],
  hypothesis: { steady: "s", fault: "<f>", expectation: "e" },
  seconds: { quick: 1, full: 1 },
  convergeMsMax: 1_000,
  act: () => Promise.resolve(),
};

test("the page shows the verdict, needs no network, and takes no text for markup", () => {
  const page = reportHtml(DETAILS, SCENARIO);
  expect(page).toContain("FAILED");
  expect(page).toContain("<svg");
  expect(page).toContain("a &amp; b");
  expect(page).toContain("what &lt;was&gt; thrown");
  expect(page).toContain("&lt;f&gt;");
  expect(page.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(
    /https?:|<script|<link|@import/,
  );
});
