/**
 * A run as a list: every operation and every fault, with the moment at which it begins.
 *
 *     seed ──▶ options ──▶ schedule ──▶ run
 *
 * The seed explains the schedule, but the schedule is what runs: it can be cut down to the few items that a
 * failure needs, kept in a file and replayed for ever, also when the way of drawing has changed since.
 * What is drawn while it runs (delays, lost frames, names of origins) follows from `seed` alone.
 */
import type { Random } from "@atoll/core";
import { SeededRandom } from "@atoll/core";
import type { Fault, FaultKind } from "./fault.ts";
import type { SimOptions } from "./options.ts";
import { drawOptions } from "./options.ts";
import type { Operation } from "./workload/operation.ts";
import { drawOperations, pick } from "./workload/draw.ts";
import { replayOperations } from "./workload/replay.ts";

export type Item = Operation | Fault;

export interface Schedule {
  readonly seed: string;
  readonly options: SimOptions;
  /** In order of time. */
  readonly items: readonly Item[];
}

export function drawSchedule(seed: string): Schedule {
  const options = drawOptions(seed);
  const shape = { ...options, untilMs: options.chaosMs };
  const random = new SeededRandom(`${seed}/schedule`);
  const operations =
    options.workload === "replay"
      ? replayOperations(random.fork("operations"), shape)
      : drawOperations(random.fork("operations"), shape);
  const faults = drawFaults(random.fork("faults"), options);
  const items = [...operations, ...faults].sort((a, b) => a.atMs - b.atMs);
  return { seed, options, items };
}

function drawFaults(random: Random, options: SimOptions): Fault[] {
  const { faults: kinds, chaosMs, faultsPerMinute } = options;
  if (kinds.length === 0) return [];
  const count = Math.min(60, Math.ceil((chaosMs / 60_000) * faultsPerMinute));
  const faults: Fault[] = [];
  let flips = 0;
  for (let i = 0; i < count; i++) {
    const kind = pick(random, kinds);
    if (kind === "bit-flip" && ++flips > 3) continue;
    faults.push(drawFault(random, kind, options));
  }
  return faults;
}

function drawFault(random: Random, kind: FaultKind, options: SimOptions): Fault {
  const { regions, chaosMs, faultMsMax } = options;
  const atMs = random.below(chaosMs);
  const at = random.below(regions);
  const b = (at + 1 + random.below(regions - 1)) % regions;
  // Mostly short: what matters happens at the edges.
  const forMs = 1 + Math.floor(faultMsMax * random.float() ** 2);
  const downMs = forMs;
  const ageMs = Math.floor(atMs * random.float());
  switch (kind) {
    case "cut":
      return { kind, atMs, a: at, b, isOneWay: random.below(3) === 0, forMs };
    case "isolate":
      return { kind, atMs, at, forMs };
    case "break":
      return { kind, atMs, a: at, b };
    case "clog":
      return { kind, atMs, a: at, b, extraMs: 10 + random.below(3_000), forMs };
    case "throttle":
      return { kind, atMs, a: at, b, bytesPerMs: pick(random, [0.5, 4, 30]), forMs };
    case "crash": {
      const when = pick(random, [
        "now",
        "now",
        "before-commit",
        "after-commit",
        "torn-commit",
      ] as const);
      return { kind, atMs, at, when, isSilent: random.below(3) === 0, downMs };
    }
    case "stop":
      return { kind, atMs, at, downMs };
    case "pause":
      return { kind, atMs, at, forMs };
    case "slow":
      return { kind, atMs, at, costMs: pick(random, [1, 10, 60]), forMs };
    case "clock":
      return {
        kind,
        atMs,
        at,
        byMs: pick(random, [-400, 400, -5_000, 5_000, -3_600_000, 600_000]),
      };
    case "disk": {
      const how = pick(random, ["full", "busy", "error"] as const);
      return { kind, atMs, at, how, rate: pick(random, [0.2, 1]), forMs };
    }
    case "lost-tail":
      return { kind, atMs, at, commits: 1 + random.below(8), downMs };
    case "restore":
      return { kind, atMs, at, ageMs, downMs, isOrderly: random.below(3) === 0 };
    case "clone":
      return { kind, atMs, at, ageMs, forMs: 500 + forMs };
    case "bit-flip":
      return { kind, atMs, at, draw: random.u32() };
    case "verify":
      return { kind, atMs, at };
    case "operator":
      return { kind, atMs, a: at, b, forMs };
  }
}

export function isOperation(item: Item): item is Operation {
  return item.kind === "operation";
}
