/**
 * The meter of a process that no Prometheus scrapes: what it measures is told to one that is scraped, in
 * batches, value by value, so that the histograms there are as true as if they had been filled there.
 */
import type { Clock, Meter, MetricHandle, MetricLabels, MetricName, Timer } from "@atoll/core";
import { limits } from "@atoll/core";
import type { Measured } from "./reader-messages.ts";

interface Batch extends Measured {
  readonly values: number[];
}

export class RelayedMeter implements Meter {
  readonly #clock: Clock;
  readonly #tell: (measured: readonly Measured[]) => void;
  #batches: Batch[] = [];
  #count = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, tell: (measured: readonly Measured[]) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  handle(name: MetricName, labels: MetricLabels = {}): MetricHandle {
    const batch: Batch = { name, labels, values: [] };
    return (value) => {
      if (batch.values.length === 0) this.#batches.push(batch);
      batch.values.push(value);
      this.#timer ??= this.#clock.after(limits.READER_REPORT_MS, () => this.flush());
      if (++this.#count >= limits.READER_REPORT_VALUES_MAX) this.flush();
    };
  }

  /** Tells what has not been told. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#count === 0) return;
    this.#count = 0;
    const told = this.#batches;
    this.#batches = [];
    this.#tell(
      told.map(({ name, labels, values }) => ({ name, labels, values: values.splice(0) })),
    );
  }
}
