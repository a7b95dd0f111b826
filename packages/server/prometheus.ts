/**
 * The meter behind `/metrics`: the house's table of metrics as a Prometheus registry.
 *
 * What is counted as it happens comes through handles; what somebody knows anyway (status, file sizes)
 * is read when it is scraped, by the collectors, and costs nothing in between.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "@prometheus-io/client";
import { METRICS, assert } from "@atoll/core";
import type { Meter, MetricDefinition, MetricHandle, MetricLabels, MetricName } from "@atoll/core";

const PREFIX = "atoll_";

/** Sets a gauge, or what a counter has reached. */
export type Told = (name: MetricName, value: number, labels?: MetricLabels) => void;

export class PrometheusMeter implements Meter {
  readonly #registry = new Registry();
  readonly #metrics = new Map<MetricName, Counter<string> | Gauge<string> | Histogram<string>>();
  readonly #collectors: ((told: Told) => void)[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    for (const [name, definition] of Object.entries(METRICS)) {
      this.#metrics.set(name as MetricName, this.#make(name, definition));
    }
  }

  handle(name: MetricName, labels: MetricLabels = {}): MetricHandle {
    const metric = this.#of(name);
    if (metric instanceof Histogram) {
      const one = metric.labels(labels);
      return (value) => one.observe(value);
    }
    if (metric instanceof Gauge) {
      const one = metric.labels(labels);
      return (value) => one.set(value);
    }
    const one = metric.labels(labels);
    return (value) => one.inc(value);
  }

  /** Runs before each scrape. */
  collect(collector: (told: Told) => void): void {
    this.#collectors.push(collector);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    for (const gauge of this.#gaugesTold) gauge.reset(); // what is not told again is not known any more
    for (const collector of this.#collectors) collector(this.#told);
    return await this.#registry.metrics();
  }

  readonly #told: Told = (name, value, labels = {}) => {
    const metric = this.#of(name);
    assert(!(metric instanceof Histogram), `${name} is recorded, not told`);
    // A counter that somebody else keeps: the registry has only the difference to add.
    if (metric instanceof Counter) {
      const key = `${name} ${Object.values(labels).join(" ")}`;
      const before = this.#toldBefore.get(key) ?? 0;
      this.#toldBefore.set(key, value);
      metric.inc(labels, Math.max(0, value - before));
      return;
    }
    this.#gaugesTold.add(metric);
    metric.set(labels, value);
  };
  readonly #toldBefore = new Map<string, number>();
  readonly #gaugesTold = new Set<Gauge<string>>();

  #of(name: MetricName): Counter<string> | Gauge<string> | Histogram<string> {
    const metric = this.#metrics.get(name);
    assert(metric !== undefined, `${name} is in the table`);
    return metric;
  }

  #make(name: string, definition: MetricDefinition) {
    const { kind, help, labels, buckets = [] } = definition;
    const options = {
      name: PREFIX + name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
    };
    if (kind === "counter") return new Counter<string>(options);
    if (kind === "gauge") return new Gauge<string>(options);
    return new Histogram<string>({ ...options, buckets: [...buckets] });
  }
}
