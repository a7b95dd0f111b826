/**
 * Virtual time: one queue of events for the whole fleet, and nothing happens but by it.
 *
 *     (at, order) ──▶ event ──▶ microtasks it set free ──▶ next event, and time jumps there
 *
 * An event belongs to a host, or to the world itself. A host that is dead loses what was meant for it; one
 * that is paused or slow gets it later, in the order in which it would have come. Equal times go in
 * the order of scheduling, so that a run depends on its seed and on nothing else.
 */

/** A process, as far as time knows it. */
export interface Host {
  readonly name: string;
  /** Moves when the process dies: events of an earlier life are dropped. */
  life: number;
  /** Nothing runs on it before this moment. */
  freeAtMs: number;
  /** What every event keeps it busy for. */
  costMs: number;
}

export interface Scheduled {
  /** When it happens: later than it is due where its host is busy until then. */
  atMs: number;
  readonly dueMs: number;
  readonly order: number;
  readonly host: Host | undefined;
  readonly life: number;
  readonly run: () => void;
  isCancelled: boolean;
}

const EVENTS_AT_ONCE_MAX = 100_000;

export class World {
  /** Milliseconds since the start of the run. */
  nowMs = 0;
  events = 0;
  /** Somebody waits for a promise: after an event, microtasks are given their turn. */
  promised = 0;
  /** What an event threw. */
  onError: (error: unknown, host: Host | undefined) => void = (error) => {
    throw error;
  };
  readonly #heap: Scheduled[] = [];
  #eventsNow = 0;
  #order = 0;

  schedule(delayMs: number, host: Host | undefined, run: () => void): Scheduled {
    const dueMs = this.nowMs + Math.max(0, delayMs);
    const event: Scheduled = {
      atMs: dueMs,
      dueMs,
      order: this.#order++,
      host,
      life: host?.life ?? 0,
      run,
      isCancelled: false,
    };
    this.#push(event);
    return event;
  }

  /** The host is neither paused nor slow any more: what waited for it comes now, all of it, in order. */
  relieve(host: Host): void {
    host.freeAtMs = 0;
    host.costMs = 0;
    const events = this.#heap.splice(0);
    for (const event of events) {
      if (event.host === host) event.atMs = Math.max(this.nowMs, event.dueMs);
      this.#push(event);
    }
  }

  /** Runs events up to a moment, or until `isDone`, which is asked after every event. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#pop();
      if (next.isCancelled) continue;
      const { host } = next;
      if (host !== undefined) {
        if (host.life !== next.life) continue;
        if (host.freeAtMs > next.atMs) {
          next.atMs = host.freeAtMs;
          this.#push(next);
          continue;
        }
      }
      // Time that stands still while events go on is a loop that nobody would get out of.
      this.#eventsNow = next.atMs > this.nowMs ? 0 : this.#eventsNow + 1;
      if (this.#eventsNow > EVENTS_AT_ONCE_MAX) {
        this.onError(new Error("time stands still"), host);
        return isDone();
      }
      this.nowMs = next.atMs;
      this.events++;
      try {
        next.run();
      } catch (error) {
        this.onError(error, host);
      }
      if (host !== undefined && host.costMs > 0) host.freeAtMs = this.nowMs + host.costMs;
      if (this.promised > 0) await settle();
      if (isDone()) return true;
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
    return isDone();
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent] as Scheduled;
      if (!isBefore(event, other)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Scheduled;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right] as Scheduled, heap[child] as Scheduled)) {
        child = right;
      }
      if (!isBefore(heap[child] as Scheduled, last)) break;
      heap[at] = heap[child] as Scheduled;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** More turns than any chain of promises between an event and the answer that it sets free. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 16; i++) await Promise.resolve();
}
