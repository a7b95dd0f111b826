/** What a region holds at a cut, with its signature on it: the driver's answers and the cluster's keys together. */
import type { Clock } from "@atoll/core";
import { originText } from "@atoll/core";
import type { TruthService } from "@atoll/gateway";
import type { NamedCut, RegionDriver } from "@atoll/replica";
import type { RegionConfig } from "./config.ts";
import { StatementKeys } from "./statement.ts";

export function statingTruth(
  { truth, replica }: Pick<RegionDriver, "truth" | "replica">,
  { cluster }: Pick<RegionConfig, "cluster">,
  clock: Clock,
): TruthService {
  const keys = new StatementKeys(cluster.secret, cluster.id);
  return {
    holdings: () => truth.holdings(),
    shards: (cut) => truth.shards(cut),
    node: (cut, node, fanBits) => truth.node(cut, node, fanBits),
    above: (cut, page) => truth.above(cut, page),
    statement(cut: NamedCut) {
      const { region, root, shards } = truth.shards(cut);
      return keys.sign({
        cluster: cluster.id,
        region,
        origin: originText(replica.origin),
        at: new Date(clock.nowMs()).toISOString(),
        cut,
        changes: root.changes,
        root: root.sum,
        shards: shards.map(({ sum }) => sum),
      });
    },
    keys: () => ({
      cluster: cluster.id,
      keys: Object.fromEntries(cluster.regions.map(({ name }) => [name, keys.publicKeyOf(name)])),
    }),
  };
}
