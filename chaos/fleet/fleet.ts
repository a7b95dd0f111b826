/**
 * Three regions as real processes, with links between them that can fail.
 *
 * The fleet knows how to begin and to end, and whether all of it is equal. What goes wrong in between is the
 * scenario's; who asks the regions anything is the load's.
 */
import { join } from "node:path";
import type { Random } from "@atoll/core";
import { delay, must, systemClock, toHex } from "@atoll/core";
import type { Backend, Links } from "../network/links.ts";
import { NetnsLinks } from "../network/netns-links.ts";
import { ProxyLinks } from "../network/proxy-links.ts";
import type { RegionStatus } from "./region-admin.ts";
import { RegionAdmin } from "./region-admin.ts";
import type { RegionName, RegionPlan } from "./region-plan.ts";
import { choosePorts, planRegions } from "./region-plan.ts";
import type { Launch } from "./region-process.ts";
import { RegionProcess } from "./region-process.ts";

const LINKED_MS_MAX = 60_000;
const LOOK_MS = 50;

export interface Region {
  readonly name: RegionName;
  readonly place: number;
  readonly plan: RegionPlan;
  readonly process: RegionProcess;
  readonly admin: RegionAdmin;
}

export interface FleetOptions {
  readonly directory: string;
  readonly backend: Backend;
  readonly random: Random;
  /** How a region is started, where it is not as an operator would. */
  readonly launch?: ((plan: RegionPlan) => Launch) | undefined;
}

export class Fleet {
  readonly regions: readonly Region[];
  readonly links: Links;

  static async start(options: FleetOptions): Promise<Fleet> {
    const { directory, backend, random, launch } = options;
    const ports = await choosePorts(random.fork("ports"));
    const listeners = ports.map(({ name, peer }) => ({ name, peerPort: peer }));
    const links =
      backend === "netns"
        ? new NetnsLinks(listeners)
        : await ProxyLinks.open(listeners, random.fork("links"));
    const secret = toHex(random.fork("secret").bytes(16));
    const plans = planRegions({ directory: join(directory, "fleet"), ports, links, secret });
    const fleet = new Fleet(plans, links);
    try {
      await Promise.all(fleet.regions.map(({ process, plan }) => process.start(launch?.(plan))));
      await fleet.untilEqual(LINKED_MS_MAX);
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  private constructor(plans: readonly RegionPlan[], links: Links) {
    this.links = links;
    this.regions = plans.map((plan) => ({
      name: plan.name,
      place: plan.place,
      plan,
      process: new RegionProcess(plan, links.enter(plan.name)),
      admin: new RegionAdmin(plan),
    }));
  }

  region(name: string): Region {
    return must(
      this.regions.find((region) => region.name === name),
      `the region ${name}`,
    );
  }

  othersThan(name: string): readonly Region[] {
    return this.regions.filter((region) => region.name !== name);
  }

  /**
   * Waits until all hold the same, every pair has compared and found that, and nothing is under way. How long
   * it was; throws with what each region says when it is not so in time.
   */
  async untilEqual(patienceMs: number, among: readonly Region[] = this.regions): Promise<number> {
    const startedMs = systemClock.monotonicMs();
    for (;;) {
      const statuses = await Promise.all(among.map(({ admin }) => admin.status()));
      if (areEqual(statuses)) return systemClock.monotonicMs() - startedMs;
      if (systemClock.monotonicMs() - startedMs > patienceMs) {
        throw new Error(`not equal within ${patienceMs} ms\n${statuses.map(shown).join("\n")}`);
      }
      await delay(LOOK_MS);
    }
  }

  async stop(): Promise<void> {
    this.links.clear();
    await Promise.all(this.regions.map(({ process }) => process.stop()));
    await this.links.close();
  }
}

/** All hold the same, know it of each other, and nothing is under way. */
export function areEqual(statuses: readonly (RegionStatus | undefined)[]): boolean {
  const names = statuses.map((status) => status?.region);
  return statuses.every(
    (status) =>
      status !== undefined &&
      status.root === statuses[0]?.root &&
      status.counts.pending === 0 &&
      status.peers
        .filter(({ region }) => names.includes(region))
        .every(
          ({ state, behind, ahead, root }) =>
            state === "live" && behind === 0 && ahead === 0 && root === "equal",
        ),
  );
}

/** All but the roots of its shards. */
function shown(status: RegionStatus | undefined): string {
  if (status === undefined) return "  no answer";
  const { region, root, counts, peers } = status;
  return `  ${region} ${root.slice(0, 12)} ${JSON.stringify(counts)} ${JSON.stringify(peers)}`;
}
