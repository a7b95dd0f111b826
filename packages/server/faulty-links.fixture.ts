/**
 * Three real regions whose links can be made to fail, one direction at a time.
 *
 *     us-east-1 ══ proxy ══ eu-west-1          every region dials each other one through a proxy of its own,
 *         ╚═══ proxy ═══╗ ╔═ proxy ═╝          so that it does not matter who dials
 *                    ap-northeast-1
 *
 * Clients and operators reach the regions directly: what fails is between the regions alone.
 */
import { join } from "node:path";
import type { Random } from "@atoll/core";
import { delay, must, systemClock, systemRandom } from "@atoll/core";
import type { RegionStatus } from "@atoll/replica";
import type { Impairment, Passage } from "../../chaos/network/link-proxy.ts";
import { LinkProxy } from "../../chaos/network/link-proxy.ts";
import type { LocalCluster, LocalRegion } from "./local-cluster.ts";
import { startLocalCluster } from "./local-cluster.ts";
import { LOCAL_REGIONS, planLocalCluster } from "./local-plan.ts";
import { findFreeBasePort } from "./local-preflight.ts";

export const [US, EU, AP] = LOCAL_REGIONS;
export type RegionName = (typeof LOCAL_REGIONS)[number];

const LOOK_MS = 20;
const STATUS_MS_MAX = 2_000;

/** Looks until it is so; nobody knows how long real processes take. Returns how long it was. */
export async function eventually(
  what: string,
  patienceMs: number,
  isSo: () => Promise<boolean> | boolean,
): Promise<number> {
  const startMs = systemClock.monotonicMs();
  for (;;) {
    if (await isSo()) return systemClock.monotonicMs() - startMs;
    const waitedMs = systemClock.monotonicMs() - startMs;
    if (waitedMs > patienceMs) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await delay(LOOK_MS);
  }
}

export class FaultyCluster {
  readonly #cluster: LocalCluster;
  /** By `dialler>listener`. */
  readonly #proxies: ReadonlyMap<string, LinkProxy>;

  static async start(dataDir: string, random: Random): Promise<FaultyCluster> {
    const basePort = await findFreeBasePort(systemRandom);
    const { regions } = planLocalCluster({ dataDir, basePort });
    const proxies = new Map<string, LinkProxy>();
    for (const from of regions) {
      for (const to of regions) {
        if (from === to) continue;
        const name = `${from.name}>${to.name}`;
        const options = { targetPort: to.ports.peer, random: random.fork(name) };
        proxies.set(name, await LinkProxy.open(options));
      }
    }
    const dialUrl = (from: string, to: { readonly name: string }): string =>
      `ws://127.0.0.1:${must(proxies.get(`${from}>${to.name}`), "a proxy").port}`;
    try {
      const cluster = await startLocalCluster({ dataDir, basePort, dialUrl });
      return new FaultyCluster(cluster, proxies);
    } catch (error) {
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
      throw error;
    }
  }

  private constructor(cluster: LocalCluster, proxies: ReadonlyMap<string, LinkProxy>) {
    this.#cluster = cluster;
    this.#proxies = proxies;
  }

  region(name: RegionName): LocalRegion {
    return must(
      this.#cluster.regions.find((region) => region.name === name),
      name,
    );
  }

  databaseOf(name: RegionName): string {
    return join(this.region(name).directory, "atoll.db");
  }

  // ── links ──
  /** What one region says to another, whoever dialled. */
  setDirection(from: RegionName, to: RegionName, passage: Passage): void {
    must(this.#proxies.get(`${from}>${to}`), "a proxy").set("out", passage);
    must(this.#proxies.get(`${to}>${from}`), "a proxy").set("back", passage);
  }

  setPair(one: RegionName, other: RegionName, passage: Passage): void {
    this.setDirection(one, other, passage);
    this.setDirection(other, one, passage);
  }

  /** What one region says to another arrives like this, whoever dialled. */
  impair(from: RegionName, to: RegionName, change: Partial<Impairment>): void {
    must(this.#proxies.get(`${from}>${to}`), "a proxy").impair("out", change);
    must(this.#proxies.get(`${to}>${from}`), "a proxy").impair("back", change);
  }

  healAll(): void {
    for (const proxy of this.#proxies.values()) {
      proxy.clear();
    }
  }

  // ── processes ──
  async kill(name: RegionName): Promise<void> {
    await this.#cluster.kill(name);
  }

  /** As an operator stops it: SIGTERM, and it takes its time. */
  async stopInOrder(name: RegionName): Promise<void> {
    process.kill(must(this.region(name).pid, "a running process"), "SIGTERM");
    await eventually(`${name} stops`, 20_000, () => this.region(name).pid === undefined);
  }

  async restart(name: RegionName): Promise<void> {
    await this.#cluster.restart(name);
  }

  async stop(): Promise<void> {
    this.healAll();
    await this.#cluster.stop();
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }

  // ── what they say ──
  /** A profile's canonical JSON; undefined when the region shows none. */
  async read(name: RegionName, id: string): Promise<string | undefined> {
    const answer = await fetch(`${this.region(name).rest}/v1/profiles/${id}`);
    const text = await answer.text();
    return answer.status === 200 ? text : undefined;
  }

  /** Undefined when it does not answer. */
  async status(name: RegionName): Promise<RegionStatus | undefined> {
    try {
      const answer = await fetch(new URL("/admin/v1/status", this.region(name).admin), {
        signal: AbortSignal.timeout(STATUS_MS_MAX),
      });
      return (await answer.json()) as RegionStatus;
    } catch {
      return undefined;
    }
  }

  async originOf(name: RegionName): Promise<string> {
    return must(await this.status(name), `the status of ${name}`).origin;
  }

  /** What `from` thinks of its link to `to`. */
  async linkState(from: RegionName, to: RegionName): Promise<string> {
    const status = await this.status(from);
    return status?.peers.find(({ region }) => region === to)?.state ?? "unknown";
  }

  /** All links live, the same changes everywhere, and every pair has compared and found that. */
  async hasConverged(): Promise<boolean> {
    const statuses = await Promise.all(LOCAL_REGIONS.map((name) => this.status(name)));
    const roots = new Set(statuses.map((status) => status?.root));
    return (
      roots.size === 1 &&
      statuses.every(
        (status) =>
          status?.counts.pending === 0 &&
          status.peers.every(
            ({ state, behind, root }) => state === "live" && behind === 0 && root === "equal",
          ),
      )
    );
  }

  /** For whoever reads a failure: what each region and each link says, and where the logs are. */
  async report(): Promise<string> {
    const regions = await Promise.all(
      LOCAL_REGIONS.map(async (name) => {
        const { pid, logFile } = this.region(name);
        const said = await this.status(name);
        // All but the roots of 256 shards.
        const status = said === undefined ? "no answer" : JSON.stringify({ ...said, shards: null });
        return `${name}, process ${pid ?? "none"}, log ${logFile}\n  ${status}`;
      }),
    );
    const links = [...this.#proxies].map(([name, proxy]) => `${name} ${proxy.describe()}`);
    return [...regions, ...links].join("\n");
  }
}
