/**
 * Performs the faults of a schedule, each with its own end.
 *
 * A phase that needs a sound fleet calls `endAll`: whatever is still broken is mended at once, and ends of
 * faults that come later find that their time has passed.
 */
import { SeededRandom, must } from "@atoll/core";
import { damagePlaces, flipOneBit } from "@atoll/store/damage";
import type { Image } from "./disk.ts";
import { withoutTail } from "./disk.ts";
import type { Fault } from "./fault.ts";
import { isLossy } from "./fault.ts";
import type { SimFleet } from "./fleet.ts";
import { judgeAgain } from "./operator.ts";
import type { SimRegion } from "./region.ts";

/** Down after a crash in a commit, if nobody says otherwise. */
const DOWN_MS = 500;
/** A flipped bit anywhere else keeps a region from starting, or nobody can mend it: DESIGN.md, gaps. */
const FLIPPED = ["document", "body", "base", "log", "frontier", "bucket", "pending"];

export class Acts {
  readonly #fleet: SimFleet;
  /** Moves when all faults are ended. */
  #epoch = 0;
  /** Copies of disks that faults to come will need. */
  readonly #copies = new Map<Fault, Image>();
  readonly #downMs = new Map<SimRegion, number>();
  /** A bit was flipped: only a scrub finds out what that did. */
  hasDamaged = false;
  /** A disk lost what it had, so that somebody may have had to repair it. */
  hasLost = false;

  constructor(fleet: SimFleet) {
    this.#fleet = fleet;
  }

