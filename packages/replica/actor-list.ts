/**
 * Who has ever written: every origin that this region knows entries of, with its last.
 *
 * An origin is one incarnation of one region's database, and the Automerge actors that it wrote with. Two
 * origins of one region that both go on are two processes with one name; one that ended is a restore, a
 * clone or an unclean stop.
 */
import type { Origin } from "@atoll/core";
import { hlcToMs, originIncarnation, originRegion, originText, regionByCode } from "@atoll/core";
import type { Replica } from "./replica.ts";

export interface ShownActor {
  readonly origin: string;
  readonly region: string | null;
  readonly incarnation: number;
  /** This region writes as it now. */
  readonly own: boolean;
  /** Held without gaps, over all shards. */
  readonly entries: number;
  /** The highest number in any shard; numbers are given per shard. */
  readonly seqMax: number;
  /** When the newest that the log still has was written; null when it has none. */
  readonly lastAt: string | null;
}

export function listActors({ cluster, ledger, store, origin: own }: Replica): ShownActor[] {
  const byOrigin = new Map<Origin, { entries: number; seqMax: number; lastMs: number }>();
  for (const [lane, { contig, max }] of ledger.frontier.lanes()) {
    if (max === 0) continue;
    const sums = byOrigin.get(lane.origin) ?? { entries: 0, seqMax: 0, lastMs: 0 };
    byOrigin.set(lane.origin, sums);
    sums.entries += contig;
    sums.seqMax = Math.max(sums.seqMax, max);
    const raw = { shard: BigInt(lane.shard), origin: BigInt(lane.origin) };
    const [last] = store.scrub.scanLog(raw, BigInt(max - 1), 1);
    if (last?.entry !== undefined) sums.lastMs = Math.max(sums.lastMs, hlcToMs(last.entry.hlc));
  }
  return [...byOrigin]
    .sort(([a], [b]) => a - b)
    .map(([origin, { entries, seqMax, lastMs }]) => ({
      origin: originText(origin),
      region: regionByCode(cluster, originRegion(origin))?.name ?? null,
      incarnation: originIncarnation(origin),
      own: origin === own,
      entries,
      seqMax,
      lastAt: lastMs === 0 ? null : new Date(lastMs).toISOString(),
    }));
}
