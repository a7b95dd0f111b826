/** A running simulation, as those see it who act on it: faults, clients and checks. */
import type { Found } from "./checkers/violation.ts";
import type { MarkLog } from "./marks.ts";
import type { SimNetwork } from "./network.ts";
import type { PromisesKept } from "./promises-kept.ts";
import type { SimRegion } from "./region.ts";
import type { Trace } from "./trace.ts";
import type { World } from "./world.ts";

export interface SimFleet {
  readonly world: World;
  readonly network: SimNetwork;
  readonly regions: readonly SimRegion[];
  readonly kept: PromisesKept;
  readonly marks: MarkLog;
  readonly trace: Trace;
  /** A promise was broken: the run is over. */
  fail(found: Found): void;
}
