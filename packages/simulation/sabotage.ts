/**
 * A planted bug: something wrong that is done to a region's doors or to its driver, in the simulator only.
 *
 * The product has no switches for this. A bug stands in a door (the store, the transport, chance) or
 * replaces a method of one instance, which is as near to a wrong line of code as one gets without one.
 */
import type { Clock, Random } from "@atoll/core";
import type { RegionDriver } from "@atoll/replica";
import type { Store } from "@atoll/store";
import type { SimTransport } from "./network.ts";
import type { World } from "./world.ts";

export interface Doors {
  readonly store: Store;
  readonly transport: SimTransport;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Surroundings {
  readonly region: { readonly name: string; readonly place: number };
  readonly random: Random;
}

export interface Sabotage {
  readonly name: string;
  /** What it does, as a person would report it. */
  readonly about: string;
  doors?(doors: Doors, around: Surroundings): Doors;
  driver?(driver: RegionDriver, around: Surroundings & { readonly world: World }): void;
}
