import { describe, expect, test } from "vitest";
import { must } from "@atoll/core";
import type { RegionStatus } from "@atoll/server";
import { parseRegionStatus } from "@atoll/server";
import { judgeCluster } from "./cluster-health.ts";
import type { RegionView } from "./cluster-view.ts";
import { createClusterView } from "./cluster-view.ts";
import { areEqual } from "./demo/convergence.ts";
import { MemoryTerminal } from "./terminal.ts";

function status(region: string, peer: string, changes: Record<string, unknown> = {}): RegionStatus {
  const counts = { documents: 1, changes: 1, pending: 0, quarantined: 0 };
  const peers = [{ region: peer, state: "live", behind: 0, ahead: 0, root: "equal", ...changes }];
  const value = { version: "1", incarnation: 0, ready: true, root: "00", coverage: {} };
  return must(parseRegionStatus({ ...value, region, counts, peers }), "a status");
}

function view(name: string, peer: string, state = "live"): RegionView {
  return {
    name,
    rest: `http://${name}`,
    admin: `http://${name}:2`,
    pid: 1,
    restart: `atoll serve --config ${name}.yaml`,
    status: status(name, peer, { state }),
  };
}

describe("the table of a local cluster, for a log", () => {
  test("is printed once, and then one line for each change", () => {
    const terminal = new MemoryTerminal();
    const shown = createClusterView(terminal);
    shown.show([view("a", "b"), view("b", "a")]);
    expect(terminal.printed).toHaveLength(1);
    expect(terminal.printed[0]).toContain("http://a:2");
    shown.show([view("a", "b"), view("b", "a")]);
    expect(terminal.printed).toHaveLength(1);
    shown.show([view("a", "b", "paused"), view("b", "a")]);
    expect(terminal.printed.slice(1)).toEqual(["a – b: live → paused"]);
  });

  test("names the command that starts a region again, once", () => {
    const terminal = new MemoryTerminal();
    const shown = createClusterView(terminal);
    const gone: RegionView = { ...view("b", "a"), pid: undefined, status: undefined };
    shown.show([view("a", "b"), view("b", "a")]);
    shown.show([view("a", "b"), gone]);
    shown.show([view("a", "b"), gone]);
    expect(terminal.printed.slice(1)).toEqual([
      "b: up → down",
      "b is down; this starts it again: atoll serve --config b.yaml",
    ]);
  });
});

describe("a cluster", () => {
  const report = (each: RegionStatus | undefined) => ({ endpoint: "http://a:2", status: each });

  test("that is well has no faults", () => {
    const both = [report(status("a", "b")), report(status("b", "a"))];
    expect(judgeCluster(both)).toMatchObject({ healthy: true, faults: [], parts: [["a", "b"]] });
  });

  test("with a cut link, a diverged pair, quarantined changes or a deaf region has these faults", () => {
    const counts = { ...status("a", "b").counts, quarantined: 2 };
    const cut = { state: "down", lastFailure: "timed out" };
    const { healthy, faults, parts } = judgeCluster([
      report({ ...status("a", "b", { ...cut, root: "differs" }), counts, ready: false }),
      report(status("b", "a", cut)),
      { endpoint: "http://c:2", name: "c", status: undefined },
    ]);
    expect([healthy, parts]).toEqual([false, [["a"], ["b"]]]);
    expect(faults).toEqual([
      "a is not ready",
      "a has 2 quarantined changes",
      "c (http://c:2) does not answer",
      "link a – b: CUT in both directions; neither hears the other: a: timed out; b: timed out; " +
        "nothing waits",
      "a and b have diverged: they differ at a moment that both had reached",
    ]);
  });

  test("with a region that is down is in one part: what is down serves nobody", () => {
    const { parts, faults } = judgeCluster([
      report(status("a", "b", { state: "down", lastFailure: "refused" })),
      { endpoint: "http://b:2", name: "b", status: undefined },
    ]);
    expect(parts).toEqual([["a"]]);
    expect(faults).toContain("b (http://b:2) does not answer");
  });

  test("is equal only when all answer, nothing is behind or unknown, and the roots agree", () => {
    const [a, b] = [status("a", "b"), status("b", "a")];
    expect(areEqual([a, b])).toBe(true);
    expect(areEqual([a, { ...b, root: "01" }])).toBe(false);
    expect(areEqual([a, undefined])).toBe(false);
    expect(areEqual([a, status("b", "a", { behind: 1 })])).toBe(false);
    expect(areEqual([a, status("b", "a", { behind: null })])).toBe(false);
    expect(areEqual([a, { ...b, counts: { ...b.counts, pending: 1 } }])).toBe(false);
  });
});
