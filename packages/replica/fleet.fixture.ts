// A whole fleet in one process: real drivers, replicas and stores on a manual clock and a network in
// memory. Time passes only in `run`, so a test never sleeps and a failure repeats from its seed.
import type {
  Clock,
  Cluster,
  ProfileId,
  Region,
  RegionCode,
  RegionName,
  SpendingExchange,
} from "@atoll/core";
import { ManualClock, MemoryLog, SeededRandom, deriveClusterKeys, must } from "@atoll/core";
import { ProfileCodec, socialProfileSchema } from "@atoll/profile";
import type { ProfileEdit } from "@atoll/profile";
import type { Store } from "@atoll/store";
import { MemoryStore } from "@atoll/store";
import type { VersionRange } from "@atoll/sync";
import { MemoryNetwork } from "@atoll/sync";
import type { RetentionOptions } from "./retention.ts";
import { RegionDriver } from "./driver.ts";
import type { ReceiptOptions } from "./receipts.ts";
import type { ReadAnswer, WriteAnswer } from "./service.ts";
import type { SessionOptions } from "./sessions.ts";

const NAMES = ["us-east-1", "eu-west-1", "ap-northeast-1"] as const;

export const testCodec = new ProfileCodec(socialProfileSchema);

export function testCluster(shardCount = 16): Cluster {
  const regions: Region[] = NAMES.map((name, i) => ({
    name: name as string as RegionName,
    code: (i + 1) as RegionCode,
  }));
  const keys = deriveClusterKeys("the secret of this test", "test");
  return { id: "test", shardCount, regions, keys };
}

export class Fleet {
  readonly clock = new ManualClock();
  readonly log = new MemoryLog();
  readonly cluster: Cluster;
  readonly network: MemoryNetwork;
  readonly stores = new Map<string, Store>();
  readonly #random: SeededRandom;
  readonly #drivers = new Map<string, RegionDriver>();
  readonly #protocols: Readonly<Record<string, VersionRange>>;
  readonly #retention: Partial<RetentionOptions> | undefined;
  readonly #skewsMs: Readonly<Record<string, number>>;
  readonly #ratesOf: ((name: string) => SpendingExchange) | undefined;
  #starts = 0;

  constructor(
    seed: string | number,
    options: {
      readonly delayMs?: { min: number; max: number };
      /** Protocol versions of a region that runs another release. */
      readonly protocols?: Readonly<Record<string, VersionRange>>;
      /** How long the logs are kept. */
      readonly retention?: Partial<RetentionOptions>;
      /** How far the wall clock of a region is ahead. */
      readonly skewsMs?: Readonly<Record<string, number>>;
      /** Regions that are up from the beginning; all unless it is said. */
      readonly up?: readonly string[];
      /** Who limits a region's clients. */
      readonly ratesOf?: (name: string) => SpendingExchange;
    } = {},
  ) {
    this.#ratesOf = options.ratesOf;
    this.#random = new SeededRandom(seed);
    this.#protocols = options.protocols ?? {};
    this.#retention = options.retention;
    this.#skewsMs = options.skewsMs ?? {};
    this.cluster = testCluster();
    this.network = new MemoryNetwork({
      clock: this.clock,
      random: this.#random.fork("network"),
      delayMs: options.delayMs ?? { min: 1, max: 40 },
    });
    for (const { name } of this.cluster.regions) {
      this.stores.set(name, new MemoryStore());
      if (options.up?.includes(name) !== false) this.start(name);
    }
  }

  get names(): readonly string[] {
    return NAMES;
  }

