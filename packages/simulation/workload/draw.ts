/**
 * Draws operations: which client does what, where and when. All of it comes from the seed, before the run.
 *
 * Values name the operation that wrote them, so that a value in a wrong place says where it came from.
 */
import type { Random } from "@atoll/core";
import { SeededRandom, must } from "@atoll/core";
import type { JsonObject, JsonValue, ProfileEdit } from "@atoll/profile";
import type { Action, Operation, Usage } from "./operation.ts";

export interface WorkloadShape {
  readonly operations: number;
  readonly sessions: number;
  readonly regions: number;
  readonly untilMs: number;
  /** Profiles of each usage. */
  readonly profiles: number;
  /** How often each usage is drawn. */
  readonly weights: Readonly<Record<Usage, number>>;
  /** Chance that a session asks another region than last time. */
  readonly hopRate: number;
  readonly readRate: number;
  readonly receiptRate: number;
  /** How operations lie in time: all over, or in bursts with nothing in between. */
  readonly burst: number;
  /** The first operation's number, which names what it writes: for a workload that is drawn piece by piece. */
  readonly numberedFrom?: number;
  /** Every fourth body is heavier by as much. */
  readonly ballastBytes?: number | undefined;
}

const WORDS = ["reef", "tide", "surf", "palm", "gull", "shell", "coral", "lagoon"];
const MEMBERS = ["displayName", "headline", "role", "pronouns"];
const COUNTERS = ["/stats/followers", "/stats/following", "/stats/posts"];
const WAITS_MS = [0, 250, 2_000, 10_000];

export function drawOperations(random: Random, shape: WorkloadShape): Operation[] {
  const homes = Array.from({ length: shape.sessions }, () => random.below(shape.regions));
  const operations: Operation[] = [];
  let atMs = 0;
  for (let n = 0; n < shape.operations; n++) {
    const meanMs = shape.untilMs / shape.operations;
    const isPause = n % Math.max(1, shape.burst) === 0;
    atMs += isPause ? meanMs * shape.burst * 2 * random.float() : random.below(20);
    if (atMs > shape.untilMs) atMs = shape.untilMs * random.float();
    const session = random.below(shape.sessions);
    if (random.float() < shape.hopRate) homes[session] = random.below(shape.regions);
    const usage = drawUsage(random, shape.weights);
    operations.push({
      kind: "operation",
      atMs: Math.round(atMs),
      session,
      region: must(homes[session], "home"),
      ...drawAction(random, shape, { usage, session, n: n + (shape.numberedFrom ?? 0) }),
      waitMs: pick(random, WAITS_MS),
      handling: random.below(8) === 0 ? "lenient" : "strict",
      ...(random.float() < shape.receiptRate && {
        durability: pick(random, ["2", "majority", "all"] as const),
      }),
    });
  }
  return operations.sort((a, b) => a.atMs - b.atMs);
}

function drawUsage(random: Random, weights: WorkloadShape["weights"]): Usage {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  let rest = random.float() * total;
  for (const [usage, weight] of Object.entries(weights)) {
    rest -= weight;
    if (rest < 0) return usage as Usage;
  }
  return "free";
}

function drawAction(
  random: Random,
  shape: WorkloadShape,
  { usage, session, n }: { readonly usage: Usage; readonly session: number; readonly n: number },
): Pick<Operation, "id" | "action" | "usesToken"> {
  const which = random.below(shape.profiles);
  const isRead = random.float() < shape.readRate;
  const read: Action = { kind: "read" };
  switch (usage) {
    case "owned":
      return {
        id: `o${session}-${which}`,
        usesToken: true,
        action: isRead ? read : drawOwned(random, shape, n),
      };
    case "marks":
      return {
        id: `m${which}`,
        usesToken: random.below(8) > 0,
        action: isRead ? read : { kind: "mark", mark: `w${n}` },
      };
    case "counter":
      return {
        id: `c${which}`,
        usesToken: random.below(3) > 0,
        action: isRead ? read : drawCounter(random, n),
      };
    case "set":
      return {
        id: `s${which}`,
        usesToken: random.below(3) > 0,
        action: isRead ? read : drawSet(random, n),
      };
    case "free":
      return {
        id: `f${which}`,
        usesToken: random.below(2) > 0,
        action: isRead ? read : drawFree(random, shape, n),
      };
  }
}

function drawOwned(random: Random, shape: WorkloadShape, n: number): Action {
  const kind = random.below(20);
  if (kind < 3) return { kind: "edit", edit: { kind: "delete" } };
  if (kind < 8) return { kind: "edit", edit: { kind: "put", value: drawBody(random, shape, n) } };
  return { kind: "edit", edit: { kind: "merge-patch", patch: drawPatch(random, n) } };
}

