import { describe, expect, test } from "vitest";
import { must } from "@atoll/core";
import type { RegionStatus } from "@atoll/server";
import { parseRegionStatus } from "@atoll/server";
import { connectedParts, linkVerdicts } from "./link-verdict.ts";

interface Said {
  readonly state?: string;
  readonly loss?: { cause: string; detail: string; agoMs: number } | null;
  readonly lastHeardMs?: number | null;
  readonly lastFailure?: string | null;
  readonly since?: string;
}

const LIVE: Said = { state: "live", lastHeardMs: 40, since: "2026-01-01T00:00:00.000Z" };
const lost = (cause: string, detail: string, more: Said = {}): Said => ({
  state: "down",
  loss: { cause, detail, agoMs: 12_000 },
  lastHeardMs: 12_000,
  lastFailure: "handshake timed out",
  since: "2026-01-01T00:00:10.000Z",
  ...more,
});
const SILENT = lost("silence", "silent for 2010 ms", { lastHeardMs: 14_000 });
const UNHEARD = lost("unheard", "refused by peer: silent for 2010 ms");

function status(region: string, peers: Record<string, Said>, held: Record<string, number> = {}) {
  const value = {
    region,
    version: "1",
    incarnation: 0,
    ready: true,
    startedAt: "2026-01-01T00:00:00.000Z",
    counts: { documents: 0, changes: 0, pending: 0, quarantined: 0 },
    root: "00",
    coverage: {},
    held,
    peers: Object.entries(peers).map(([name, said]) => {
      return { region: name, behind: 0, ahead: 3, root: "unknown", ...said };
    }),
  };
  return must(parseRegionStatus(value), "a status");
}

function verdict(a: RegionStatus | undefined, b: RegionStatus | undefined) {
  return must(
    linkVerdicts(
      new Map([
        ["a", a],
        ["b", b],
      ]),
    )[0],
    "a verdict",
  );
}

const between = (a: Said, b: Said) => verdict(status("a", { b: a }), status("b", { a: b }));
const A_TO_B = { from: "a", to: "b" };
const B_TO_A = { from: "b", to: "a" };

describe("the link between two regions", () => {
  test.each([
    ["is live when both say so", LIVE, LIVE, "live", []],
    ["is cut both ways when neither hears the other", SILENT, SILENT, "cut", [A_TO_B, B_TO_A]],
    ["is cut one way when one was told that it is not heard", UNHEARD, SILENT, "one-way", [A_TO_B]],
    ["is cut the other way when the other was told", SILENT, UNHEARD, "one-way", [B_TO_A]],
    [
      "is cut one way when something still comes through the other",
      { ...SILENT, lastHeardMs: 900 },
      SILENT,
      "one-way",
      [A_TO_B],
    ],
    ["is cut one way while one side has not noticed yet", LIVE, SILENT, "one-way", [A_TO_B]],
    [
      "is paused when one side says so, whatever the other thinks",
      { state: "paused" },
      lost("paused-by-peer", "refused by peer: paused by an operator"),
      "paused",
      [A_TO_B, B_TO_A],
    ],
    [
      "is refused when one side finds fault with the other",
      lost("refused", "the certificate names another region"),
      lost("broken", "closed"),
      "refused",
      [A_TO_B, B_TO_A],
    ],
  ] as const)("%s", (_name, a, b, state, cut) => {
    const judged = between(a, b);
    expect(judged).toMatchObject({ between: ["a", "b"], state, cut });
  });

  test("that was cut says since when, by whoever noticed first", () => {
    const earlier = { ...SILENT, since: "2026-01-01T00:00:09.000Z" };
    expect(between(SILENT, earlier).since).toBe("2026-01-01T00:00:09.000Z");
    const never = { state: "down", lastHeardMs: null };
    expect(between(never, never).since).toBe("2026-01-01T00:00:00.000Z"); // since the start
  });

  test("to a region that does not answer says what the other one last saw of it", () => {
    const judged = verdict(status("a", { b: lost("broken", "connection reset") }), undefined);
    expect(judged.state).toBe("unreachable");
    expect(judged.cause).toContain("b is down or out of reach: a: connection reset");
    expect(judged.waiting).toEqual([
      { holder: "a", lacking: "b", changes: 3 },
      { holder: "b", lacking: "a", changes: null },
    ]);
  });

  test("has waiting on each side what one holds and the other does not", () => {
    const a = status("a", { b: SILENT }, { "1.0.x": 10, "2.0.y": 4, "3.0.z": 7 });
    const b = status("b", { a: SILENT }, { "1.0.x": 8, "2.0.y": 9, "3.0.z": 7 });
    expect(verdict(a, b).waiting).toEqual([
      { holder: "a", lacking: "b", changes: 2 },
      { holder: "b", lacking: "a", changes: 5 },
    ]);
  });
});

describe("the parts of a cluster", () => {
  const fleet = (cut: readonly string[]) => {
    const said = (x: string, y: string): Said =>
      cut.includes([x, y].sort().join("")) ? SILENT : LIVE;
    const names = ["a", "b", "c"];
    return linkVerdicts(
      new Map(
        names.map((name) => {
          const others = names.filter((other) => other !== name);
          return [
            name,
            status(name, Object.fromEntries(others.map((other) => [other, said(name, other)]))),
          ];
        }),
      ),
    );
  };

  test.each([
    [[], [["a", "b", "c"]]],
    [["ab"], [["a", "b", "c"]]], // through c
    [
      ["ab", "bc"],
      [["a", "c"], ["b"]],
    ],
    [
      ["ab", "bc", "ac"],
      [["a"], ["b"], ["c"]],
    ],
  ])("with %j cut are %j", (cut, parts) => {
    expect(connectedParts(fleet(cut))).toEqual(parts);
  });
});
