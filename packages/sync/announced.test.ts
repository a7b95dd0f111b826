import { describe, expect, test } from "vitest";
import type { Hlc, RegionCode } from "@atoll/core";
import { Frontier, SeededRandom, VECTOR_ZERO, hlcFromMs, newOrigin, vectorAt } from "@atoll/core";
import { Announced } from "./announced.ts";

const [US, EU, AP] = [1, 2, 3] as RegionCode[] as [RegionCode, RegionCode, RegionCode];
const origin = newOrigin(US, 0, new SeededRandom("announced"));
const cluster = { shardCount: 64 } as never;
const at = (n: number): Hlc => hlcFromMs(1_700_000_000_000 + n);

/** Asia hears of us-east-1 through eu-west-1 alone. `isNew`: the relay has not spoken on this link yet. */
function relayed(isNew = false) {
  const frontier = new Frontier();
  const region = { name: "ap-northeast-1", code: AP } as never;
  const announced = new Announced({ cluster, frontier, region, coverage: () => VECTOR_ZERO });
  const hear = (hlc: Hlc, lanes: readonly { shard: number; contig: number }[], full = false) =>
    announced.hear(
      EU,
      {
        kind: "heartbeat",
        full,
        vector: new Map([[US, hlc]]),
        lanes: lanes.map((lane) => ({ ...lane, origin })),
        sentMs: 0,
        echoMs: 0,
      },
      0,
    );
  const arrive = (shard: number, seq: number): void => {
    frontier.lane({ shard, origin }).add(seq);
    announced.advance();
  };
  if (!isNew) hear(at(0), [], true);
  const said = (shard: number): number => announced.contig(EU, { shard, origin });
  return { announced, hear, arrive, said, coverage: () => vectorAt(announced.coverage, US) };
}

describe("what a relay speaks of is covered", () => {
  test("when all of it is here, and not before", () => {
    const { hear, arrive, coverage } = relayed();
    hear(at(1), [
      { shard: 1, contig: 1 },
      { shard: 2, contig: 1 },
    ]);
    expect(coverage()).toBe(at(0));
    arrive(1, 1);
    expect(coverage()).toBe(at(0));
    arrive(2, 1);
    expect(coverage()).toBe(at(1));
  });

  test("although it speaks of a lane in a shard that there is none of", () => {
    const { hear, coverage } = relayed();
    hear(at(1), [{ shard: 16_384, contig: 1 }]);
    expect(coverage()).toBe(at(1));
  });

  test("up to where it spoke of when that is here, although it has spoken of more since", () => {
    const { hear, arrive, coverage } = relayed();
    for (let n = 1; n <= 50; n++) {
      // The relay is always one entry ahead of what has been fetched from it, in another lane each time.
      hear(at(n), [{ shard: n, contig: 1 }]);
      if (n > 1) arrive(n - 1, 1);
      expect(coverage()).toBeGreaterThanOrEqual(at(Math.max(0, n - 2)));
      expect(coverage()).toBeLessThan(at(n));
    }
    arrive(50, 1);
    expect(coverage()).toBe(at(50));
  });

  test("although the same lane goes on while it is fetched", () => {
    const { hear, arrive, coverage } = relayed();
    for (let n = 1; n <= 50; n++) {
      hear(at(n), [{ shard: 1, contig: n }]);
      if (n > 1) arrive(1, n - 1);
      expect(coverage()).toBeGreaterThanOrEqual(at(Math.max(0, n - 2)));
      expect(coverage()).toBeLessThan(at(n));
    }
  });

  test("no further than a lane that stays behind allows", () => {
    const { hear, arrive, coverage } = relayed();
    hear(at(1), [{ shard: 1, contig: 2 }]);
    arrive(1, 2); // 1 is missing
    for (let n = 2; n <= 20; n++) {
      hear(at(n), [{ shard: 2, contig: n }]);
      arrive(2, n - 1);
    }
    expect(coverage()).toBe(at(0));
    arrive(1, 1);
    expect(coverage()).toBe(at(1));
    arrive(2, 20);
    expect(coverage()).toBe(at(20));
  });
});

describe("a pair is compared", () => {
  test.each([
    { covered: 30, said: 40, expected: 30 },
    { covered: 50, said: 40, expected: 40 },
  ])("at the lower of what each covers: $expected", ({ covered, said, expected }) => {
    const region = { name: "ap-northeast-1", code: AP } as never;
    const announced = new Announced({
      cluster,
      frontier: new Frontier(),
      region,
      coverage: () => new Map([[US, at(covered)]]),
    });
    expect(announced.cutWith(EU)).toEqual(new Map()); // it has said nothing yet
    const vector = new Map([
      [US, at(said)],
      [AP, at(7)], // of us, what it covers
    ]);
    const lanes = [{ shard: 1, origin, contig: 1 }]; // more than is here: what it says does not cover us
    const heartbeat = {
      kind: "heartbeat",
      full: true,
      vector,
      lanes,
      sentMs: 0,
      echoMs: 0,
    } as const;
    announced.hear(EU, heartbeat, 0);
    expect([...announced.cutWith(EU)]).toEqual([
      [US, at(expected)],
      [AP, at(7)],
    ]);
  });
});

describe("what moved while the first saying was on its way", () => {
  test("counts beside it when it comes before", () => {
    const { announced, hear, said, coverage } = relayed(true);
    hear(at(2), [{ shard: 1, contig: 3 }]);
    expect(announced.knows(EU)).toBe(false);
    expect(coverage()).toBe(0); // of which lanes, nobody has said
    const all = [
      { shard: 1, contig: 1 },
      { shard: 2, contig: 1 },
    ];
    hear(at(1), all, true);
    expect([said(1), said(2)]).toEqual([3, 1]);
  });

  test("is not taken back when the first one comes late, or twice", () => {
    const { hear, said } = relayed();
    hear(at(2), [{ shard: 1, contig: 3 }]);
    hear(at(1), [{ shard: 1, contig: 1 }], true);
    expect(said(1)).toBe(3);
  });

  test("is forgotten with its link", () => {
    const { announced, hear, said } = relayed(true);
    hear(at(2), [{ shard: 1, contig: 3 }]);
    announced.reset(EU);
    hear(at(1), [], true);
    expect(said(1)).toBe(0);
  });
});
