// The proof that the suite can fail: with a region that answers before it commits, a kill is seen as loss.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test } from "vitest";
import { US } from "../fleet/region-plan.ts";
import { runScenario } from "../run/run-scenario.ts";
import type { Scenario } from "../scenario.ts";

const planted = pathToFileURL(join(import.meta.dirname, "acknowledge-before-commit.mjs")).href;
const directory = mkdtempSync(join(tmpdir(), "atoll-planted-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const kill: Scenario = {
  name: "kill",
  numbers: [20],
  hypothesis: { steady: "serves", fault: "is killed", expectation: "nothing is lost" },
  load: { rate: 100, sessions: 12 },
  seconds: { quick: 0, full: 0 },
  convergeMsMax: 60_000,
  async act(stage) {
    // Twice, should the first kill come just behind a commit.
    for (let kill = 0; kill < 2; kill++) {
      await stage.outage(stage.region(US), () => Promise.resolve());
      await stage.wait(1);
    }
  },
};

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
