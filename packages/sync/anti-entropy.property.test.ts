// Whatever two copies differ in, a comparison ends with the same set on both sides, whoever lacks what;
// frames may be lost, doubled, kept back or made up.
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import type { LogEntry } from "@atoll/core";
import { SUM_BYTES, SeededRandom, docKeyOf, joinVectors, limits, must, mustHlc } from "@atoll/core";
import { decodeFrame, encodeMessage } from "./codec.ts";
import type { Copy, Frame } from "./comparing-pair.fixture.ts";
import { CUT, ComparingPair, ONE, TWO, madeEntry } from "./comparing-pair.fixture.ts";
import type { SyncEffect } from "./effects.ts";
import type { ComparisonMessage } from "./messages.ts";
import { PROTOCOL_VERSION } from "./version.ts";

/** Documents, each with so many changes on both sides, only on the first, only on the second. */
const contents = fc.array(
  fc.tuple(fc.nat(4), fc.oneof(fc.constant(0), fc.nat(3)), fc.oneof(fc.constant(0), fc.nat(3))),
  { maxLength: 120 },
);

function fill(pair: ComparingPair, documents: readonly (readonly number[])[]): void {
  const [a, b] = pair.copies;
  for (const [n, [both = 0, first = 0, second = 0]] of documents.entries()) {
    for (let i = 0; i < both; i++) {
      const entry = madeEntry(n);
      a.add(entry);
      b.add(entry);
    }
    for (let i = 0; i < first; i++) a.add(madeEntry(n));
    for (let i = 0; i < second; i++) b.add(madeEntry(n));
  }
}

function expectEqual({ copies, machines }: ComparingPair): void {
  const [a, b] = copies;
  expect(a.names()).toEqual(b.names());
  expect(machines[0].status(TWO).result).toBe("equal");
  expect(machines[1].status(ONE).result).toBe("equal");
}

