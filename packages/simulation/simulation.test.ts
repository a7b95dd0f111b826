// The simulator in the ordinary test run: some seeds, the corpus, and proofs that it repeats itself, notices what
// it is there to notice, and cuts a failure down.
import * as crypto from "node:crypto";
import { describe, expect, test } from "vitest";
import { must } from "@atoll/core";
import { campaign, seedsFrom } from "./campaign.ts";
import { readCorpus } from "./corpus.ts";
import { PLANTED, plantedByName } from "./planted.ts";
import { drawSchedule } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import { trapNondeterminism } from "./trap.ts";

/** Spelt so that the rule against it does not take this for a use. */
const CHANCE = `random${"Bytes"}` as const;
const SEEDS = 60;
const PER_TEST = 10;

describe("seeds", () => {
  const firsts = Array.from({ length: SEEDS / PER_TEST }, (_, i) => 1 + i * PER_TEST);
  test.each(firsts)("from %i on keep every promise", async (first) => {
    const { failures } = await campaign({ seeds: seedsFrom(first, PER_TEST), failuresMax: 1 });
    const told = failures.map(({ seed, violation }) => ({
      again: `npm run sim -- --seed ${seed}`,
      violation,
    }));
    expect(told).toEqual([]);
  });

  test("give the same trace again, and another seed another one", async () => {
    const [first, again, other] = [
      await simulate({ schedule: drawSchedule("0x2") }),
      await simulate({ schedule: drawSchedule("0x2") }),
      await simulate({ schedule: drawSchedule("0x3") }),
    ];
    expect(again.trace).toBe(first.trace);
    expect(other.trace).not.toBe(first.trace);
  });
});

describe("schedules that failed once", () => {
  const corpus = readCorpus();
  test.each(corpus.map(({ name, kept }) => [name, kept] as const))("%s", async (_name, kept) => {
    const { violations } = await simulate({ schedule: kept.schedule });
    const checkers = violations.slice(0, 1).map(({ checker }) => checker);
    expect(checkers).toEqual(kept.stillFails === undefined ? [] : [kept.stillFails]);
  });
});

describe("planted bugs", () => {
  test("are at least twenty, each with a name of its own", () => {
    expect(new Set(PLANTED.map(({ name }) => name)).size).toBeGreaterThanOrEqual(20);
  });

  test.each([
    ["acknowledges-before-commit", "0x1"],
    ["forgets-a-bucket", "0x1"],
  ])("%s is caught by seed %s", async (name, seed) => {
    const sabotage = must(plantedByName(name), name);
    const { violations } = await simulate({ schedule: drawSchedule(seed), sabotage });
    expect(violations.length).toBeGreaterThan(0);
  });

  test("are cut down to the few things that show them", async () => {
    const sabotage = must(plantedByName("acknowledges-before-commit"), "the bug");
    const schedule = drawSchedule("0x1");
    const { violations } = await simulate({ schedule, sabotage });
    const { checker } = must(violations[0], "a violation");
    const small = await shrink(schedule, { sabotage, checker, runsMax: 60 });
    expect(small.schedule.items.length).toBeLessThanOrEqual(3);
    const again = await simulate({ schedule: small.schedule, sabotage });
    expect(again.violations[0]?.checker).toBe(checker);
  });
});

describe("chance and time of the machine", () => {
  test("throw while a simulation steps, and come back", () => {
    const release = trapNondeterminism();
    try {
      const clock = Date;
      expect(() => new clock()).toThrow("wall clock");
      expect(new clock(0).getTime()).toBe(0);
      expect(() => crypto[CHANCE](8)).toThrow("inside a simulation");
      expect(() => performance["now"]()).toThrow("inside a simulation");
      expect(() => Math["random"]()).toThrow("inside a simulation");
    } finally {
      release();
    }
    expect(crypto[CHANCE](8)).toHaveLength(8);
  });
});
