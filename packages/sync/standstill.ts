/**
 * Whether what two regions cover together stands still for long, although one of them covers more.
 *
 * Then what the log has brought must be waiting for a change that no log will bring, because its place was given
 * up. Documents have it, and a comparison of documents finds it; the log would be waited for for ever.
 */
import type { Hlc, RegionCode, RegionVector } from "@atoll/core";
import { limits, sometimes, vectorAt } from "@atoll/core";

export class Standstill {
  /** Per region, up to where both cover it, and since when that has stood there. */
  readonly #still = new Map<RegionCode, { readonly hlc: Hlc; readonly sinceMs: number }>();

  /** To be called now and then. `both` and `either`: up to where both cover each region, and one of them. */
  isNoticed(both: RegionVector, either: RegionVector, nowMs: number): boolean {
    let standsStill = false;
    for (const [region, hlc] of either) {
      const meet = vectorAt(both, region);
      const still = this.#still.get(region);
      if (still?.hlc !== meet) this.#still.set(region, { hlc: meet, sinceMs: nowMs });
      else if (meet < hlc && nowMs - still.sinceMs >= limits.STANDSTILL_MS_MAX) standsStill = true;
    }
    if (!standsStill) return false;
    sometimes("coverage stood still");
    this.forget(); // it is said once in a while, however long it lasts
    return true;
  }

  forget(): void {
    this.#still.clear();
  }
}
