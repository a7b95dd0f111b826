/**
 * How a region that came back by comparing is let into the log again.
 *
 *     X  lacks places whose rows are trimmed everywhere, and has just been found equal to J at a cut
 *     J ── COMPARE-LANES(cut, root, lanes) ──▶ X        "of these lanes I hold 1 … k, all at or below it"
 *     X ── COMPARE-LANES(cut, root, lanes) ──▶ J        the same of X's lanes
 *
 * Whoever hears it takes 1 … k of each lane as held, if its own root at that cut is the root in the message,
 * now. Ordinary catch-up goes on behind k, and coverage follows from the lanes as ever.
 *
 * Why that is sound. Let S_J(T) be the set of changes that J holds at or below the cut T, and let e be the
 * entry at a place p ≤ k of a lane that J names. J has applied e, or its place is VOID, because its frontier
 * says so (`contig ≥ k`); and e lies at or below T, because timestamps rise along a lane and J has made
 * sure of k. So unless the place is VOID, e's change is in S_J(T). Equal roots at T mean S_X(T) = S_J(T)
 * (elements are keyed and sums collision resistant), so X has e's change, in its document and in its sums:
 * the place is held by all that "held" promises but for the row, and that is what "trimmed" says. Nothing
 * else is used: not what either side covers, not who wrote e, not when the message arrives, since the
 * root is compared at the moment of adopting and a set at a cut only grows. A VOID place was given up by
 * an operator at J; where the change survives, comparing brings it, as it does to J.
 */
import type { RegionCode } from "@atoll/core";
import { limits, sumsEqual } from "@atoll/core";
import type { Announced } from "./announced.ts";
import type { ComparisonOutlet } from "./comparison-outlet.ts";
import type { SyncEffect } from "./effects.ts";
import type { CompareLanes, CompareOpen } from "./messages.ts";
import type { SyncView } from "./sync-view.ts";

export class LaneAdoption {
  readonly #view: SyncView;
  readonly #announced: Pick<Announced, "contig">;
  readonly #outlet: ComparisonOutlet;

  constructor(
    view: SyncView,
    rooms: { readonly announced: Pick<Announced, "contig">; readonly outlet: ComparisonOutlet },
  ) {
    this.#view = view;
    this.#announced = rooms.announced;
    this.#outlet = rooms.outlet;
  }

  /** Says what we hold at a cut, as far as the peer has not said that it holds it too. */
  tell(
    peer: RegionCode,
    { id, cut, root }: Pick<CompareOpen, "id" | "cut" | "root">,
    out: SyncEffect[],
  ): void {
    const lanes = this.#view
      .lanesAt(cut, (lane, contig) => contig > this.#announced.contig(peer, lane))
      .slice(0, limits.WIRE_LIST_MAX);
    this.#outlet.send(peer, { kind: "compare-lanes", id, cut, root, lanes }, out);
  }

  /** True when our root at its cut is the peer's, so that what it says holds for us as well. */
  hear({ cut: vector, root, lanes }: CompareLanes, out: SyncEffect[]): boolean {
    const cut = this.#view.cut(vector);
    if (cut === undefined || !sumsEqual(cut.root.sum, root)) return false;
    const { cluster, origin, frontier } = this.#view;
    const news = lanes.filter(
      (lane) =>
        lane.shard < cluster.shardCount &&
        lane.origin !== origin && // what we wrote ourselves we know
        lane.contig > frontier.contig(lane),
    );
    if (news.length > 0) out.push({ kind: "adopt", lanes: news });
    return true;
  }
}