/** The first write of anybody makes the profile: an increment of what is not there is refused. */
function drawCounter(random: Random, n: number): Action {
  if (random.below(6) === 0) {
    const edit: ProfileEdit = { kind: "merge-patch", patch: { headline: `counted ${n}` } };
    return { kind: "edit", edit };
  }
  const by = random.below(20) - 5 || 1;
  return { kind: "edit", edit: { kind: "increment", pointer: pick(random, COUNTERS), by } };
}

function drawSet(random: Random, n: number): Action {
  const kind = random.below(10);
  if (kind < 4) return { kind: "set-remove", pick: random.below(100) };
  // Few names, so that an element that was removed is added again.
  const element = kind < 7 ? `e${random.below(6)}` : `u${n}`;
  return { kind: "set-add", element };
}

function drawFree(random: Random, shape: WorkloadShape, n: number): Action {
  const kind = random.below(20);
  if (kind < 2) return { kind: "edit", edit: { kind: "delete" } };
  if (kind < 5) return { kind: "edit", edit: { kind: "put", value: drawBody(random, shape, n) } };
  if (kind < 6) {
    return { kind: "edit", edit: { kind: "increment", pointer: pick(random, COUNTERS), by: 1 } };
  }
  if (kind < 8) return { kind: "create", edit: { kind: "put", value: drawBody(random, shape, n) } };
  if (kind < 10) {
    const edit: ProfileEdit = { kind: "merge-patch", patch: drawPatch(random, n) };
    return { kind: "stale-tag", edit };
  }
  const extra = random.below(2) === 0 ? {} : { interests: drawWords(random, 3) };
  const patch = { ...drawPatch(random, n), ...extra };
  return { kind: "edit", edit: { kind: "merge-patch", patch } };
}

function drawBody(random: Random, { ballastBytes }: WorkloadShape, n: number): JsonObject {
  const body: Record<string, JsonValue> = { displayName: `v${n}` };
  if (random.below(2) === 0) body["bio"] = drawWords(random, 4).join(" ");
  if (random.below(3) === 0) body["links"] = drawLinks(random, n);
  if (random.below(3) === 0) body["location"] = { city: pick(random, WORDS), country: `n${n}` };
  if (random.below(3) === 0) body["extra"] = drawValue(random, n, 2);
  if (ballastBytes !== undefined && n % 4 === 0) body["ballast"] = ballast(n, ballastBytes);
  return body;
}

/** Compression finds nothing in it, and it is one value. */
function ballast(n: number, bytes: number): string {
  return Buffer.from(new SeededRandom(`ballast ${n}`).bytes(bytes)).toString("base64");
}

function drawPatch(random: Random, n: number): JsonObject {
  const patch: Record<string, JsonValue> = {};
  patch[pick(random, MEMBERS)] = random.below(6) === 0 ? null : `v${n}`;
  if (random.below(3) === 0) patch["bio"] = drawWords(random, 5).join(" ");
  if (random.below(4) === 0) patch["links"] = random.below(4) === 0 ? null : drawLinks(random, n);
  if (random.below(4) === 0) patch["settings"] = { [pick(random, WORDS)]: drawValue(random, n, 2) };
  if (random.below(5) === 0) patch["extra"] = drawValue(random, n, 2);
  if (random.below(6) === 0) {
    patch["location"] = random.below(3) === 0 ? null : { city: `v${n}` };
  }
  return patch;
}

function drawLinks(random: Random, n: number): JsonValue {
  return Array.from({ length: random.below(4) }, (_, i) => ({
    label: pick(random, WORDS),
    url: `https://example.com/${n}/${i}`,
  }));
}

/** Of any type, so that a place changes its type between edits. */
function drawValue(random: Random, n: number, depth: number): JsonValue {
  switch (random.below(depth > 0 ? 6 : 4)) {
    case 0:
      return n;
    case 1:
      return random.below(2) === 0;
    case 2:
      return `v${n}`;
    case 3:
      return n / 2;
    case 4:
      return Array.from({ length: random.below(3) }, () => drawValue(random, n, depth - 1));
    default:
      return { [pick(random, WORDS)]: drawValue(random, n, depth - 1) };
  }
}

function drawWords(random: Random, most: number): string[] {
  return [...new Set(Array.from({ length: random.below(most + 1) }, () => pick(random, WORDS)))];
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return must(values[random.below(values.length)], "one of them");
}
