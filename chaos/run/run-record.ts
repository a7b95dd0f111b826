/** What is left of a run: the verdict, what it rests on, and all that is needed to see it again. */
import type { Criterion } from "../judge/verdict.ts";
import type { Backend } from "../network/links.ts";
import type { Expectation } from "./stage.ts";

export interface RunRecord {
  readonly scenario: string;
  readonly numbers: readonly number[];
  readonly backend: Backend;
  readonly seed: string;
  /** A skipped run is no pass: nothing is known. */
  readonly verdict: "PASSED" | "FAILED" | "SKIPPED";
  /** Why it was skipped, or what was thrown. */
  readonly reason: string | undefined;
  readonly criteria: readonly Criterion[];
  readonly expectations: readonly Expectation[];
  readonly convergeMsMax: number;
  /** Acknowledged, while clients were there. */
  readonly writesPerSecond: number;
  readonly acknowledged: number;
  readonly wallMs: number;
  /** What else the machine had to do: bounds of time mean little where processes wait for a core. */
  readonly host: string;
  readonly directory: string;
}