  plan(fault: Fault): void {
    const { world } = this.#fleet;
    const epoch = this.#epoch;
    if (fault.kind === "restore" || fault.kind === "clone") {
      world.schedule(fault.atMs - fault.ageMs, undefined, () => this.#copy(fault));
    }
    world.schedule(fault.atMs, undefined, () => {
      if (this.#epoch !== epoch) return;
      this.#fleet.trace.add(`${world.nowMs} ${JSON.stringify(fault)}`);
      this.#perform(fault);
    });
  }

  /** Its process has died inside a commit. */
  died(region: SimRegion): void {
    const { world, marks } = this.#fleet;
    marks.hit("sim: died in a commit");
    world.schedule(0, undefined, () => {
      this.#crash(region, { isSilent: false, downMs: this.#downMs.get(region) ?? DOWN_MS });
    });
  }

  /** Mends everything and starts everybody. */
  endAll(): void {
    const { network, regions, world } = this.#fleet;
    this.#epoch++;
    network.isFaulty = false;
    network.healAll();
    for (const region of regions) {
      region.setDiskFault(undefined);
      region.crashInNextCommit(undefined);
      world.relieve(region.host);
      this.#start(region);
    }
    for (const a of regions) {
      for (const b of regions) if (a !== b) a.driver.setPeerState(b.name, "active");
    }
  }

  /** Out of the core: dead, cut off, or cut off one way only. */
  banish(region: SimRegion, how: number): void {
    const { network, regions } = this.#fleet;
    if (how === 0) {
      this.#kill(region, false);
      return;
    }
    for (const other of regions) {
      if (other === region) continue;
      network.cut(region.name, other.name);
      if (how === 1) network.cut(other.name, region.name);
    }
  }

  #perform(fault: Fault): void {
    const { network, marks, world } = this.#fleet;
    marks.hit(`fault: ${fault.kind}`);
    if (isLossy(fault.kind)) this.hasLost = true;
    switch (fault.kind) {
      case "cut": {
        const [a, b] = [this.#at(fault.a).name, this.#at(fault.b).name];
        network.cut(a, b);
        if (!fault.isOneWay) network.cut(b, a);
        return this.#later(fault.forMs, () => {
          network.heal(a, b);
          if (!fault.isOneWay) network.heal(b, a);
        });
      }
      case "isolate": {
        const { name } = this.#at(fault.at);
        const others = this.#fleet.regions.filter((other) => other.name !== name);
        for (const other of others) {
          network.cut(name, other.name);
          network.cut(other.name, name);
        }
        return this.#later(fault.forMs, () => {
          for (const other of others) {
            network.heal(name, other.name);
            network.heal(other.name, name);
          }
        });
      }
      case "break":
        return network.breakLinks(this.#at(fault.a).name, this.#at(fault.b).name);
      case "clog": {
        const [a, b] = [this.#at(fault.a).name, this.#at(fault.b).name];
        network.clog(a, b, fault.extraMs);
        return this.#later(fault.forMs, () => network.clog(a, b, 0));
      }
      case "throttle": {
        const [a, b] = [this.#at(fault.a).name, this.#at(fault.b).name];
        network.throttle(a, b, fault.bytesPerMs);
        return this.#later(fault.forMs, () => network.throttle(a, b, undefined));
      }
      case "crash": {
        const region = this.#at(fault.at);
        if (!region.isUp) return;
        this.#downMs.set(region, fault.downMs);
        if (fault.when === "now") this.#crash(region, fault);
        else region.crashInNextCommit(fault.when);
        return;
      }
      case "stop": {
        const region = this.#at(fault.at);
        const epoch = this.#epoch;
        region.stop(() => {
          if (this.#epoch === epoch) this.#later(fault.downMs, () => this.#start(region));
          else this.#start(region);
        });
        return;
      }
      case "pause": {
        const { host } = this.#at(fault.at);
        host.freeAtMs = Math.max(host.freeAtMs, world.nowMs + fault.forMs);
        return;
      }
      case "slow": {
        const { host } = this.#at(fault.at);
        host.costMs = fault.costMs;
        return this.#later(fault.forMs, () => {
          host.costMs = 0;
        });
      }
      case "clock": {
        const region = this.#at(fault.at);
        region.clockFaults.offsetMs += fault.byMs;
        if (fault.byMs < 0) marks.hit("sim: a clock went back");
        return;
      }
      case "disk": {
        const region = this.#at(fault.at);
        region.setDiskFault({ how: fault.how, rate: fault.rate });
        return this.#later(fault.forMs, () => region.setDiskFault(undefined));
      }
      case "lost-tail": {
        const region = this.#at(fault.at);
        const image = this.#kill(region, true);
        this.#replaceDisk(region, withoutTail(image, fault.commits));
        return this.#later(fault.downMs, () => this.#start(region));
      }
      case "restore": {
        const copy = this.#copies.get(fault);
        if (copy === undefined) return;
        const region = this.#at(fault.at);
        this.#kill(region, false);
        this.#replaceDisk(region, copy);
        return this.#later(fault.downMs, () => this.#start(region));
      }
      case "clone": {
        const copy = this.#copies.get(fault);
        if (copy === undefined) return;
        const region = this.#at(fault.at);
        const own = this.#kill(region, false);
        this.#replaceDisk(region, copy);
        this.#later(0, () => this.#start(region));
        return this.#later(fault.forMs, () => {
          this.#kill(region, false);
          this.#replaceDisk(region, own);
          this.#later(0, () => this.#start(region));
        });
      }
      case "bit-flip":
        return this.#flip(this.#at(fault.at), fault.draw);
      case "verify": {
        const region = this.#at(fault.at);
        if (region.isUp) region.driver.scrub.verify();
        return;
      }
      case "operator": {
        const [a, b] = [this.#at(fault.a), this.#at(fault.b)];
        if (a.isUp) a.driver.setPeerState(b.name, "paused");
        return this.#later(fault.forMs, () => {
          if (!a.isUp) return;
          a.driver.setPeerState(b.name, "active");
          judgeAgain(this.#fleet, a);
        });
      }
    }
  }

  #at(place: number): SimRegion {
    const { regions } = this.#fleet;
    return must(regions[place % regions.length], "a region");
  }

  /** Unless all faults have been ended before. */
  #later(delayMs: number, run: () => void): void {
    const epoch = this.#epoch;
    this.#fleet.world.schedule(delayMs, undefined, () => {
      if (this.#epoch === epoch) run();
    });
  }

  #crash(
    region: SimRegion,
    { isSilent, downMs }: { readonly isSilent: boolean; readonly downMs: number },
  ): void {
    const epoch = this.#epoch;
    this.#kill(region, isSilent);
    this.#fleet.world.schedule(downMs, undefined, () => {
      if (this.#epoch === epoch) this.#start(region);
    });
  }

  #kill(region: SimRegion, isSilent: boolean): Image {
    return region.crash(isSilent);
  }

  #start(region: SimRegion): void {
    if (region.isUp) return;
    region.start();
  }

  #copy(fault: Fault & { readonly kind: "restore" | "clone" }): void {
    const region = this.#at(fault.at);
    if (fault.kind === "restore" && fault.isOrderly && region.isUp) {
      this.#fleet.marks.hit("sim: a copy of an orderly stop");
      region.stop(() => {
        this.#copies.set(fault, region.image());
        this.#start(region);
      });
    } else {
      this.#copies.set(fault, region.image());
    }
  }

  #replaceDisk(region: SimRegion, image: Image): void {
    region.putDisk(image);
    this.#fleet.kept.lossy(region);
  }

  #flip(region: SimRegion, draw: number): void {
    if (!region.isUp || region.store.inTransaction) return;
    const random = new SeededRandom(draw);
    // The only copy of an entry cannot be brought back by anybody: replica/DESIGN.md, gaps.
    const others = this.#fleet.regions.filter((other) => other !== region);
    const isOnlyCopy = [...region.held].some((hash) => !others.some(({ held }) => held.has(hash)));
    const places = damagePlaces(region.file).filter(
      ({ table }) => FLIPPED.includes(table) && !(isOnlyCopy && table === "log"),
    );
    const place = places[random.below(Math.max(1, places.length))];
    if (place === undefined) return;
    const damage = flipOneBit(region.file, place, random);
    if (damage === undefined) return;
    this.hasDamaged = true;
    this.#fleet.trace.add(JSON.stringify(damage));
    this.#fleet.kept.damaged(region, this.#fleet.regions);
  }
}