  driver(name: string): RegionDriver {
    return must(this.#drivers.get(name), name);
  }

  /**
   * `as`: where a second process of the region listens, and the name of its store. `cluster`: what its
   * configuration says of it.
   */
  start(name: string, { as = name, log = this.log, cluster = this.cluster } = {}): RegionDriver {
    const protocol = this.#protocols[name];
    const region = must(
      cluster.regions.find((other) => other.name === name),
      name,
    );
    const others = cluster.regions.filter((other) => other !== region);
    const driver = new RegionDriver({
      cluster,
      region,
      store: must(this.stores.get(as), as),
      transport: this.network.transport(as),
      clock: this.#clockOf(name),
      random: this.#random.fork(`${name} ${this.#starts++}`),
      log,
      codec: testCodec,
      peers: new Map(others.map((other) => [other.code, `memory://${other.name}`])),
      version: "test",
      ...(protocol && { protocol }),
      rates: this.#ratesOf?.(name),
      ...(this.#retention && { retention: this.#retention }),
    });
    this.#drivers.set(as, driver);
    driver.start();
    return driver;
  }

  #clockOf(name: string): Clock {
    const { clock } = this;
    const skewMs = this.#skewsMs[name] ?? 0;
    return {
      nowMs: () => clock.nowMs() + skewMs,
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, fire) => clock.after(delayMs, fire),
      afterTurn: (run) => clock.afterTurn(run),
    };
  }

  /** As kill -9 would: what was not committed is gone, nobody is told. */
  crash(name: string): void {
    this.driver(name).kill();
    must(this.network.listener(name), name).crash();
    must(this.stores.get(name), name).rollback();
    this.#drivers.delete(name);
  }

  /** Of a region whose driver was closed by the test itself. */
  forget(name: string): void {
    this.#drivers.delete(name);
  }

  isUp(name: string): boolean {
    return this.#drivers.has(name);
  }

  /** Lets time pass, in steps small enough for promises to be served in between. */
  async run(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      this.clock.advance(5);
      await settlePromises();
    }
  }

  /** Runs until the condition holds; fails with what the regions say when it does not. */
  async until(what: string, condition: () => boolean, maxMs = 60_000): Promise<void> {
    for (let passed = 0; passed < maxMs; passed += 20) {
      if (condition()) return;
      await this.run(20);
    }
    const states = [...this.#drivers.values()].map((driver) => ({
      ...driver.status(),
      shards: undefined,
    }));
    throw new Error(`${what}: not after ${maxMs} ms\n${JSON.stringify(states, undefined, 1)}`);
  }

  /** Every region holds the same and has nothing left to do. */
  converged(): boolean {
    const states = [...this.#drivers.values()].map((driver) => driver.status());
    const roots = new Set(states.map(({ root }) => root));
    return (
      roots.size === 1 &&
      states.every(
        ({ counts, peers }) =>
          counts.pending === 0 &&
          peers.every(({ state, behind }) => state === "live" && behind === 0),
      )
    );
  }

  async write(
    name: string,
    id: string,
    edit: ProfileEdit,
    session?: Partial<SessionOptions>,
    receipt?: ReceiptOptions,
  ): Promise<WriteAnswer> {
    const writing = this.driver(name).service.write(id as ProfileId, edit, {}, sessionOf(session), {
      upsert: true,
      ...(receipt !== undefined && { receipt }),
    });
    return this.#await(writing);
  }

  async read(name: string, id: string, session?: Partial<SessionOptions>): Promise<ReadAnswer> {
    return this.#await(
      Promise.resolve(this.driver(name).service.read(id as ProfileId, sessionOf(session))),
    );
  }

  async json(name: string, id: string): Promise<string | undefined> {
    const answer = await this.read(name, id);
    return answer.kind === "found" ? answer.profile.json : undefined;
  }

  async close(): Promise<void> {
    for (const driver of this.#drivers.values()) await driver.close();
  }

  async #await<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    await settlePromises();
    while (!settled) await this.run(5);
    return promise;
  }
}

function sessionOf(session: Partial<SessionOptions> = {}): SessionOptions {
  return { token: undefined, waitMs: 250, handling: "strict", ...session };
}

async function settlePromises(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
