// One suite for the whole house, in some five minutes on two cores.
//
// Forks, not threads: better-sqlite3 and the Automerge wasm heap are per process, and a test that kills its
// process must not take its neighbours along. A fork runs one file after the other all the same: to start one
// and to load the house again costs more processor time than most files do. Nothing is lost by it, since no
// room keeps state in a module: clocks, chance, stores and networks are passed in, and spies are restored.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/**
 * Begun in this order, before all others: the last file to end is then never a long one. Those that wait for
 * processes and those that compute take turns, so that there is always something to do for every core.
 * Vitest orders by what it measured last time, and in a fresh clone by size, which says little.
 */
const LONG = [
  "packages/server/local-cluster.test.ts",
  "packages/server/link-faults.test.ts",
  "packages/bench/benches.test.ts",
  "packages/simulation/simulation.test.ts",
  "packages/server/restored-copy.test.ts",
  "packages/server/backup/lost-region.test.ts",
  "chaos/planted/planted.test.ts",
  "packages/replica/scrub.test.ts",
  "packages/replica/convergence.property.test.ts",
  "packages/replica/concurrency.property.test.ts",
  "packages/server/backup/backup.test.ts",
  "packages/profile/convergence.property.test.ts",
  "packages/server/readers/readers.test.ts",
  "packages/replica/retention.property.test.ts",
  "packages/profile/edits.property.test.ts",
  "packages/cli/operator.test.ts",
  "packages/profile/merging.property.test.ts",
  "packages/sync/anti-entropy.property.test.ts",
  "deploy/prometheus/rules.test.ts",
  "packages/store/store.property.test.ts",
  "packages/replica/slow-link.test.ts",
  "packages/sync/catch-up.test.ts",
  "packages/replica/driver.test.ts",
  "packages/cli/bin/bin.test.ts",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const index = LONG.findIndex((name) => moduleId.endsWith(`/${name}`));
      return index === -1 ? LONG.length : index;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: [
      "packages/**/*.test.ts",
      "chaos/**/*.test.ts",
      "deploy/**/*.test.ts",
      "runbooks/**/*.test.ts",
      "*.test.ts",
    ],
    pool: "forks",
    isolate: false,
    restoreMocks: true,
    // Two more than cores: tests of real processes mostly wait for them.
    maxWorkers: Math.min(availableParallelism() + 2, 6),
    sequence: { sequencer: LongestFirst },
    // Halves what each process that a test starts costs before its first word.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/atoll") },
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
