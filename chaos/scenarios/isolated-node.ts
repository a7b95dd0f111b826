/** 10: one node inside a region is cut off from the others of that region. */
import type { Scenario } from "../scenario.ts";

export const isolatedNode: Scenario = {
  name: "isolated-node",
  numbers: [10],
  hypothesis: {
    steady: "a region of several nodes serves reads and writes",
    fault: "one node is cut off from the others of its region",
    expectation: "the region keeps serving",
  },
  impossible: "a region is one process in this release; one that is cut off is split-brain",
  seconds: { quick: 0, full: 0 },
  convergeMsMax: 0,
  act: () => Promise.reject(new Error("never run")),
};
