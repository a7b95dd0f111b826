import { defineConfig } from "vitest/config";

// One suite for the whole house. Forks, not threads: better-sqlite3 and the Automerge wasm heap
// are per process, and a test that kills its process must not take its neighbours along.
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
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
