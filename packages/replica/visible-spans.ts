/**
 * The other end of a trace: a change that was traced where it was written can be read here now.
 *
 * The span begins with the change's timestamp, so that what it shows is how long the change took from
 * region to region, difference of their clocks included, as in `replication_visibility_seconds`.
 */
import type { Clock, Cluster, LogEntry, Region, Tracing } from "@atoll/core";
import { hlcToMs, originRegion, regionByCode } from "@atoll/core";
import { parseAuthorship, readChangeHead } from "@atoll/profile";

export class VisibleSpans {
  readonly #tracing: Tracing;
  readonly #cluster: Cluster;
  readonly #own: Region;
  readonly #clock: Clock;

  constructor(options: {
    readonly tracing: Tracing;
    readonly cluster: Cluster;
    readonly region: Region;
    readonly clock: Clock;
  }) {
    this.#tracing = options.tracing;
    this.#cluster = options.cluster;
    this.#own = options.region;
    this.#clock = options.clock;
  }

  /** These entries are durable. */
  flushed(entries: readonly LogEntry[]): void {
    for (const { origin, hlc, change } of entries) {
      const writer = originRegion(origin);
      if (writer === this.#own.code) continue;
      const parent = parseAuthorship(readChangeHead(change)?.message)?.traceparent;
      if (parent === undefined) continue;
      const writtenMs = hlcToMs(hlc);
      const span = this.#tracing.begin("visible", {
        kind: "consumer",
        parent,
        startMs: Math.min(writtenMs, this.#clock.nowMs()),
        attributes: {
          "atoll.written_in": regionByCode(this.#cluster, writer)?.name ?? `region ${writer}`,
        },
      });
      span?.end();
    }
  }
}
