/**
 * Where a piece of work spends its time: V8's sampling profiler, inside the process that does the work.
 *
 * Samples are of wall time, so a function that waits for the disk shows, too. `self` is a function's own
 * time. `within` is the time with everything it calls, each sample counted once however deep it recurs;
 * by it a path is split into its stages.
 */
import { Session } from "node:inspector";
import type { Profiler } from "node:inspector";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "@atoll/core";

const SAMPLE_MICROS = 250;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface ProfiledFunction {
  /** Name and file, such as `parse packages/x/y.ts`. */
  readonly where: string;
  readonly selfMs: number;
  readonly share: number;
}

export interface CpuProfile {
  readonly totalMs: number;
  /** Most expensive first. */
  readonly bySelf: readonly ProfiledFunction[];
  /** Milliseconds in functions that match, and below them, but not below those that `except` matches. */
  readonly within: (matches: FrameTest, except?: FrameTest) => number;
  /** `caller;callee micros`, a line for each path that took more than so much of the time. */
  readonly stacks: (shareMin: number) => string[];
}

export type FrameTest = (name: string, file: string) => boolean;

/** `work` must be synchronous: what happens in between would be sampled, too. */
export function profiled<T>(work: () => T): { readonly result: T; readonly profile: CpuProfile } {
  const sampler = new CpuSampler();
  try {
    const result = work();
    return { result, profile: summaryOf(sampler.stop()) };
  } finally {
    sampler.close();
  }
}

/** Samples from when it is made until it is stopped. */
export class CpuSampler {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.setSamplingInterval", { interval: SAMPLE_MICROS });
    this.#session.post("Profiler.start");
  }

  stop(): Profiler.Profile {
    let raw: Profiler.Profile | undefined;
    this.#session.post("Profiler.stop", (_error, stopped) => {
      raw = stopped.profile;
    });
    if (raw === undefined) throw new Error("the profiler gave no profile");
    return raw;
  }

  close(): void {
    this.#session.disconnect();
  }
}

/** What V8 does by itself. */
const OF_V8: ReadonlySet<string> = new Set([
  "(garbage collector)",
  "(program)",
  "(idle)",
  "(root)",
]);

interface Node {
  readonly name: string;
  readonly file: string;
  readonly children: readonly number[];
  selfMicros: number;
}

export function summaryOf(raw: Profiler.Profile): CpuProfile {
  const nodes = new Map<number, Node>();
  for (const { id, callFrame, children } of raw.nodes) {
    const file = fileOf(callFrame.url);
    nodes.set(id, { name: callFrame.functionName, file, children: children ?? [], selfMicros: 0 });
  }
  for (const [i, id] of (raw.samples ?? []).entries()) {
    const node = nodes.get(id);
    const isOurs = node !== undefined && node.file !== "node:inspector"; // starting to sample takes long
    if (isOurs) node.selfMicros += Math.max(0, raw.timeDeltas?.[i] ?? 0);
  }
  const root = raw.nodes[0]?.id ?? 0;
  const totalMicros = [...nodes.values()].reduce((sum, { selfMicros }) => sum + selfMicros, 0);
  const microsByWhere = new Map<string, number>();
  const credit = (where: string, micros: number): void => {
    microsByWhere.set(where, (microsByWhere.get(where) ?? 0) + micros);
  };
  for (const { name, file, children, selfMicros } of nodes.values()) {
    if (file !== "" || OF_V8.has(name)) credit(`${name} ${file}`.trimEnd(), selfMicros);
    for (const child of children) {
      // Native code has no file and often no name: it is known by who calls it.
      const { name: native, file: from, selfMicros: micros } = mustNode(nodes, child);
      if (from === "" && !OF_V8.has(native))
        credit(`native code in ${name} ${file}`.trimEnd(), micros);
    }
  }
  const bySelf = [...microsByWhere]
    .map(([where, micros]) => ({ where, selfMs: micros / 1e3, share: micros / totalMicros }))
    .sort((a, b) => b.selfMs - a.selfMs);
  const below = (id: number, inside: boolean, matches: FrameTest, except: FrameTest): number => {
    const node = nodes.get(id);
    if (node === undefined) return 0;
    const { name, file } = node;
    if (except(name, file)) return 0;
    const counts = inside || matches(name, file);
    return node.children.reduce(
      (sum, child) => sum + below(child, counts, matches, except),
      counts ? node.selfMicros : 0,
    );
  };
  return {
    totalMs: totalMicros / 1e3,
    bySelf,
    within: (matches, except = () => false) => below(root, false, matches, except) / 1e3,
    stacks: (shareMin) => stacksOf(nodes, root, shareMin * totalMicros),
  };
}

/** What a path too short to be named took is its caller's. */
function stacksOf(nodes: ReadonlyMap<number, Node>, root: number, microsMin: number): string[] {
  const microsByStack = new Map<string, number>();
  const walk = (id: number, above: string): number => {
    const { name, file, children, selfMicros } = mustNode(nodes, id);
    const frame = `${name || "(anonymous)"} ${file}`.trimEnd();
    const stack = id === root ? "" : above === "" ? frame : `${above};${frame}`;
    let micros = selfMicros;
    for (const child of children) micros += walk(child, stack);
    if (micros < microsMin || stack === "") return micros;
    microsByStack.set(stack, (microsByStack.get(stack) ?? 0) + micros);
    return 0;
  };
  walk(root, "");
  return [...microsByStack].map(([stack, micros]) => `${stack} ${Math.round(micros)}`);
}

function mustNode(nodes: ReadonlyMap<number, Node>, id: number): Node {
  return must(nodes.get(id), "a node of the profile");
}

function fileOf(url: string): string {
  if (!url.startsWith("file:")) return url.startsWith("node:") ? url : "";
  return relative(ROOT, fileURLToPath(url));
}
