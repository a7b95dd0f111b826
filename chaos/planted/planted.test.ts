// The proof that the suite can fail: with a region that answers before it commits, a kill is seen as loss.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test } from "vitest";
import { US } from "../fleet/region-plan.ts";
import { isAcknowledgedWrite } from "../judge/verdict.ts";
import { runScenario } from "../run/run-scenario.ts";
import type { Stage } from "../run/stage.ts";
import type { Scenario } from "../scenario.ts";

const planted = pathToFileURL(join(import.meta.dirname, "acknowledge-before-commit.mjs")).href;
const directory = mkdtempSync(join(tmpdir(), "atoll-planted-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Enough that some of them came after the last commit. */
const WRITES_BEFORE_KILL = 15;

const kill: Scenario = {
  name: "kill",
  numbers: [20],
  hypothesis: { steady: "serves", fault: "is killed", expectation: "nothing is lost" },
  load: { rate: 100, sessions: 12 },
  seconds: { quick: 0, full: 0 },
  convergeMsMax: 60_000,
  async act(stage) {
    // More than once, should a kill come just behind a commit; and never before there is something to lose.
    for (let kill = 0; kill < 3; kill++) {
      const before = takenBy(US, stage);
      const what = `${US} has taken some writes`;
      const hasSome = (): boolean => takenBy(US, stage) >= before + WRITES_BEFORE_KILL;
      await stage.expectSoon(what, 30_000, () => Promise.resolve(hasSome()));
      await stage.outage(stage.region(US), () => Promise.resolve());
    }
  },
};

function takenBy(name: string, stage: Stage): number {
  const { place } = stage.region(name);
  return stage.calls.filter((call) => call.region === place && isAcknowledgedWrite(call)).length;
}

test("a write that was acknowledged before it was durable, and then lost, fails the run", async () => {
  const { record } = await runScenario({
    scenario: kill,
    backend: "proxy",
    seed: "planted",
    seconds: 0,
    directory,
    planted,
    tell: () => undefined,
  });
  expect(record.reason).toBeUndefined();
  expect(record.verdict).toBe("FAILED");
  const [c1] = record.criteria;
  expect(c1).toMatchObject({ id: "C1", ok: false });
  // What was lost may be a field, an increment or a member of a set: whichever checker tells first.
  expect(c1?.detail).toMatch(/(acknowledged|counters|sets|deletes): /);
});
