/**
 * One region of the fleet: a machine with a clock and a disk, and the process that comes and goes on it.
 *
 * The process is the real `RegionDriver` over the real SQLite store; the four doors are the simulator's.
 * What outlives the process is here: the disk, the error of the clock, and the record of what the disk
 * has promised to keep.
 */
import type { Cluster, LogEntry, Log, Random, Region } from "@atoll/core";
import { isAtollError, must, toHex } from "@atoll/core";
import type { ProfileCodec } from "@atoll/profile";
import type { RetentionOptions } from "@atoll/replica";
import { RegionDriver } from "@atoll/replica";
import type { Store } from "@atoll/store";
import type { VersionRange } from "@atoll/sync";
import type { Image } from "./disk.ts";
import { Disk, commitsInTail, withTornCommit } from "./disk.ts";
import type { SimNetwork } from "./network.ts";
import { SimTransport } from "./network.ts";
import type { Sabotage } from "./sabotage.ts";
import type { CommitCrash, DiskFault } from "./store-door.ts";
import { ProcessDied, StoreDoor } from "./store-door.ts";
import type { ClockFaults, ClockPace } from "./virtual-clock.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { Host, World } from "./world.ts";

export interface RegionOptions {
  readonly cluster: Cluster;
  readonly region: Region;
  readonly place: number;
  readonly world: World;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly log: Log;
  readonly codec: ProfileCodec;
  readonly clockFaults: ClockFaults;
  readonly pace: ClockPace;
  readonly protocol: VersionRange | undefined;
  readonly retention: Partial<RetentionOptions> | undefined;
  readonly sabotage: Sabotage | undefined;
  /** Every transaction that is on the disk for good now. */
  readonly durable: (region: SimRegion, entries: readonly LogEntry[]) => void;
  /** A process runs, also one that a disk refused at first. */
  readonly started: (region: SimRegion) => void;
  /** How long the disk takes to sync. */
  readonly syncMs: { readonly min: number; readonly max: number };
  /** A power cut has undone commits that nobody had been told of. */
  readonly powerCut: () => void;
  /** The process has died in a commit. */
  readonly died: (region: SimRegion) => void;
}

/** Between two attempts to start on a disk that refuses. */
const RESTART_MS = 1_000;

export class SimRegion {
  readonly name: string;
  readonly place: number;
  readonly host: Host;
  readonly clockFaults: ClockFaults;
  /** Names of the changes whose entries are committed in this disk's log. */
  held = new Set<string>();
  diskFault: DiskFault | undefined;
  starts = 0;
  readonly #options: RegionOptions;
  readonly #disk = new Disk();
  readonly #inFlight = new Set<() => void>();
  #driver: RegionDriver | undefined;
  #transport: SimTransport | undefined;
  #door: StoreDoor | undefined;
  #deathImage: Image | undefined;

  constructor(options: RegionOptions) {
    this.#options = options;
    this.name = options.region.name;
    this.place = options.place;
    this.clockFaults = options.clockFaults;
    this.host = { name: this.name, life: 1, freeAtMs: 0, costMs: 0 };
  }

  get isUp(): boolean {
    return this.#driver !== undefined;
  }

