/**
 * Two real regions and the link between them, in one process.
 *
 * On a manual clock time passes only in `until`, so that what they say to each other depends on what they
 * hold and on nothing of this machine. On the system's clock they live as fast as they can.
 */
import type { Clock, Cluster, Log, ManualClock, Region, RegionCode, RegionName } from "@atoll/core";
import { SeededRandom, assert, deriveClusterKeys, limits, must, silentLog } from "@atoll/core";
import { ProfileCodec, socialProfileSchema } from "@atoll/profile";
import { RegionDriver } from "@atoll/replica";
import type { Store } from "@atoll/store";
import { MemoryNetwork } from "@atoll/sync";
import type { Transport } from "@atoll/sync";
import { FrameRecorder } from "./frame-recorder.ts";
import { TappedTransport } from "./tapped-transport.ts";

export const benchCodec = new ProfileCodec(socialProfileSchema);

export const BENCH_SECRET = "a secret for benches";

export function benchCluster(
  names: readonly string[],
  shardCount = limits.SHARDS_DEFAULT,
): Cluster {
  const regions: Region[] = names.map((name, i) => ({
    name: name as RegionName,
    code: (i + 1) as RegionCode,
  }));
  return {
    id: "bench",
    shardCount,
    regions,
    keys: deriveClusterKeys(BENCH_SECRET, "bench"),
  };
}

export const PAIR = ["us-east-1", "eu-west-1"] as const;
export type PairName = (typeof PAIR)[number];

/** One way; constant, so that turns of a conversation do not overlap. */
const LINK_DELAY_MS = 40;
const STEP_MS = 25;

/** Lets `ms` of the pair's time pass. */
export type PassTime = (ms: number) => Promise<void>;

export function manualTime(clock: ManualClock): PassTime {
  return async (ms) => {
    clock.advance(ms);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
}

export interface RegionPairOptions {
  readonly cluster: Cluster;
  readonly stores: Readonly<Record<PairName, Store>>;
  readonly clock: Clock;
  readonly passTime: PassTime;
  readonly recorder?: FrameRecorder;
  readonly log?: Log;
  /** Wraps what one region is given, to measure it. */
  readonly around?: (name: PairName, world: RegionWorld) => RegionWorld;
}

export interface RegionWorld {
  readonly clock: Clock;
  readonly transport: Transport;
}

export class RegionPair {
  readonly recorder: FrameRecorder;
  readonly drivers: Readonly<Record<PairName, RegionDriver>>;
  readonly #passTime: PassTime;

  constructor(options: RegionPairOptions) {
    const { cluster, stores, clock, recorder = new FrameRecorder() } = options;
    this.#passTime = options.passTime;
    this.recorder = recorder;
    const random = new SeededRandom("region pair");
    const network = new MemoryNetwork({
      clock,
      random: random.fork("network"),
      delayMs: { min: LINK_DELAY_MS, max: LINK_DELAY_MS },
    });
    const driverOf = (name: PairName): RegionDriver => {
      const transport = new TappedTransport(network.transport(name), recorder.tap(name));
      const world = options.around?.(name, { clock, transport }) ?? { clock, transport };
      const region = must(
        cluster.regions.find((other) => other.name === name),
        name,
      );
      const peers = cluster.regions.filter((other) => other !== region);
      return new RegionDriver({
        ...world,
        cluster,
        region,
        store: stores[name],
        random: random.fork(name),
        log: options.log ?? silentLog,
        codec: benchCodec,
        peers: new Map(peers.map((peer) => [peer.code, `memory://${peer.name}`])),
        version: "bench",
      });
    };
    this.drivers = { "us-east-1": driverOf("us-east-1"), "eu-west-1": driverOf("eu-west-1") };
  }

  start(): void {
    for (const name of PAIR) {
      this.drivers[name].start();
      this.drivers[name].scrub.stop(); // rows without changes are what it takes for damage
    }
  }

  /** Lets time pass until it is so; `undefined` when it is not after so long. Returns the time it took. */
  async until(condition: () => boolean, withinMs: number): Promise<number | undefined> {
    for (let passedMs = 0; passedMs <= withinMs; passedMs += STEP_MS) {
      if (condition()) return passedMs;
      await this.#passTime(STEP_MS);
    }
    return undefined;
  }

  /** Both sides have compared, and found the same. */
  get isProvenEqual(): boolean {
    return PAIR.every((name) =>
      this.drivers[name].status().peers.every(({ root }) => root === "equal"),
    );
  }

  /** The second holds what the first has written. */
  get hasCaughtUp(): boolean {
    const [ahead, behind] = PAIR.map((name) => this.drivers[name].replica.ledger);
    assert(ahead !== undefined && behind !== undefined, "two regions");
    return ahead.changes === behind.changes;
  }

  /** What the proof claims, looked at. */
  get hasEqualRoots(): boolean {
    const [a, b] = PAIR.map((name) => this.drivers[name].status());
    assert(a !== undefined && b !== undefined, "two regions");
    return a.root === b.root && a.counts.changes === b.counts.changes;
  }

  async close(): Promise<void> {
    for (const name of PAIR) await this.drivers[name].close();
  }
}
