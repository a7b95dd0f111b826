/**
 * Clients that go on writing whatever happens, and know what they were promised.
 *
 *     writer of us-east-1:  PATCH p7  {"marks":{"load.us-east-1.41":true}}  ──▶ 200: a mark
 *
 * Each edit leaves a mark of its own in one of a few profiles that all regions write, so that "nothing was
 * lost" is a comparison of two sets. Every region has one writer, which sends one edit after the other; an
 * edit without an answer may or may not have happened, so it promises nothing.
 */
import type { Random } from "@atoll/core";
import { delay, systemClock } from "@atoll/core";
import type { FaultyCluster, RegionName } from "./faulty-links.fixture.ts";
import { LOCAL_REGIONS } from "./local-plan.ts";

const PROFILES_DEFAULT = 24;
/** Between two edits of one writer: a steady load that leaves the machine to the regions, and to other tests. */
const PACE_MS = 100;
const ANSWER_MS_MAX = 5_000;

export interface Mark {
  readonly id: string;
  readonly mark: string;
  readonly region: RegionName;
  /** Regions that had it when it was acknowledged, as its answer says. */
  readonly durableIn: readonly string[];
}

export interface MarkedWritesOptions {
  readonly cluster: FaultyCluster;
  /** Begins the names of its profiles and marks. */
  readonly label: string;
  readonly random: Random;
  /** How many profiles they share: few have few places in the logs, and many edits of each. */
  readonly profiles?: number;
  /** `Prefer` of the writes in a region. */
  readonly prefer?: Readonly<Partial<Record<RegionName, string>>>;
}

export class MarkedWrites {
  readonly acknowledged: Mark[] = [];
  /** Answers that were refusals, and requests without one. */
  readonly failures: { readonly region: RegionName; readonly what: string }[] = [];
  readonly #options: MarkedWritesOptions;
  readonly #paused = new Set<RegionName>();
  readonly #underWay = new Set<RegionName>();
  readonly #writers: Promise<unknown>;
  #stopped = false;

  constructor(options: MarkedWritesOptions) {
    this.#options = options;
    this.#writers = Promise.all(LOCAL_REGIONS.map((region) => this.#write(region)));
  }

  countOf(region: RegionName): number {
    return this.acknowledged.filter((mark) => mark.region === region).length;
  }

  /** Resolves when no edit of this region is under way. */
  async pause(region: RegionName): Promise<void> {
    this.#paused.add(region);
    while (this.#underWay.has(region)) await delay(PACE_MS);
  }

  resume(region: RegionName): void {
    this.#paused.delete(region);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#writers;
  }

  async #write(region: RegionName): Promise<void> {
    const { label, random, profiles = PROFILES_DEFAULT } = this.#options;
    const choose = random.fork(region);
    for (let count = 0; !this.#stopped; await delay(PACE_MS)) {
      if (this.#paused.has(region)) continue;
      const mark = `${label}.${region}.${count++}`;
      const id = `${label}.p${choose.below(profiles)}`;
      this.#underWay.add(region);
      await this.#send(region, id, mark);
      this.#underWay.delete(region);
    }
  }

  async #send(region: RegionName, id: string, mark: string): Promise<void> {
    const { cluster, prefer = {} } = this.#options;
    const startMs = systemClock.monotonicMs();
    try {
      const answer = await fetch(`${cluster.region(region).rest}/v1/profiles/${id}?upsert=true`, {
        method: "PATCH",
        headers: {
          "content-type": "application/merge-patch+json",
          prefer: prefer[region] ?? "durability=local",
        },
        body: JSON.stringify({ displayName: mark, marks: { [mark]: true } }),
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      const body = await answer.text();
      if (!answer.ok) throw new Error(`${answer.status} ${body}`);
      const durableIn = (answer.headers.get("durable-in") ?? region).split(", ");
      this.acknowledged.push({ id, mark, region, durableIn });
    } catch (error) {
      const waitedMs = Math.round(systemClock.monotonicMs() - startMs);
      this.failures.push({ region, what: `${mark} after ${waitedMs} ms: ${String(error)}` });
    }
  }
}