  get driver(): RegionDriver {
    return must(this.#driver, this.name);
  }

  /** Under which name the process writes; undefined while there is none. */
  get driverOrigin(): number | undefined {
    return this.#driver?.replica.origin;
  }

  get store(): Store {
    return must(this.#door, this.name).store;
  }

  get transport(): SimTransport {
    return must(this.#transport, this.name);
  }

  /** Where its file lies, for somebody who is about to change it behind its back. Only while it is up. */
  get file(): string {
    return this.#disk.path;
  }

  /** Starts the process; tries again later when the disk refuses. */
  start(): void {
    if (this.isUp) return;
    const { world } = this.#options;
    try {
      this.#start();
    } catch (error) {
      if (error instanceof ProcessDied) return;
      if (!isAtollError(error) || !error.code.startsWith("storage-")) throw error;
      this.#end(false);
      world.schedule(RESTART_MS, this.host, () => this.start());
    }
  }

  #start(): void {
    const options = this.#options;
    const { cluster, region, world, network, log, codec, protocol, retention, sabotage } = options;
    const random = options.random.fork(`start ${this.starts++}`);
    const real = this.#disk.open();
    const syncs = random.fork("syncs");
    const door = new StoreDoor(
      real,
      {
        durable: (entries, removed) => {
          for (const hash of removed) this.held.delete(toHex(hash));
          for (const { hash } of entries) this.held.add(toHex(hash));
          options.durable(this, entries);
        },
        syncing: (done) => {
          const { min, max } = options.syncMs;
          world.schedule(min + (max - min) * syncs.float(), this.host, done);
        },
        walPosition: () => this.#disk.walPosition(),
        died: (when) => this.#diedInCommit(when),
      },
      random.fork("disk"),
    );
    door.fault = this.diskFault;
    this.#door = door;
    const transport = new SimTransport(network, this.name, this.host);
    this.#transport = transport;
    const clock = new VirtualClock({
      world,
      host: this.host,
      faults: this.clockFaults,
      pace: options.pace,
      random: random.fork("turns"),
    });
    const others = cluster.regions.filter((other) => other !== region);
    const doors = { store: door.store, transport, clock, random: random.fork("process") };
    const sabotaged = sabotage?.doors?.(doors, { region: this, random: random.fork("bug") });
    const driver = new RegionDriver({
      cluster,
      region,
      ...(sabotaged ?? doors),
      log,
      codec,
      peers: new Map(others.map((other) => [other.code, `sim://${other.name}`])),
      version: "simulated",
      ...(protocol && { protocol }),
      ...(retention && { retention }),
    });
    sabotage?.driver?.(driver, { region: this, random: random.fork("bug in the driver"), world });
    this.#driver = driver;
    driver.start();
    options.started(this);
  }

  /** A request that gets no answer if the process dies. */
  inFlight(giveUp: () => void): () => void {
    this.#inFlight.add(giveUp);
    return () => this.#inFlight.delete(giveUp);
  }

  setDiskFault(fault: DiskFault | undefined): void {
    this.diskFault = fault;
    if (this.#door !== undefined) this.#door.fault = fault;
  }

  /** Undefined takes it back. */
  crashInNextCommit(when: CommitCrash | undefined): void {
    if (this.#door !== undefined) this.#door.crashAt = when;
  }

  /** What a power cut would leave now. */
  image(): Image {
    return this.#disk.image();
  }

  /** As kill -9, or a power cut, by turns. Returns what the disk keeps. */
  crash(isSilent: boolean): Image {
    if (!this.isUp && this.#door === undefined) return this.#disk.image();
    const image = this.#deathImage ?? this.#imageAfterCrash();
    this.#deathImage = undefined;
    this.#driver?.kill();
    this.#end(isSilent);
    this.#disk.put(image);
    return image;
  }

  #imageAfterCrash(): Image {
    const synced = this.#door?.unsyncedFrom;
    const random = this.#options.random.fork(`crash ${this.starts}`);
    if (synced === undefined || random.below(2) === 0) return this.#disk.image();
    const image = this.#disk.imageAfterPowerCut(synced, random);
    if (commitsInTail(image) < commitsInTail(this.#disk.image())) this.#options.powerCut();
    return image;
  }

  /** Another disk lies in the machine from now on. */
  putDisk(image: Image): void {
    this.#disk.put(image);
  }

  /** An orderly stop; `done` when the process has ended. */
  stop(done: () => void): void {
    const { world } = this.#options;
    const driver = this.#driver;
    if (driver === undefined) return done();
    const { life } = this.host;
    world.promised++;
    void driver.close().then(
      () => {
        world.promised--;
        if (this.host.life !== life) return;
        const image = this.#disk.image();
        this.#end(false);
        this.#disk.put(image);
        done();
      },
      (error: unknown) => {
        world.promised--;
        if (this.host.life !== life) return;
        world.schedule(0, undefined, () => {
          // A disk that refuses to the last: the process ends, and not in order.
          if (!isAtollError(error) && !(error instanceof ProcessDied)) throw error;
          this.crash(false);
          done();
        });
      },
    );
  }

  /** Ends all that belongs to the process. */
  #end(isSilent: boolean): void {
    this.host.life++;
    this.host.freeAtMs = 0;
    this.#driver?.replica.documents.clear(); // the collector does not see wasm memory
    this.#driver = undefined;
    this.#door = undefined;
    this.#transport?.crash(isSilent);
    this.#transport = undefined;
    const waiting = [...this.#inFlight];
    this.#inFlight.clear();
    for (const giveUp of waiting) giveUp();
  }

  #diedInCommit(when: CommitCrash): void {
    const image = this.#disk.image();
    const { random, died } = this.#options;
    this.#deathImage =
      when === "torn-commit" ? withTornCommit(image, random.fork(`torn ${this.starts}`)) : image;
    died(this);
  }

  /** Frees everything. */
  dispose(): void {
    if (this.#driver !== undefined) this.#driver.kill();
    this.#end(true);
    this.#disk.close();
  }
}
