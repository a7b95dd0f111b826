/**
 * Looks at every region twice a second, as an operator's dashboard would, and keeps what it saw.
 *
 * Everything here is what the product says of itself. The verdict on what is lost rests on the clients'
 * history alone; what is seen here tells whether an operator would have known (C7), how much memory it took
 * (C6), and draws the timeline.
 */
import type { Timer } from "@atoll/core";
import { systemClock } from "@atoll/core";
import type { Fleet, Region } from "../fleet/fleet.ts";
import type { PeerStatus } from "../fleet/region-admin.ts";

const LOOK_MS = 500;
const STATUS_MS_MAX = 1_500;

export interface Sample {
  readonly atMs: number;
  readonly region: string;
  readonly isUp: boolean;
  readonly isReady: boolean;
  readonly residentBytes: number | undefined;
  /** What it says of itself; undefined when it does not answer. */
  readonly said:
    | {
        readonly root: string;
        readonly documents: number;
        readonly changes: number;
        readonly pending: number;
        readonly quarantined: number;
        readonly scrubFaults: number;
        readonly peers: readonly PeerStatus[];
      }
    | undefined;
}

export class Observer {
  readonly samples: Sample[] = [];
  readonly #fleet: Fleet;
  readonly #nowMs: () => number;
  readonly #readyByPlace: boolean[];
  readonly #avoided = new Set<number>();
  #timer: Timer | undefined;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(fleet: Fleet, nowMs: () => number) {
    this.#fleet = fleet;
    this.#nowMs = nowMs;
    this.#readyByPlace = fleet.regions.map(() => true);
  }

  start(): void {
    this.#looking = Promise.all(this.#fleet.regions.map((region) => this.look(region)));
    this.#timer = systemClock.after(LOOK_MS, () => {
      void this.#looking.then(() => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#looking;
    this.#timer?.cancel();
  }

  /** The region itself while it is ready, otherwise the next that is. */
  route(place: number): number {
    const count = this.#readyByPlace.length;
    for (let i = 0; i < count; i++) {
      const next = (place + i) % count;
      if (this.#readyByPlace[next] === true && !this.#avoided.has(next)) return next;
    }
    return place;
  }

  /** As an operator drains a region: clients go elsewhere from now on, or come back. */
  avoid(place: number, isAvoided: boolean): void {
    if (isAvoided) this.#avoided.add(place);
    else this.#avoided.delete(place);
  }

  async look(region: Region): Promise<Sample> {
    const { process, admin } = region;
    const [isReady, status] = await Promise.all([process.isReady(), admin.status(STATUS_MS_MAX)]);
    this.#readyByPlace[region.place] = isReady;
    const sample: Sample = {
      atMs: this.#nowMs(),
      region: region.name,
      isUp: process.isUp,
      isReady,
      residentBytes: process.residentBytes(),
      said: status && {
        root: status.root,
        documents: status.counts.documents,
        changes: status.counts.changes,
        pending: status.counts.pending,
        quarantined: status.counts.quarantined,
        scrubFaults: status.counts.scrubFaults,
        peers: status.peers,
      },
    };
    this.samples.push(sample);
    return sample;
  }
}
