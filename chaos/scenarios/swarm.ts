/** 34: some of everything, drawn from the seed, one on top of the other. */
import type { Random } from "@atoll/core";
import { must } from "@atoll/core";
import type { RegionName } from "../fleet/region-plan.ts";
import { REGIONS } from "../fleet/region-plan.ts";
import { setPair } from "../network/links.ts";
import { UNIMPAIRED } from "../network/impairment.ts";
import type { Stage } from "../run/stage.ts";
import type { Scenario } from "../scenario.ts";

const FAULT_SECONDS_MAX = 6;

/** Each ends what it began. */
type Act = (stage: Stage, random: Random, seconds: number) => Promise<void>;

const ACTS: Readonly<Record<string, Act>> = {
  kill: (stage, random, seconds) => {
    const region = stage.region(pick(random));
    return stage.outage(region, () => stage.wait(seconds));
  },
  freeze: (stage, random, seconds) => {
    const { name, process } = stage.region(pick(random));
    return stage.during(`${name} is frozen`, [name], async () => {
      process.freeze();
      await stage.wait(seconds);
      process.thaw();
      await process.untilReady();
    });
  },
  cut: (stage, random, seconds) => {
    const [one, other] = pair(random);
    return stage.during(`${one} and ${other} are cut off from each other`, [], async () => {
      setPair(stage.links, one, other, { passage: "swallow" });
      await stage.wait(seconds);
      setPair(stage.links, one, other, { passage: "pass" });
    });
  },
  "one-way": (stage, random, seconds) => {
    const [from, to] = pair(random);
    return stage.during(`${to} is deaf to ${from}`, [], async () => {
      stage.links.set(from, to, { passage: "swallow" });
      await stage.wait(seconds);
      stage.links.set(from, to, { passage: "pass" });
    });
  },
  slow: (stage, random, seconds) => {
    const [one, other] = pair(random);
    return stage.during(`${one} – ${other} is slow`, [], async () => {
      const { delayMs, jitterMs } = UNIMPAIRED;
      setPair(stage.links, one, other, { delayMs: 100, jitterMs: 200 });
      await stage.wait(seconds);
      setPair(stage.links, one, other, { delayMs, jitterMs });
    });
  },
  frames: (stage, random, seconds) => {
    const [one, other] = pair(random);
    return stage.during(`frames of ${one} – ${other} come twice and late`, [], async () => {
      const frames = { duplicateRate: 0.3, reorderRate: 0.3, corruptRate: 0 };
      setPair(stage.links, one, other, { frames });
      await stage.wait(seconds);
      setPair(stage.links, one, other, { frames: undefined });
    });
  },
  reset: (stage, random) => {
    const [one, other] = pair(random);
    return stage.during(`${one} – ${other} is reset`, [], () => {
      stage.links.reset(one, other);
      return Promise.resolve();
    });
  },
};

export const swarm: Scenario = {
  name: "swarm",
  numbers: [34],
  hypothesis: {
    steady: "three regions serve reads and writes",
    fault: "three to six kinds of fault, drawn from the seed, come one on top of the other",
    expectation: "whatever comes together, the criteria hold",
  },
  needs: ["frames", "resets", "delay"],
  seconds: { quick: 18, full: 3_600 },
  convergeMsMax: 20_000,
  async act(stage) {
    const { random } = stage;
    const names = shuffled(Object.keys(ACTS), random).slice(0, 3 + random.below(4));
    const busy = new Set<string>();
    const untilMs = stage.nowMs() + stage.seconds * 1_000;
    const going: Promise<void>[] = [];
    while (stage.nowMs() < untilMs) {
      const name = must(names[random.below(names.length)], "an act");
      const seconds = 1 + (FAULT_SECONDS_MAX - 1) * random.float();
      // One of a kind at a time: two that hold the same thing would end each other.
      if (!busy.has(kindOf(name))) {
        busy.add(kindOf(name));
        const act = must(ACTS[name], name)(stage, random.fork(`${stage.faults.length}`), seconds);
        going.push(act.finally(() => busy.delete(kindOf(name))));
      }
      await stage.wait(0.5 + 2 * random.float());
    }
    await Promise.all(going);
    stage.links.clear();
  },
};

/** Acts on processes exclude each other, and so do those on what passes. */
function kindOf(name: string): string {
  if (name === "kill" || name === "freeze") return "process";
  return name === "cut" || name === "one-way" ? "passage" : name;
}

function pick(random: Random): RegionName {
  return must(REGIONS[random.below(REGIONS.length)], "a region");
}

function pair(random: Random): readonly [RegionName, RegionName] {
  const [one, other] = shuffled(REGIONS, random);
  return [must(one, "a region"), must(other, "another")];
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, at: random.float() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
