/** All scenarios, in the order of their numbers. */
import type { Scenario } from "./scenario.ts";
import { blackHole } from "./scenarios/black-hole.ts";
import { crumbs } from "./scenarios/crumbs.ts";
import { damagedFiles } from "./scenarios/damaged-files.ts";
import { damagedFrames } from "./scenarios/damaged-frames.ts";
import { diskFull } from "./scenarios/disk-full.ts";
import { flapping } from "./scenarios/flapping.ts";
import { framesTwiceAndLate } from "./scenarios/frames-twice-and-late.ts";
import { frozenProcess } from "./scenarios/frozen-process.ts";
import { isolatedNode } from "./scenarios/isolated-node.ts";
import { killLoop } from "./scenarios/kill-loop.ts";
import { oneWayCut } from "./scenarios/one-way-cut.ts";
import { packetLoss } from "./scenarios/packet-loss.ts";
import { partialCut } from "./scenarios/partial-cut.ts";
import { regionOutages } from "./scenarios/region-outage.ts";
import { resetStorm } from "./scenarios/reset-storm.ts";
import { restoredBackup } from "./scenarios/restored-backup.ts";
import { rollingUpgrade } from "./scenarios/rolling-upgrade.ts";
import { sameRegionTwice } from "./scenarios/same-region-twice.ts";
import { slowLink } from "./scenarios/slow-link.ts";
import { splitBrain } from "./scenarios/split-brain.ts";
import { swarm } from "./scenarios/swarm.ts";
import { threeWaySplit } from "./scenarios/three-way-split.ts";
import { thunderingHerd } from "./scenarios/thundering-herd.ts";
import { twoRegionsDown } from "./scenarios/two-regions-down.ts";
import { wrongClocks } from "./scenarios/wrong-clocks.ts";

export const CATALOGUE: readonly Scenario[] = [
  ...regionOutages,
  twoRegionsDown,
  splitBrain,
  threeWaySplit,
  oneWayCut,
  partialCut,
  isolatedNode,
  flapping,
  blackHole,
  slowLink,
  packetLoss,
  framesTwiceAndLate,
  damagedFrames,
  crumbs,
  resetStorm,
  frozenProcess,
  killLoop,
  diskFull,
  damagedFiles,
  wrongClocks,
  restoredBackup,
  sameRegionTwice,
  thunderingHerd,
  rollingUpgrade,
  swarm,
];

/**
 * For every push: the fault that Atoll is for, the one that finds most bugs, and the one nobody thinks of. Shorter and
 * under less load, so that a slow machine says something about the code and not about itself.
 */
export const SMOKE: readonly Scenario[] = [splitBrain, killLoop, oneWayCut].map(
  ({ writesPerSecondMin: _asMuch, ...scenario }) => ({
    ...scenario,
    load: { ...scenario.load, rate: 60, sessions: 24 },
    seconds: { quick: 4, full: 4 },
  }),
);
