/**
 * Is our name still ours alone? Only others can tell.
 *
 *     this file     1 2 3                restored from a copy, or a clone that was started instead
 *     a peer        1 2 3 4 5            "of you I have seen 5"
 *
 * A number that is given twice diverges for ever, and partly in silence. A file cannot know that it is
 * older than its past, but everybody whom it ever sent an entry to does: peers say at the handshake, before
 * anything else, the highest number that they have seen of each other's lanes. Who hears of more than it
 * holds takes a new name, and what it lost comes back by catch-up, as entries of an origin that is no
 * longer its own. Heartbeats say the same again, as a second net.
 *
 * The name is proven when every other region has said so on a link that it considers live. Until then a
 * name that was left by an earlier process is not to be written under.
 */
import type { Lane, RegionCode } from "@atoll/core";
import type { Announced } from "./announced.ts";
import type { SyncEffect } from "./effects.ts";
import type { Hello, LaneSeen } from "./messages.ts";
import type { SyncView } from "./sync-view.ts";

/** The highest number that was seen of each lane of a peer's origin: held, or announced by itself. */
export function seenOf(view: SyncView, announced: Announced, hello: Hello): LaneSeen[] {
  const { region, origin } = hello;
  const maxByShard = new Map<number, number>();
  for (const [lane, { max }] of view.frontier.lanes()) {
    if (lane.origin === origin) maxByShard.set(lane.shard, max);
  }
  const seen: LaneSeen[] = [];
  for (let shard = 0; shard < view.cluster.shardCount; shard++) {
    const seq = Math.max(maxByShard.get(shard) ?? 0, announced.lastSaid(region, { shard, origin }));
    if (seq > 0) seen.push({ shard, seq });
  }
  return seen;
}

/** How many of our own entries somebody has seen that are not here. */
export function entriesUnknown(view: SyncView, seen: readonly LaneSeen[]): number {
  const { origin, frontier } = view;
  let entries = 0;
  for (const { shard, seq } of seen) {
    entries += Math.max(0, seq - frontier.contig({ shard, origin }));
  }
  return entries;
}

export class OwnOrigin {
  readonly #view: SyncView;
  readonly #unheard: Set<RegionCode>;

  constructor(view: SyncView) {
    const { cluster, region } = view;
    this.#view = view;
    this.#unheard = new Set(
      cluster.regions.map(({ code }) => code).filter((c) => c !== region.code),
    );
  }

  start(out: SyncEffect[]): void {
    if (this.#unheard.size === 0) out.push({ kind: "origin-proven" }); // a region without peers
  }

  /** A live peer says what it holds; `isAll`: and nothing besides. */
  hear(
    peer: RegionCode,
    { lanes, isAll }: { readonly lanes: readonly (Lane & { contig: number })[]; isAll: boolean },
    out: SyncEffect[],
  ): void {
    const { origin } = this.#view;
    const seen = lanes
      .filter((lane) => lane.origin === origin)
      .map(({ shard, contig }) => ({ shard, seq: contig }));
    const entries = entriesUnknown(this.#view, seen);
    if (entries > 0) out.push({ kind: "rolled-back", by: peer, entries });
    else if (isAll && this.#unheard.delete(peer) && this.#unheard.size === 0) {
      out.push({ kind: "origin-proven" });
    }
  }
}
