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
import type { Readiness } from "../fleet/region-process.ts";

const LOOK_MS = 500;
const STATUS_MS_MAX = 1_500;
/**
 * Looks in a row without an answer after which clients go elsewhere, as load balancers count. One would do on a machine
 * of its own; here it moved all clients of a busy region to the other side of a cut, with sessions that hold them there.
 */
const SILENT_LOOKS_MAX = 2;

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
  readonly #silentLooksByPlace: number[];
  readonly #avoided = new Set<number>();
  #timer: Timer | undefined;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(fleet: Fleet, nowMs: () => number) {
    this.#fleet = fleet;
    this.#nowMs = nowMs;
    this.#readyByPlace = fleet.regions.map(() => true);
    this.#silentLooksByPlace = fleet.regions.map(() => 0);
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
    const [readiness, status] = await Promise.all([
      process.readiness(),
      admin.status(STATUS_MS_MAX),
    ]);
    this.#note(region.place, readiness);
    const sample: Sample = {
      atMs: this.#nowMs(),
      region: region.name,
      isUp: process.isUp,
      isReady: readiness === "ready",
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

  #note(place: number, readiness: Readiness): void {
    const silent = readiness === "silent" ? (this.#silentLooksByPlace[place] ?? 0) + 1 : 0;
    this.#silentLooksByPlace[place] = silent;
    if (silent > 0 && silent < SILENT_LOOKS_MAX) return;
    this.#readyByPlace[place] = readiness === "ready";
  }
}
