/**
 * What a bench is: a name, a run, and a report that a person and a program can both read.
 *
 * Figures are plain JSON and mean the same at every size, so that two reports can be compared. A budget
 * that is missed is part of the report and not an error: who runs the bench decides what follows.
 */
import type { JsonObject } from "@atoll/profile";
import type { CpuProfile } from "./cpu-profile.ts";
import type { Table } from "./table.ts";

export interface BenchOptions {
  /** A size for tests: seconds, and figures that only show that the bench works. */
  readonly quick: boolean;
  /** The size that the budgets were made for; minutes, and gigabytes of disk. */
  readonly large: boolean;
  /** Samples the processor and lists where its time went. */
  readonly profile: boolean;
  /** Where databases are made: the disk that is measured. */
  readonly directory: string;
  /** Somebody else's server may be fetched from its registry. Without, what is not there is not measured. */
  readonly mayInstall: boolean;
  /** Of `crash`: how often, and which chance. */
  readonly kills?: number | undefined;
  readonly images?: number | undefined;
  readonly seed?: string | undefined;
  /** Talk for whoever waits. */
  readonly tell: (line: string) => void;
}

export interface Budget {
  readonly name: string;
  readonly value: number;
  /** The value must not be above it; or, with `atLeast`, not below. */
  readonly limit: number;
  readonly atLeast: boolean;
  readonly met: boolean;
}

export interface BenchReport {
  readonly parameters: JsonObject;
  readonly figures: JsonObject;
  readonly budgets: readonly Budget[];
  readonly tables: readonly Table[];
  /** Where the time went, by name of what was done; with `profile`. */
  readonly profiles?: Readonly<Record<string, CpuProfile>>;
}

export interface Bench {
  readonly name: string;
  /** One line: what it measures. */
  readonly summary: string;
  run(options: BenchOptions): Promise<BenchReport>;
}

export function atMost(name: string, value: number, limit: number): Budget {
  return { name, value, limit, atLeast: false, met: value <= limit };
}

export function atLeast(name: string, value: number, limit: number): Budget {
  return { name, value, limit, atLeast: true, met: value >= limit };
}
