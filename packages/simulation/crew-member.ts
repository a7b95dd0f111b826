/**
 * A process of a crew: runs seeds and hunts planted bugs, as it is told to.
 */
import { serve } from "./crew.ts";
import type { Hunted, HuntTask } from "./hunt.ts";
import { hunt } from "./hunt.ts";
import type { SeedResult, SeedTask } from "./seed-run.ts";
import { runSeed } from "./seed-run.ts";

serve((task: SeedTask | HuntTask): Promise<SeedResult | Hunted> =>
  task.kind === "seed" ? runSeed(task) : hunt(task),
);
