/** What the visibility bench and its regions, each a process of its own, say to each other. */
import type { JsonObject } from "@atoll/profile";

/** How a region is started: one argument of its process, as JSON. */
export interface VisibilityPlan extends JsonObject {
  readonly region: string;
  readonly regions: string[];
  /** A directory of this region's own. */
  readonly directory: string;
  readonly profiles: number;
  readonly writesPerSecond: number;
  /** Written like what follows, and not measured. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export type ToRegion =
  /** Where the links to the others begin. */
  | { readonly kind: "peers"; readonly portByRegion: Readonly<Record<string, number>> }
  | { readonly kind: "start" }
  | { readonly kind: "write" }
  | { readonly kind: "stop" };

export type FromRegion =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "attached" }
  /** All profiles of all regions are here. */
  | { readonly kind: "prepared" }
  | ({ readonly kind: "written" } & RegionSamples);

/** Milliseconds of the precise wall clock, by number of the write. */
export interface RegionSamples {
  readonly dueMs: readonly number[];
  readonly ackedMs: readonly number[];
  /** What the region's process kept busy, on average, from the end of its warm-up until it had seen all others. */
  readonly coresBusy: number;
  readonly seenMsByRegion: Readonly<Record<string, readonly number[]>>;
}
