/** All scenarios, in the order of reliability's table. */
import type { Scenario } from "./scenario.ts";
import { regionOutages } from "./scenarios/region-outage.ts";
import { splitBrain } from "./scenarios/split-brain.ts";

export const CATALOGUE: readonly Scenario[] = [...regionOutages, splitBrain];
