/**
 * Processor time of parts of a run, added up.
 *
 * It is the time of the whole process, helper threads of the collector and of the file system included,
 * because a core that is busy for us is a core that is busy. Beside it the wall time of the same parts: what
 * lies between the two is waiting, which here means the disk.
 */
import type { Clock } from "@atoll/core";

export class CpuMeter {
  readonly #clock: Clock;
  #cpuMicros = 0;
  #wallMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get cpuSeconds(): number {
    return this.#cpuMicros / 1e6;
  }

  get wallSeconds(): number {
    return this.#wallMs / 1e3;
  }

  /** Measures synchronous work; must not be nested. */
  measure<T>(work: () => T): T {
    const startMs = this.#clock.monotonicMs();
    const start = process.cpuUsage();
    try {
      return work();
    } finally {
      const { user, system } = process.cpuUsage(start);
      this.#cpuMicros += user + system;
      this.#wallMs += this.#clock.monotonicMs() - startMs;
    }
  }
}
