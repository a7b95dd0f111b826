/**
 * The shape of a run, drawn from its seed: who is there, how far apart, what may go wrong and how often.
 *
 * Swarm testing (Groce et al., ISSTA 2012): each run allows only some kinds of faults and operations, at limits
 * of its own. A run in which everything happens at once rarely gets deep into anything, and one kind
 * of fault hides another.
 */
import type { Random } from "@atoll/core";
import { SeededRandom, limits } from "@atoll/core";
import type { RetentionOptions } from "@atoll/replica";
import type { FaultKind } from "./fault.ts";
import { FAULT_KINDS } from "./fault.ts";
import type { Usage } from "./workload/operation.ts";
import { pick } from "./workload/draw.ts";

export interface SimOptions {
  readonly regions: number;
  readonly shards: number;
  readonly chaosMs: number;
  readonly sessions: number;
  readonly operations: number;
  readonly profiles: number;
  readonly workload: "drawn" | "replay";
  readonly weights: Readonly<Record<Usage, number>>;
  readonly hopRate: number;
  readonly readRate: number;
  readonly receiptRate: number;
  readonly burst: number;
  /** Base of the one-way delay between two regions; each pair has a multiple of it. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly breakRate: number;
  readonly duplicateRate: number;
  readonly reorderRate: number;
  readonly corruptRate: number;
  readonly timerGrainMs: number;
  readonly turnMsMax: number;
  /** What a disk needs at most to sync; as long as a turn where it is not said. */
  readonly syncMsMax?: number | undefined;
  /** By region: milliseconds and parts per million. */
  readonly skewsMs: readonly number[];
  readonly driftsPpm: readonly number[];
  /** Regions that still run the release before. */
  readonly old: readonly boolean[];
  readonly faults: readonly FaultKind[];
  /** Planned faults per simulated minute. */
  readonly faultsPerMinute: number;
  readonly faultMsMax: number;
  /** How soon rows leave the log; undefined: not within a run. */
  readonly retention?: Pick<RetentionOptions, "ageMs" | "deadPeerAfterMs"> | undefined;
  /** What makes some bodies heavy; undefined: nothing. */
  readonly ballastBytes?: number | undefined;
}

/** Kinds that are rare because they cost a long while to mend, or hide what others would show. */
const RARE: readonly FaultKind[] = ["bit-flip", "clone", "restore", "lost-tail"];
const USAGES: readonly Usage[] = ["owned", "marks", "counter", "set", "free"];

export function drawOptions(seed: string): SimOptions {
  const random = new SeededRandom(`${seed}/options`);
  const regions = pick(random, [2, 3, 3, 3, 3, 4, 5]);
  const some = <T>(value: T, otherwise: T, oneIn: number): T =>
    random.below(oneIn) === 0 ? value : otherwise;
  const perRegion = <T>(draw: () => T): T[] => Array.from({ length: regions }, draw);
  const isSkewed = random.below(2) === 0;
  const shape: SimOptions = {
    regions,
    shards: pick(random, [1, 2, 4, 4, 16]),
    chaosMs: pick(random, [10_000, 30_000, 60_000, 120_000, 300_000]),
    sessions: 1 + random.below(6),
    operations: pick(random, [20, 40, 60, 80, 120]),
    profiles: pick(random, [1, 1, 2, 3, 8]),
    workload: some("replay", "drawn", 8),
    weights: drawWeights(random),
    hopRate: pick(random, [0, 0.1, 0.5, 1]),
    readRate: pick(random, [0.1, 0.3, 0.6]),
    receiptRate: some(0.3, 0, 3),
    burst: pick(random, [1, 1, 5, 20]),
    latencyMs: pick(random, [0.5, 5, 40, 120]),
    jitterMs: pick(random, [0, 5, 50]),
    breakRate: some(0.01, 0, 3),
    duplicateRate: some(0.2, 0, 4),
    reorderRate: some(0.1, 0, 4),
    corruptRate: some(0.02, 0, 5),
    timerGrainMs: pick(random, [1, 25, 100, 100]),
    turnMsMax: pick(random, [0.1, 1, 1, 20]),
    skewsMs: perRegion(() => (isSkewed ? drawSkew(random) : 0)),
    driftsPpm: perRegion(() => (isSkewed ? random.below(2_000) - 1_000 : 0)),
    old: perRegion(() => false).map(() => random.below(8) === 0),
    faults: FAULT_KINDS.filter((kind) => random.below(RARE.includes(kind) ? 5 : 3) === 0),
    faultsPerMinute: pick(random, [2, 6, 15, 40]),
    faultMsMax: pick(random, [500, 3_000, 10_000, 60_000]),
  };
  // From draws of their own: what is added here leaves all else of a seed as it was.
  return {
    ...shape,
    retention: drawRetention(random.fork("retention"), shape.old.includes(true)),
    syncMsMax: pick(random.fork("sync"), [0.1, 1, 20, 200]),
    ballastBytes: random.fork("ballast").below(8) === 0 ? 20_000 : undefined,
  };
}

/** Who speaks an older protocol and was away for longer than rows are kept stays behind: PROTOCOL.md. */
function drawRetention(random: Random, isMixed: boolean): SimOptions["retention"] {
  if (random.below(4) > 0) return undefined;
  const ageMs = pick(random, [0, 5_000, 30_000]);
  const usualMs = limits.RETENTION_DEAD_PEER_MS_DEFAULT;
  return { ageMs, deadPeerAfterMs: isMixed ? usualMs : pick(random, [usualMs, 20_000]) };
}

function drawWeights(random: Random): Record<Usage, number> {
  const weights = { owned: 0, marks: 0, counter: 0, set: 0, free: 0 };
  for (const usage of USAGES) weights[usage] = random.below(3) === 0 ? 0 : 1 + random.below(4);
  if (Object.values(weights).every((weight) => weight === 0)) weights.marks = 1;
  return weights;
}

function drawSkew(random: Random): number {
  return pick(random, [0, -300, 300, 5_000, -60_000, 3_600_000, -86_400_000]);
}
