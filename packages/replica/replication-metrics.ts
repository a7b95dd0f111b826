/**
 * A group commit as numbers: how long, how many, and how old what came from elsewhere was.
 *
 * Visibility is measured here and not where a frame arrives, because a change can be read once its group
 * is durable and not before. It compares the timestamp of the writing region with our clock, so it
 * contains the difference of the two.
 */
import { hlcToMs, noMeter, originRegion } from "@atoll/core";
import type {
  Clock,
  Cluster,
  LogEntry,
  Meter,
  MetricHandle,
  Region,
  RegionCode,
} from "@atoll/core";

export class ReplicationMetrics {
  readonly #clock: Clock;
  readonly #own: RegionCode;
  readonly #transactions: MetricHandle;
  readonly #groupEntries: MetricHandle;
  readonly #written: MetricHandle;
  readonly #received: MetricHandle;
  readonly #visibility: ReadonlyMap<RegionCode, MetricHandle>;

  constructor(options: {
    readonly cluster: Cluster;
    readonly region: Region;
    readonly clock: Clock;
    readonly meter?: Meter | undefined;
  }) {
    const { cluster, region, clock, meter = noMeter } = options;
    this.#clock = clock;
    this.#own = region.code;
    this.#transactions = meter.handle("store_transaction_duration_seconds");
    this.#groupEntries = meter.handle("store_transaction_entries");
    this.#written = meter.handle("changes_total", { origin: "local" });
    this.#received = meter.handle("changes_total", { origin: "peer" });
    const others = cluster.regions.filter(({ code }) => code !== region.code);
    this.#visibility = new Map(
      others.map(({ code, name }) => [
        code,
        meter.handle("replication_visibility_seconds", { peer: name }),
      ]),
    );
  }

  flushed(entries: readonly LogEntry[], seconds: number): void {
    this.#transactions(seconds);
    if (entries.length > 0) this.#groupEntries(entries.length);
    const nowMs = this.#clock.nowMs();
    let written = 0;
    for (const { origin, hlc } of entries) {
      const region = originRegion(origin);
      if (region === this.#own) written++;
      else this.#visibility.get(region)?.(Math.max(0, nowMs - hlcToMs(hlc)) / 1_000);
    }
    this.#written(written);
    this.#received(entries.length - written);
  }
}
