/**
 * Requests as numbers: how many, how long, with which status, by route.
 *
 * Measured where an answer's head is written, so that a stream of an hour counts as the moment it took
 * to begin. Handles are kept by route and status: the hot read looks one up in a map of some dozens.
 */
import { noMeter } from "@atoll/core";
import type { Clock, Meter, MetricHandle } from "@atoll/core";

/** Of what no route took. */
export const NO_ROUTE = "none";

interface Handles {
  readonly count: MetricHandle;
  readonly time: MetricHandle;
}

export class RequestMetrics {
  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #handles = new Map<string, Handles>();
  /** Of the last answer: most are like the one before, and a key need not be spelt for them. */
  #last: { readonly method: string; readonly route: string; readonly status: number } | undefined;
  #lastHandles: Handles | undefined;

  constructor(clock: Clock, meter: Meter = noMeter) {
    this.#clock = clock;
    this.#meter = meter;
  }

  now(): number {
    return this.#clock.monotonicMs();
  }

  answered(method: string, route: string, status: number, ms: number): void {
    const last = this.#last;
    const isLikeLast = last?.method === method && last.route === route && last.status === status;
    const handles = (isLikeLast && this.#lastHandles) || this.#handlesOf(method, route, status);
    handles.count(1);
    handles.time(ms / 1_000);
  }

  #handlesOf(method: string, route: string, status: number): Handles {
    // What no route took may have any method that a client invents.
    const known = route === NO_ROUTE ? "any" : method;
    const key = `${known} ${route} ${status}`;
    let handles = this.#handles.get(key);
    if (handles === undefined) {
      const labels = { method: known, route };
      handles = {
        count: this.#meter.handle("http_requests_total", { ...labels, code: String(status) }),
        time: this.#meter.handle("http_request_duration_seconds", labels),
      };
      this.#handles.set(key, handles);
    }
    this.#last = { method, route, status };
    this.#lastHandles = handles;
    return handles;
  }
}
