/**
 * A scenario: one hypothesis about the fleet, and the fault that tries to refute it.
 *
 *     steady state   what holds before, and is measured first
 *     fault          what is done to real processes and real links
 *     expectation    what must hold meanwhile and afterwards
 *     verdict        C1 … C8 of the run, and the scenario's own expectations
 *
 * A scenario only does and looks; it never decides that all is well. The criteria are the same for all.
 */
import type { Backend } from "./network/links.ts";
import type { Need } from "./needs.ts";
import type { LoadShape } from "./load/load.ts";
import type { RegionPlan } from "./fleet/region-plan.ts";
import type { Launch } from "./fleet/region-process.ts";
import type { Stage } from "./run/stage.ts";
import type { Signal } from "./judge/signal.ts";

export interface Scenario {
  readonly name: string;
  /** In reliability's table of scenarios. */
  readonly numbers: readonly number[];
  readonly hypothesis: {
    readonly steady: string;
    readonly fault: string;
    readonly expectation: string;
  };
  /** What it cannot do without; where it is missing the scenario is skipped, which is no pass. */
  readonly needs?: readonly Need[];
  readonly backends?: readonly Backend[];
  /** Why it cannot be run at all, by anybody, yet. */
  readonly impossible?: string;
  readonly load?: Partial<LoadShape>;
  /** Acknowledged writes a second that clients must have had, from the warm-up until they stopped. */
  readonly writesPerSecondMin?: number;
  /** How long the fault lasts, in a quick run and otherwise. */
  readonly seconds: { readonly quick: number; readonly full: number };
  /** T: from the heal until everything written before it is everywhere, and all are equal. */
  readonly convergeMsMax: number;
  /** What the regions must have told their operators; undefined where there is nothing to tell. */
  readonly signal?: Signal;
  /** How a region is started, where it is not as an operator would. */
  readonly launch?: (plan: RegionPlan) => Launch;
  readonly act: (stage: Stage) => Promise<void>;
}
