/**
 * The links between the regions of a fleet, whoever makes them: a proxy of ours, or the kernel.
 *
 * Directions are what a region *says* to another, whoever dialled: `set("a", "b", …)` impairs what b hears of a.
 * Clients and operators reach regions directly; what fails here is between regions alone.
 */
import type { Impairment } from "./impairment.ts";

export const BACKENDS = ["proxy", "netns"] as const;
export type Backend = (typeof BACKENDS)[number];

export interface Links {
  readonly backend: Backend;
  /** Where a region is reached by us, and by its clients. */
  hostOf(region: string): string;
  /** What it listens on. */
  listenHostOf(region: string): string;
  /** Where `from` dials `to`. */
  dialUrl(from: string, to: string): string;
  /** What is put before a command so that it runs on the region's host. */
  enter(region: string): readonly string[];
  /** Changes what is named and leaves the rest as it is. */
  set(from: string, to: string, change: Partial<Impairment>): void;
  /** Ends what is connected between two regions with RST; those that were reset. */
  reset(one: string, other: string): number;
  /** How often a region has dialled another one; undefined where nobody counts. */
  dials(from: string, to: string): number | undefined;
  /** Everything passes again. */
  clear(): void;
  /** For the report of a failed run. */
  describe(): readonly string[];
  close(): Promise<void>;
}

export function setPair(
  links: Links,
  one: string,
  other: string,
  change: Partial<Impairment>,
): void {
  links.set(one, other, change);
  links.set(other, one, change);
}
