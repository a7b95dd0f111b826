// What was ever found stays mended: the corpus is replayed, and each target takes a few fresh inputs, so
// that the targets themselves are known to work.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom, must } from "@atoll/core";
import { corpusOf } from "./corpus.ts";
import { faultOf } from "./judge.ts";
import type { OpenTarget } from "./target.ts";
import { TARGETS } from "./targets.ts";

const FRESH = 8;

describe.each(TARGETS)("$name", (target) => {
  let open: OpenTarget;
  beforeAll(async () => {
    open = await target.open();
  });
  afterAll(() => open.close());

  test("takes what it should", async () => {
    expect(open.seeds.length).toBeGreaterThan(1);
    for (const seed of open.seeds) expect(await faultOf(open, seed)).toBeUndefined();
  });

  test("keeps its promises for all that was ever found", async () => {
    for (const { name, bytes } of corpusOf(target.name)) {
      expect(await faultOf(open, bytes), name).toBeUndefined();
    }
  });

  test("and for a few that nobody has seen", async () => {
    const random = new SeededRandom(`fresh ${target.name}`);
    for (let i = 0; i < FRESH; i++) {
      const seed = must(open.seeds[random.below(open.seeds.length)], "a seed");
      const input = open.mutate(seed, random);
      expect(await faultOf(open, input), Buffer.from(input).toString("hex")).toBeUndefined();
    }
  });
});
