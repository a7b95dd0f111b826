/** Rates are told to live peers that speak of them, and to nobody else. */
import { describe, expect, test } from "vitest";
import { decodeFrame } from "./codec.ts";
import { Pair } from "./pair.fixture.ts";

const SPENT = [{ bucket: 2n ** 63n + 1n, count: 7 }];

function sentBy(pair: Pair) {
  const effects = pair.a.sync.step({ kind: "spend", spent: SPENT }, pair.nowMs);
  return effects.flatMap((effect) => {
    if (effect.kind !== "send") return [];
    const decoded = decodeFrame(effect.frame);
    return decoded.kind === "message" ? [decoded] : [];
  });
}

describe("what clients have used of their rates", () => {
  test("is told to a live peer, who hands it on", () => {
    const pair = new Pair();
    pair.run(1_000);
    expect(pair.a.sync.sharers).toHaveLength(1);
    const [decoded] = sentBy(pair);
    expect(decoded).toMatchObject({ version: 4, message: { kind: "spent", spent: SPENT } });
  });

  test("is not told to a release that does not speak of it", () => {
    const pair = new Pair({ b: { min: 1, max: 3 } });
    pair.run(1_000);
    expect(pair.isLive("a")).toBe(true);
    expect(pair.a.sync.sharers).toEqual([]);
    expect(sentBy(pair)).toEqual([]);
  });

  test("is not told to a peer that is cut off", () => {
    const pair = new Pair();
    pair.run(1_000);
    pair.cut.add("a").add("b");
    pair.run(10_000);
    expect(pair.a.sync.sharers).toEqual([]);
    expect(sentBy(pair)).toEqual([]);
  });
});
