/**
 * `sessions`: clients hop between three real processes while links are cut and healed.
 *
 * Two walks over the same cluster: one with session tokens, in which nothing may be violated, and one
 * without, in which something is. The second is what the first is worth.
 */
import { SeededRandom, must, systemRandom } from "@atoll/core";
import type { LocalRegion } from "@atoll/server";
import { findFreeBasePort, startLocalCluster } from "@atoll/server";
import type { Bench, BenchOptions, BenchReport } from "./bench.ts";
import { atLeast, atMost } from "./bench.ts";
import type { WalkResult } from "./session-walk.ts";
import { walk } from "./session-walk.ts";

const CLIENTS = 6;
const SEED = 2_026;

export const sessionsBench: Bench = {
  name: "sessions",
  summary: "session guarantees of clients that hop between regions whose links are cut",
  run,
};

async function run({ quick, large, directory, tell }: BenchOptions): Promise<BenchReport> {
  const steps = quick ? 120 : large ? 50_000 : 10_000;
  const basePort = await findFreeBasePort(systemRandom);
  const cluster = await startLocalCluster({ dataDir: directory, basePort });
  try {
    const links = new Links(cluster.regions, new SeededRandom(SEED));
    const before = (step: number): Promise<void> => links.turn(step, steps);
    const options = { regions: cluster.regions, clients: CLIENTS, steps, before };
    tell(`${steps} steps with session tokens …`);
    const random = new SeededRandom(SEED);
    const guarded = await walk({ ...options, withToken: true, random, prefix: "with" });
    await links.heal();
    tell(`${steps} steps without …`);
    const again = new SeededRandom(SEED);
    const plain = await walk({ ...options, withToken: false, random: again, prefix: "without" });
    await links.heal();
    return report(guarded, plain, links.cuts);
  } finally {
    await cluster.stop();
  }
}

function report(guarded: WalkResult, plain: WalkResult, cuts: number): BenchReport {
  const row = (name: string, result: WalkResult) => {
    const { steps, reads, writes, forwarded, unanswered, violations } = result;
    return [name, steps, reads, writes, forwarded, unanswered, violations.length];
  };
  const figures = (result: WalkResult) => ({
    ...result,
    violations: result.violations.length,
    first: result.violations.slice(0, 5).map((each) => ({ ...each })),
  });
  return {
    parameters: { clients: CLIENTS, seed: SEED, cuts },
    figures: { withToken: figures(guarded), withoutToken: figures(plain) },
    budgets: [
      atMost("violations with a token", guarded.violations.length, 0),
      atLeast("violations without one", plain.violations.length, 1),
    ],
    tables: [
      {
        title: `Clients that hop between three regions, ${cuts} cuts of links`,
        columns: ["", "steps", "reads", "writes", "forwarded", "unanswered", "violations"],
        rows: [row("with a token", guarded), row("without", plain)],
      },
    ],
  };
}

type Link = readonly [LocalRegion, LocalRegion];

/** One link is cut, or a whole region cut off, for a stretch of steps; then another. */
class Links {
  cuts = 0;
  readonly #regions: readonly LocalRegion[];
  readonly #random: SeededRandom;
  #cut: readonly Link[] = [];

  constructor(regions: readonly LocalRegion[], random: SeededRandom) {
    this.#regions = regions;
    this.#random = random;
  }

  /** Cuts in the first half of each tenth of the walk. */
  async turn(step: number, steps: number): Promise<void> {
    const tenth = Math.floor(steps / 10);
    if (step % tenth === 0) await this.#cutSome();
    else if (step % tenth === Math.floor(tenth / 2)) await this.heal();
  }

  async heal(): Promise<void> {
    for (const link of this.#cut) await setLink(link, "active");
    this.#cut = [];
  }

  async #cutSome(): Promise<void> {
    await this.heal();
    const first = this.#random.below(3);
    const one = must(this.#regions[first], "a region");
    const others = this.#regions.filter((region) => region !== one);
    const isolates = this.cuts % 2 === 0;
    const links = others.map((other): Link => [one, other]);
    this.#cut = isolates ? links : links.slice(0, 1);
    for (const link of this.#cut) await setLink(link, "paused");
    this.cuts++;
  }
}

async function setLink([from, to]: Link, state: "active" | "paused"): Promise<void> {
  await fetch(`${from.admin}/admin/v1/peers/${to.name}/state`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ state }),
  });
}
