/**
 * One test of failing links or files: a load that goes on throughout, and a failure that tells all it knows.
 *
 * Whoever reads a red line of such a test was not there. So it says what each region thinks of itself and of
 * the others, what each link lets pass, which seed chose the writes, and leaves the logs where they are.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "@atoll/core";
import { SeededRandom, systemRandom, toHex } from "@atoll/core";
import { FaultyCluster, eventually } from "./faulty-links.fixture.ts";
import { LOCAL_REGIONS } from "./local-plan.ts";
import type { Mark, MarkedWritesOptions } from "./marked-writes.fixture.ts";
import { MarkedWrites } from "./marked-writes.fixture.ts";

const LINKED_MS_MAX = 30_000;

/** `label` begins the names of profiles and marks. */
export type Scenario = Omit<MarkedWritesOptions, "cluster" | "random">;

export class FaultScenarios {
  readonly cluster: FaultyCluster;
  readonly #directory: string;
  readonly #seed: string;
  readonly #random: Random;
  #hasFailed = false;

  static async open(): Promise<FaultScenarios> {
    const directory = mkdtempSync(join(tmpdir(), "atoll-faults-"));
    const seed = toHex(systemRandom.bytes(4));
    const random = new SeededRandom(seed);
    const cluster = await FaultyCluster.start(join(directory, "cluster"), random);
    const scenarios = new FaultScenarios({ cluster, directory, seed, random });
    await scenarios.#told(() =>
      eventually("the regions are linked", LINKED_MS_MAX, () => cluster.hasConverged()),
    );
    return scenarios;
  }

  private constructor(parts: {
    readonly cluster: FaultyCluster;
    readonly directory: string;
    readonly seed: string;
    readonly random: Random;
  }) {
    this.cluster = parts.cluster;
    this.#directory = parts.directory;
    this.#seed = parts.seed;
    this.#random = parts.random;
  }

  /** For files of a test's own. */
  get directory(): string {
    return this.#directory;
  }

  /** Under load from the start; afterwards nobody writes and all links pass. */
  async run(scenario: Scenario, body: (writes: MarkedWrites) => Promise<void>): Promise<void> {
    const { cluster } = this;
    const random = this.#random.fork(scenario.label);
    const writes = new MarkedWrites({ cluster, random, ...scenario });
    try {
      await this.#told(() => body(writes));
    } finally {
      await writes.stop();
      cluster.healAll();
    }
  }

  async close(): Promise<void> {
    await this.cluster.stop();
    if (!this.#hasFailed) rmSync(this.#directory, { recursive: true, force: true });
  }

  async #told<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      this.#hasFailed = true;
      const message = error instanceof Error ? error.message : String(error);
      const report = await this.cluster.report();
      throw new Error(`${message}\n\nseed ${this.#seed}\n${report}`, { cause: error });
    }
  }
}

/**
 * What is wrong after the load has ended and all have converged: marks that are not everywhere, and what
 * the regions themselves say is not in order. Empty when all is well. Throws when they do not converge.
 */
export async function findFaults(
  cluster: FaultyCluster,
  { convergedMsMax, marks }: { readonly convergedMsMax: number; readonly marks: readonly Mark[] },
): Promise<string[]> {
  await eventually("converged", convergedMsMax, () => cluster.hasConverged());
  const faults = await findLostMarks(cluster, marks);
  for (const name of LOCAL_REGIONS) {
    const status = await cluster.status(name);
    if (status === undefined) faults.push(`${name} does not answer`);
    else {
      const { unresolved, falseDescents } = status.antiEntropy;
      const { pending, quarantined } = status.counts;
      const counts = { unresolved, falseDescents, pending, quarantined };
      const wrong = Object.entries(counts).filter(([, count]) => count !== 0);
      faults.push(...wrong.map(([what, count]) => `${name} has ${what} ${count}`));
    }
  }
  return faults;
}

/** Marks that a region does not show, and profiles that regions show differently. */
async function findLostMarks(cluster: FaultyCluster, marks: readonly Mark[]): Promise<string[]> {
  const lost: string[] = [];
  for (const id of new Set(marks.map((mark) => mark.id))) {
    const copies = await Promise.all(LOCAL_REGIONS.map((region) => cluster.read(region, id)));
    if (new Set(copies).size > 1) lost.push(`${id} differs: ${copies.join(" | ")}`);
    copies.forEach((copy, i) => {
      const shown = copy === undefined ? {} : (JSON.parse(copy) as { marks?: object });
      const names = new Set(Object.keys(shown.marks ?? {}));
      const missing = marks.filter((mark) => mark.id === id && !names.has(mark.mark));
      lost.push(...missing.map(({ mark }) => `${mark} of ${id} is not in ${LOCAL_REGIONS[i]}`));
    });
  }
  return lost;
}