describe("a comparison", () => {
  test("ends with the same set on both sides, and counts no false alarm", () => {
    fc.assert(
      fc.property(contents, (documents) => {
        const pair = new ComparingPair();
        fill(pair, documents);
        const differs = pair.copies[0].names().join() !== pair.copies[1].names().join();
        pair.compare();
        expectEqual(pair);
        const { counts } = pair.machines[0];
        expect(counts.descents).toBe(differs ? 1 : 0);
        expect(counts).toMatchObject({ falseDescents: 0, unresolved: 0, ignored: 0 });
        expect(pair.recounts).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("goes on where it ended when the link is lost at any frame", () => {
    fc.assert(
      fc.property(contents, fc.array(fc.nat(12), { maxLength: 6 }), (documents, losses) => {
        const pair = new ComparingPair();
        fill(pair, documents);
        for (const frames of losses) {
          pair.compare(frames);
          pair.reconnect();
        }
        pair.compare();
        expectEqual(pair);
      }),
      { numRuns: 200 },
    );
  });

  test("is not harmed by frames that come twice, late or in another order", () => {
    fc.assert(
      fc.property(contents, fc.nat(), (documents, seed) => {
        const random = new SeededRandom(seed);
        const pair = new ComparingPair();
        fill(pair, documents);
        const old: Frame[] = [];
        pair.tamper = (frame) => {
          const roll = random.below(10);
          if (roll === 0) pair.frames.push(frame);
          if (roll === 1) old.push(frame);
          if (roll === 2 && old.length > 0) pair.frames.push(must(old.shift(), "old"));
          return frame;
        };
        for (let i = 0; i < 3; i++) pair.compare(5_000);
        pair.tamper = (frame) => frame;
        pair.compare();
        expectEqual(pair);
      }),
      { numRuns: 100 },
    );
  });

  test("of what lies above the cut finds nothing, however much differs there", () => {
    fc.assert(
      fc.property(contents, contents, (below, above) => {
        const pair = new ComparingPair();
        fill(pair, below);
        pair.compare();
        const [a, b] = pair.copies;
        for (const [n, [, first = 0, second = 0]] of above.entries()) {
          const late = (): LogEntry => madeEntry(n, { hlc: mustHlc(2000) });
          for (let i = 0; i < first; i++) a.add(late());
          for (let i = 0; i < second; i++) b.add(late());
        }
        const descents = pair.machines[0].counts.descents;
        const before = [a.names(), b.names()];
        pair.compare();
        expect(pair.machines[0].status(TWO).result).toBe("equal");
        expect(pair.machines[0].counts.descents).toBe(descents);
        expect([a.names(), b.names()]).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });
});

describe("what a comparison costs", () => {
  function differing(count: number, changes = 4): ComparingPair {
    const pair = new ComparingPair();
    fill(
      pair,
      Array.from({ length: 3_000 }, (_, n) => [changes, n < count ? 1 : 0, 0]),
    );
    pair.compare();
    expectEqual(pair);
    return pair;
  }

  test("nothing differs: under 100 bytes, one round trip", () => {
    const pair = differing(0);
    expect(pair.metadataBytes).toBeLessThan(100);
    expect(pair.halfRounds).toBe(2);
  });

  test("one change differs: under 400 bytes, and proven equal after two round trips", () => {
    const pair = differing(1);
    expect(pair.metadataBytes).toBeLessThan(400);
    expect(pair.halfRounds).toBe(4);
  });

  test("twenty differ: at most 120 bytes each, and five round trips", () => {
    const pair = differing(20);
    expect(pair.metadataBytes).toBeLessThan(20 * 120);
    expect(pair.halfRounds).toBeLessThanOrEqual(10);
  });

  test("a whole document with many changes: under 2 kB", () => {
    const pair = new ComparingPair();
    fill(
      pair,
      Array.from({ length: 3_000 }, (_, n) => (n === 77 ? [0, 0, 10] : [3, 0, 0])),
    );
    pair.compare();
    expectEqual(pair);
    expect(pair.metadataBytes).toBeLessThan(2_000);
  });
});

describe("sums that were made to deceive", () => {
  /** Adds to a sum without changing its low 64 bits. */
  function disturbHigh(copy: Copy): void {
    const target = must([...copy.held.values()][0], "held").entry.docId;
    copy.falsify = (docId, sum) => {
      if (docKeyOf(docId) !== docKeyOf(target)) return sum;
      const other = new Uint8Array(sum);
      other[SUM_BYTES - 1] = (other[SUM_BYTES - 1] ?? 0) ^ 0x55;
      return other;
    };
  }

  test("64 bits that agree while 256 do not: a second, wide pass finds the document", () => {
    const pair = new ComparingPair();
    fill(
      pair,
      Array.from({ length: 200 }, () => [3, 0, 0]),
    );
    disturbHigh(pair.copies[1]);
    pair.tamper = (frame) => {
      if (pair.recounts.includes(1)) pair.copies[1].falsify = (_, sum) => sum; // counted again
      return frame;
    };
    pair.compare();
    expect(pair.recounts).toContain(1);
    expectEqual(pair);
    expect(pair.machines[0].counts.falseDescents).toBe(1); // nothing was missing: only a sum was wrong
  });

  test("a sum that stays wrong is reported and tried again, and nothing is exchanged for it", () => {
    const pair = new ComparingPair();
    fill(
      pair,
      Array.from({ length: 200 }, () => [3, 0, 0]),
    );
    const before = pair.copies.map((copy) => copy.names());
    pair.copies[1].falsify = (_, sum) => new Uint8Array(sum).fill(1, 0, 4);
    pair.compare();
    expect(pair.reports).toContain("comparison-unresolved");
    expect(pair.machines[0].counts.unresolved).toBe(1);
    expect(pair.copies.map((copy) => copy.names())).toEqual(before);
    pair.copies[1].falsify = (_, sum) => sum;
    pair.compare();
    expectEqual(pair);
  });

  test("sets that cancel under XOR do not cancel here", () => {
    // Two changes on one side against two others on the other: equal counts, and an XOR of all four
    // elements could be made zero by choosing among a few hundred; a sum with a carry cannot.
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), (count) => {
        const pair = new ComparingPair();
        fill(pair, [
          [0, count, count],
          [1, 0, 0],
        ]);
        pair.compare();
        expectEqual(pair);
      }),
      { numRuns: 30 },
    );
  });

  test("documents crowded under one node are listed or divided, at a bounded cost", () => {
    // Positions are keyed, so nobody can choose them; were they known, this is what one would get.
    const pair = new ComparingPair();
    const crowd = Array.from({ length: 2_000 }, (_, n) => n).filter((n) => {
      const { docId } = madeEntry(n);
      return pair.copies[0].positionOf({ docId }) < 2 ** 44;
    });
    for (const n of crowd) {
      const entry = madeEntry(n);
      pair.copies[0].add(entry, madeEntry(n));
      pair.copies[1].add(entry, madeEntry(n));
    }
    expect(crowd.length).toBeGreaterThan(3);
    pair.compare();
    expectEqual(pair);
  });
});

describe("a peer that lies", () => {
  test("costs a bounded amount, gets nothing deleted, and an honest comparison follows", () => {
    fc.assert(
      fc.property(contents, fc.nat(), (documents, seed) => {
        const random = new SeededRandom(seed);
        const pair = new ComparingPair();
        fill(pair, documents);
        const before = pair.copies[0].names();
        pair.tamper = (frame, message) => {
          if (frame.from === 0 || message === undefined) return frame;
          if (random.below(6) > 2) return frame;
          const digest = BigInt(random.u32()) * 2n ** 32n + BigInt(random.u32());
          const count = random.below(2000);
          return {
            ...frame,
            bytes: encodeMessage(falsified(message, digest, count), PROTOCOL_VERSION),
          };
        };
        pair.compare(20_000);
        expect(pair.frames).toEqual([]); // it came to an end by itself
        expect(pair.metadataBytes).toBeLessThan(limits.ANTI_ENTROPY_BYTES_MAX * 2);
        for (const name of before) expect(pair.copies[0].held.has(name)).toBe(true);
        pair.tamper = (frame) => frame;
        pair.reconnect();
        pair.compare();
        expectEqual(pair);
      }),
      { numRuns: 6 }, // each makes the honest side do all the work that its bounds allow
    );
  });

  test("that says nothing more ends the comparison, not the comparisons", () => {
    const pair = new ComparingPair();
    fill(pair, [[1, 1, 0]]);
    pair.tamper = (frame) => (frame.from === 1 ? undefined : frame);
    pair.compare();
    expect(pair.machines[0].status(TWO).result).toBe("unknown");
    pair.tamper = (frame) => frame;
    pair.compare(); // gives the silent one up
    pair.compare();
    expectEqual(pair);
  });

  test("or lacks something for good is compared all the same, a period later", () => {
    const pair = new ComparingPair();
    fill(pair, [[1, 1, 0]]);
    const [machine] = pair.machines;
    const opens = (isLevel: boolean): boolean => {
      const out: SyncEffect[] = [];
      machine.tick(TWO, isLevel, pair.nowMs, out);
      return out.length > 0;
    };
    pair.nowMs += limits.ANTI_ENTROPY_PERIOD_MS;
    expect(opens(false)).toBe(false); // the log comes first
    pair.nowMs += limits.ANTI_ENTROPY_PERIOD_MS - 1;
    expect(opens(false)).toBe(false);
    pair.nowMs += 1;
    expect(opens(false)).toBe(true);
  });

  test.each([
    ["nothing is asked", false, true],
    ["it is still asked", true, false],
  ])("that covers more for long, and %s: whether at a union", (_what, isAsking, isExpected) => {
    const pair = new ComparingPair();
    const [region, hlc] = must([...CUT][1], "a region");
    pair.saidNow = joinVectors(CUT, new Map([[region, mustHlc(hlc + 1)]]));
    const [machine] = pair.machines;
    const isUnion = (effect: SyncEffect): boolean => {
      const decoded = effect.kind === "send" ? decodeFrame(effect.frame) : undefined;
      const message = decoded?.kind === "message" ? decoded.message : undefined;
      return message?.kind === "compare-open" && message.union === true;
    };
    const startMs = pair.nowMs;
    let firstMs: number | undefined;
    for (; pair.nowMs < startMs + 2 * limits.STANDSTILL_MS_MAX; pair.nowMs += 1_000) {
      const out: SyncEffect[] = [];
      machine.noticeStandstill(TWO, isAsking, pair.nowMs);
      machine.tick(TWO, true, pair.nowMs, out);
      if (out.some(isUnion)) firstMs ??= pair.nowMs - startMs;
    }
    expect(firstMs !== undefined).toBe(isExpected);
    if (isExpected) expect(firstMs).toBeGreaterThanOrEqual(limits.STANDSTILL_MS_MAX);
  });

  test("is asked nothing before a comparison is due", () => {
    const act = fc.record({ passesMs: fc.nat(40_000), isDisturbed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
        const pair = new ComparingPair();
        fill(pair, [[1, 1, 0]]);
        const [machine] = pair.machines;
        for (const { passesMs, isDisturbed } of acts) {
          if (isDisturbed) machine.disturbed([], pair.nowMs);
          const dueMs = machine.dueMs(TWO);
          pair.nowMs += passesMs;
          const out: SyncEffect[] = [];
          machine.tick(TWO, true, pair.nowMs, out);
          if (pair.nowMs < dueMs) expect(out).toEqual([]);
        }
      }),
    );
  });

  test("that answers only part of a question is asked for the rest", () => {
    const pair = new ComparingPair();
    fill(
      pair,
      Array.from({ length: 700 }, (_, n) => [1, n % 2, (n + 1) % 2]), // too many to list at once
    );
    let opened = 0;
    pair.tamper = (frame, message) => {
      if (message?.kind === "compare-open") opened++;
      if (frame.from === 0 || message === undefined) return frame;
      return { ...frame, bytes: encodeMessage(firstOf(message), PROTOCOL_VERSION) };
    };
    pair.compare();
    expectEqual(pair);
    expect(opened).toBe(2); // within one pass
  });

  test("that does not cover the cut says so, and is asked again soon", () => {
    const pair = new ComparingPair();
    fill(pair, [[1, 0, 0]]);
    pair.tamper = (frame, message) => {
      if (message?.kind !== "compare-open") return frame;
      const cut = new Map([...message.cut].map(([region, hlc]) => [region, mustHlc(hlc + 1)]));
      return { ...frame, bytes: encodeMessage({ ...message, cut }, PROTOCOL_VERSION) };
    };
    pair.compare();
    expect(pair.halfRounds).toBe(2);
    expect(pair.machines.map(({ counts }) => counts.equal + counts.descents)).toEqual([0, 0]);
    pair.tamper = (frame) => frame;
    pair.nowMs += limits.ANTI_ENTROPY_RETRY_MS - 60_000; // compare() lets a minute pass
    pair.compare();
    expectEqual(pair);
  });

  test("that answers what was not asked is ignored and counted", () => {
    const pair = new ComparingPair();
    fill(pair, [[1, 0, 0]]);
    const unasked: ComparisonMessage[] = [
      { kind: "compare-same", id: 99 },
      { kind: "compare-nodes", id: 99, wide: false, groups: [[{ changes: 5, digest: 1n }]] },
      { kind: "compare-documents", id: 99, wide: false, lists: [] },
      { kind: "compare-changes", id: 99, wide: false, lists: [] },
      { kind: "wanted", id: 99, missing: [0] },
      { kind: "compare-stale", id: 99, reason: "tail" },
    ];
    for (const message of unasked)
      pair.deliver({ from: 1, bytes: encodeMessage(message, PROTOCOL_VERSION) });
    expect(pair.machines[0].counts.ignored).toBe(unasked.length);
    expect(pair.frames).toEqual([]);
    pair.compare();
    expectEqual(pair);
  });
});

/** The answer with all but its first part left out. */
function firstOf(message: ComparisonMessage): ComparisonMessage {
  switch (message.kind) {
    case "compare-nodes":
      return { ...message, groups: message.groups.slice(0, 1) };
    case "compare-documents":
      return { ...message, lists: message.lists.slice(0, 1) };
    case "compare-changes":
      return { ...message, lists: message.lists.slice(0, 1) };
    default:
      return message;
  }
}

function falsified(message: ComparisonMessage, digest: bigint, changes: number): ComparisonMessage {
  switch (message.kind) {
    case "compare-nodes":
      return {
        ...message,
        groups: message.groups.map((group) =>
          group.map((node, i) => (i % 3 === 0 ? { changes, digest } : node)),
        ),
      };
    case "compare-documents":
      return { ...message, lists: message.lists.map(() => [{ position: 7, changes, digest }]) };
    case "compare-changes":
      return { ...message, lists: message.lists.map(() => [digest]) };
    case "wanted":
      return { ...message, missing: [0, 5, 1_000] };
    case "compare-same":
      return { kind: "compare-nodes", id: message.id, wide: false, groups: [[]] };
    default:
      return message;
  }
}
