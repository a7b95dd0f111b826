// Comparing where logs are trimmed: changes that no log has are found and sent by their documents, cuts that
// are not exact are refused, and lanes are adopted for equal roots alone.
import { beforeEach, describe, expect, test } from "vitest";
import type { RegionVector } from "@atoll/core";
import { must, mustHlc } from "@atoll/core";
import { CUT, ComparingPair, TWO, cluster, madeEntry } from "./comparing-pair.fixture.ts";
import { ComparisonOutlet } from "./comparison-outlet.ts";
import { decodeFrame } from "./codec.ts";
import type { SyncEffect } from "./effects.ts";
import { LaneAdoption } from "./lane-adoption.ts";
import type { Message } from "./messages.ts";

const LATER: RegionVector = new Map(cluster.regions.map(({ code }) => [code, mustHlc(5_000)]));

let pair: ComparingPair;
let said: Message[];
beforeEach(() => {
  pair = new ComparingPair();
  said = [];
  pair.tamper = (frame) => {
    const decoded = decodeFrame(frame.bytes);
    if (decoded.kind === "message") said.push(decoded.message);
    return frame;
  };
  for (let n = 0; n < 300; n++) {
    const entry = madeEntry(n % 100);
    pair.copies[0].add(entry);
    pair.copies[1].add(entry);
  }
});

const equal = (): boolean =>
  pair.copies[0].names().join("\n") === pair.copies[1].names().join("\n");

describe("changes that no log has", () => {
  test.each([
    { what: "one change", changes: 1, documents: 1 },
    { what: "some changes of one document", changes: 12, documents: 1 },
    { what: "one change each of many documents", changes: 80, documents: 80 },
    { what: "whole documents", changes: 60, documents: 30 },
  ])("are repaired in either direction: $what", ({ changes, documents }) => {
    for (const side of [0, 1] as const) {
      for (let n = 0; n < changes; n++) {
        pair.copies[side].add(madeEntry((documents === 30 ? 500 : 0) + (n % documents)));
      }
    }
    for (const copy of pair.copies) copy.log.clear();
    pair.compare();
    expect(equal()).toBe(true);
    expect(pair.reports).not.toContain("comparison-unresolved");
  });
});

describe("a cut below a horizon", () => {
  test("is refused with the horizon, and the next comparison is at what either side covers", () => {
    pair.copies[1].horizonNow = LATER;
    pair.copies[1].add(madeEntry(7, { hlc: mustHlc(3_000) }));
    pair.compare();
    const stale = said.find((message) => message.kind === "compare-stale");
    expect(stale).toMatchObject({ reason: "trimmed", horizon: LATER });
    expect(equal()).toBe(false);
    pair.compare();
    const union = must(
      said.findLast((message) => message.kind === "compare-open"),
      "opened",
    );
    expect(union).toMatchObject({ union: true });
    for (const [region, hlc] of LATER) expect(union.cut.get(region)).toBeGreaterThanOrEqual(hlc);
    expect(equal()).toBe(true);
    expect(said.filter((message) => message.kind === "compare-lanes")).toHaveLength(2);
  });

  test("is not opened by the side that knows it to be one", () => {
    pair.copies[0].horizonNow = LATER;
    pair.compare();
    expect(said.find((message) => message.kind === "compare-open")).toMatchObject({ union: true });
    expect(pair.machines[0].status(TWO).result).toBe("equal");
  });

  test("is compared again as usual once both cover it", () => {
    pair.copies[0].horizonNow = CUT;
    pair.compare();
    expect(said.map(({ kind }) => kind)).toEqual(["compare-open", "compare-same"]);
    expect(said[0]).not.toHaveProperty("union");
  });
});

describe("lanes are adopted", () => {
  const lane = { shard: 3, origin: new ComparingPair().copies[1].origin, contig: 9 };
  const adopt = (lanes = [lane], root = pair.copies[0].cut(CUT).root.sum) => {
    const [copy] = pair.copies;
    const outlet = new ComparisonOutlet(copy, { linkTo: () => 1, versionOf: () => 3 });
    const adoption = new LaneAdoption(copy, { announced: { contig: () => 0 }, outlet });
    const out: SyncEffect[] = [];
    const isBelieved = adoption.hear({ kind: "compare-lanes", id: 1, cut: CUT, root, lanes }, out);
    return { isBelieved, effects: out };
  };

  test("when the roots are equal now", () => {
    expect(adopt()).toEqual({ isBelieved: true, effects: [{ kind: "adopt", lanes: [lane] }] });
  });

  test("not when they are not, or not any more", () => {
    const { sum } = pair.copies[0].cut(CUT).root;
    pair.copies[0].add(madeEntry(1));
    expect(adopt([lane], sum)).toEqual({ isBelieved: false, effects: [] });
  });

  test("not of our own origin, not of a shard that is none, and not what is held already", () => {
    const own = { ...lane, origin: pair.copies[0].origin };
    const nowhere = { ...lane, shard: cluster.shardCount };
    pair.copies[0].frontier.lane({ ...lane, shard: 4 }).adopt(9);
    const held = { ...lane, shard: 4 };
    expect(adopt([own, nowhere, held]).effects).toEqual([]);
  });

  test("as news alone: ignored from a peer that nobody asked", () => {
    const out: SyncEffect[] = [];
    const { sum } = pair.copies[0].cut(CUT).root;
    pair.machines[0].hear(
      TWO,
      { kind: "compare-lanes", id: 99, cut: CUT, root: sum, lanes: [] },
      10,
      pair.nowMs,
      out,
    );
    expect(out).toEqual([]); // and no answer, or the two would answer each other for ever
  });
});
