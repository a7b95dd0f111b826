// Two replicas' worth of replication with nothing behind it, and the wire between them in the test's hand:
// what is under way can be looked at, altered or dropped, and time is a number.
import type { Cluster, Origin, Region, RegionCode, RegionName } from "@atoll/core";
import {
  Frontier,
  VECTOR_ZERO,
  SeededRandom,
  deriveClusterKeys,
  hlcFromMs,
  newOrigin,
} from "@atoll/core";
import type { SyncEffect, SyncEvent } from "./effects.ts";
import { Sync } from "./sync.ts";
import type { SyncView } from "./sync-view.ts";
import type { VersionRange } from "./version.ts";

const regions: Region[] = ["us-east-1", "eu-west-1"].map((name, i) => ({
  name: name as RegionName,
  code: (i + 1) as RegionCode,
}));
const cluster: Cluster = {
  id: "test",
  shardCount: 16,
  regions,
  keys: deriveClusterKeys("the secret of this test", "test"),
};

type Name = "a" | "b";
const OTHER: Readonly<Record<Name, Name>> = { a: "b", b: "a" };

export interface Side {
  readonly sync: Sync;
  origin: Origin;
  readonly frontier: Frontier;
  /** Everything that was asked for but frames and dials, in order. */
  readonly effects: SyncEffect[];
  dials: number;
}

/** Region a has the lower code and dials b. */
export class Pair {
  readonly a: Side;
  readonly b: Side;
  nowMs = 1000;
  /** Frames that are dropped on the way from a side. */
  readonly cut = new Set<Name>();
  /** Whether a transport notices that the other end has gone. */
  deaf = false;
  /** Every frame that arrives, or `undefined` for one that does not. */
  onTheWay: (from: Name, frame: Uint8Array) => Uint8Array | undefined = (_from, frame) => frame;
  readonly #queue: { readonly name: Name; readonly event: SyncEvent }[] = [];
  #nextLink = 1;

  constructor(versions: { readonly a?: VersionRange; readonly b?: VersionRange } = {}) {
    this.a = this.#side("a", versions.a);
    this.b = this.#side("b", versions.b);
  }

  /** Everything that follows happens at the same moment, in the order in which it was sent. */
  step(name: Name, event: SyncEvent): void {
    this.#queue.push({ name, event });
    if (this.#queue.length > 1) return; // the one that is under way comes to it
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      for (const effect of this[next.name].sync.step(next.event, this.nowMs)) {
        this.#perform(next.name, effect);
      }
      this.#queue.shift();
    }
  }

  /** Time passes in ticks; only those who are named wake up. */
  run(ms: number, awake: readonly Name[] = ["a", "b"]): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += 25;
      for (const name of awake) this.step(name, { kind: "tick" });
    }
  }

  isLive(name: Name): boolean {
    return this[name].sync.status()[0]?.state === "live";
  }

  events(name: Name, event: string): Readonly<Record<string, unknown>>[] {
    return this[name].effects
      .filter((effect) => effect.kind === "report")
      .filter((effect) => effect.event === event)
      .map(({ fields }) => fields);
  }

  #perform(name: Name, effect: SyncEffect): void {
    if (effect.kind === "send") {
      const bytes = this.cut.has(name) ? undefined : this.onTheWay(name, effect.frame.slice());
      if (bytes !== undefined) this.step(OTHER[name], { kind: "frame", link: effect.link, bytes });
    } else if (effect.kind === "dial") this.#dial(name, effect.region);
    else {
      this[name].effects.push(effect);
      if (effect.kind !== "close" || this.deaf) return;
      const { link, reason } = effect;
      this.step(name, { kind: "link-down", link, reason });
      if (!this.cut.has(name))
        this.step(OTHER[name], { kind: "link-down", link, reason: "closed" });
    }
  }

  #dial(name: Name, region: RegionCode): void {
    const link = this.#nextLink++;
    this[name].dials++;
    this.step(name, { kind: "link-dialled", region, link });
    if (this.cut.size > 0) this.step(name, { kind: "link-down", link, reason: "unreachable" });
    else for (const each of [OTHER[name], name]) this.step(each, { kind: "link-up", link });
  }

  #side(name: Name, versions: VersionRange | undefined): Side {
    const random = new SeededRandom(name);
    const region = regions[name === "a" ? 0 : 1] as Region;
    const frontier = new Frontier();
    const nothing = (): never[] => [];
    const side = {
      origin: newOrigin(region.code, 0, random),
      frontier,
      effects: [] as SyncEffect[],
      dials: 0,
    };
    const view: SyncView = {
      cluster,
      region,
      get origin() {
        return side.origin;
      },
      genesisHash: new Uint8Array(32),
      frontier,
      staged: nothing,
      stamp: () => hlcFromMs(1_700_000_000_000 + this.nowMs),
      recall: () => undefined,
      missing: nothing,
      readLog: nothing,
      waiting: 0,
      cut: () => undefined,
      findElement: nothing,
      horizon: () => VECTOR_ZERO,
      changesAt: () => [],
      lanesAt: () => [],
      positionOf: () => 0,
      coverage: () => VECTOR_ZERO,
      backlogBytes: () => 0,
    };
    const dialable = new Set(regions.map(({ code }) => code));
    const sync = new Sync({ view, random, dialable, ...(versions && { versions }) });
    return Object.assign(side, { sync });
  }
}
