// Regions that keep entries and know nothing of profiles: real replication over a network in memory, with
// a log that is a map. What is said is recorded, so that tests can look at every message and its bytes.
import { hash } from "node:crypto";
import type {
  Cluster,
  Hlc,
  Lane,
  LogEntry,
  Origin,
  Region,
  RegionCode,
  RegionName,
  SeqRange,
  Timer,
} from "@atoll/core";
import {
  Frontier,
  HybridClock,
  LaneMap,
  ManualClock,
  SeededRandom,
  VECTOR_ZERO,
  deriveClusterKeys,
  entryBytes,
  limits,
  must,
  mustChangeHash,
  mustDocId,
  newOrigin,
} from "@atoll/core";
import { decodeFrame } from "./codec.ts";
import type { SyncEffect, SyncEvent } from "./effects.ts";
import { MemoryNetwork } from "./memory-network.ts";
import type { MemoryTransport } from "./memory-network.ts";
import type { Message } from "./messages.ts";
import { Sync } from "./sync.ts";
import type { SyncView } from "./sync-view.ts";

const NAMES = ["a", "b", "c"] as const;
type Name = (typeof NAMES)[number];
/** Changes are cut from this: they do not compress. */
const NOISE = new SeededRandom("noise").bytes(512 * 1024);

export interface Said {
  readonly by: Name;
  readonly atMs: number;
  readonly bytes: number;
  readonly message: Message;
}

export type SaidOf<Kind extends Message["kind"]> = Said & {
  readonly message: Extract<Message, { kind: Kind }>;
};

export class Regions {
  readonly clock = new ManualClock();
  readonly network: MemoryNetwork;
  readonly random: SeededRandom;
  readonly said: Said[] = [];
  readonly a: FakeRegion;
  readonly b: FakeRegion;
  readonly c: FakeRegion | undefined;

  constructor(seed: string, options: { readonly count?: 2 | 3; readonly delayMs?: number } = {}) {
    const { count = 2, delayMs = 10 } = options;
    this.random = new SeededRandom(seed);
    const { clock, random } = this;
    this.network = new MemoryNetwork({ clock, random, delayMs: { min: delayMs, max: delayMs } });
    const regions = NAMES.slice(0, count).map((name, i) => ({
      name: name as string as RegionName,
      code: (i + 1) as RegionCode,
    }));
    const keys = deriveClusterKeys("the secret of this test", "test");
    const cluster: Cluster = { id: "test", shardCount: 16, regions, keys };
    const [a, b, c] = regions.map((region) => new FakeRegion(this, cluster, region));
    this.a = must(a, "a");
    this.b = must(b, "b");
    this.c = c;
  }

  /** Starts all and lets them meet. */
  connect(): this {
    for (const region of [this.a, this.b, this.c]) region?.start();
    this.clock.advance(1_000);
    return this;
  }

  /** What somebody said of one kind since a moment. */
  saidBy<Kind extends Message["kind"]>(by: Name, kind: Kind, sinceMs = 0): SaidOf<Kind>[] {
    const is = (said: Said): said is SaidOf<Kind> =>
      said.by === by && said.atMs >= sinceMs && said.message.kind === kind;
    return this.said.filter(is);
  }
}

export class FakeRegion {
  readonly origin: Origin;
  readonly frontier = new Frontier();
  readonly reports: string[] = [];
  /** What an entry that builds on something missing would be. */
  waits: (entry: LogEntry) => boolean = () => false;
  waitingMax = 0;
  /** What the log no longer has. */
  isTrimmed: (entry: LogEntry) => boolean = () => false;
  /** While true, what is received never becomes durable. */
  isStuck = false;
  /** Lanes that have moved and are not committed yet. */
  staged: readonly Lane[] = [];
  /** Added to what the network says. */
  extraBacklogBytes = 0;
  ticks = 0;
  readonly sync: Sync;
  readonly #regions: Regions;
  readonly #name: Name;
  readonly #transport: MemoryTransport;
  readonly #log = new LaneMap<Map<number, LogEntry>>();
  /** Entries that wait, by their place. */
  readonly #aside = new Map<string, LogEntry>();
  #wake: Timer | undefined;
  #wakeAtMs = Infinity;
  #steppedMs = 0;

  constructor(regions: Regions, cluster: Cluster, region: Region) {
    this.#regions = regions;
    this.#name = region.name as string as Name;
    this.origin = newOrigin(region.code, 0, regions.random);
    this.#transport = regions.network.transport(region.name);
    const hlc = new HybridClock();
    const view: SyncView = {
      cluster,
      region,
      origin: this.origin,
      genesisHash: new Uint8Array(32),
      frontier: this.frontier,
      staged: () => this.staged,
      stamp: () => hlc.tick(regions.clock.nowMs()),
      recall: () => undefined,
      missing: (lane, upTo) => this.#missing(lane, upTo),
      readLog: (lane, range, bytesMax) => this.#read(lane, range, bytesMax),
      cut: () => undefined,
      findElement: () => [],
      horizon: () => VECTOR_ZERO,
      changesAt: () => [],
      lanesAt: () => [],
      positionOf: () => 0,
      coverage: () => VECTOR_ZERO,
      backlogBytes: (link) => this.#transport.backlogBytes(link) + this.extraBacklogBytes,
      waiting: 0,
    };
    Object.defineProperty(view, "waiting", { get: () => this.waiting });
    const others = cluster.regions.filter((other) => other !== region);
    const dialable = new Set(others.map(({ code }) => code));
    this.sync = new Sync({ view, random: regions.random.fork(region.name), dialable });
    this.#transport.attach({
      linkUp: (link) => this.step({ kind: "link-up", link }),
      frame: (link, bytes) => this.step({ kind: "frame", link, bytes }),
      linkDown: (link, reason) => this.step({ kind: "link-down", link, reason }),
    });
  }

  get waiting(): number {
    return this.#aside.size;
  }

  start(): void {
    this.step({ kind: "start" });
  }

  /** Writes entries of our own, durable in one group; `changeBytes` of noise each. */
  write(count: number, changeBytes = 100, shard = 0): LogEntry[] {
    const { random, clock } = this.#regions;
    const entries = Array.from({ length: count }, (_, i) => {
      const seq = this.frontier.contig({ shard, origin: this.origin }) + 1;
      const offset = random.below(NOISE.length - changeBytes);
      const change = NOISE.slice(offset, offset + changeBytes);
      const name = mustChangeHash(hash("sha256", change.subarray(8), "buffer"));
      const docId = mustDocId(random.bytes(16));
      const hlc = (clock.nowMs() * 1024 + i) as Hlc;
      const about = { shard, origin: this.origin, seq, hlc, docId, hash: name };
      const entry: LogEntry = { ...about, dep: VECTOR_ZERO, change, containers: [] };
      this.#keep(entry);
      return entry;
    });
    this.step({ kind: "committed", entries });
    return entries;
  }

  /** Numbers held of a lane of some region. */
  held(of: FakeRegion, shard = 0): number {
    return this.#log.get({ shard, origin: of.origin })?.size ?? 0;
  }

  backlogBytesMax(): number {
    return this.#transport.backlogBytesMax();
  }

  /** What a tick would do now that none is planned for: nothing, if plans are right. */
  overlooked(): SyncEffect[] {
    const nowMs = this.#regions.clock.monotonicMs();
    const isPlanned = nowMs >= this.sync.nextTickMs || nowMs - this.#steppedMs < limits.TICK_MS;
    if (isPlanned) return [];
    return this.#effectsOf({ kind: "tick" }).filter(({ kind }) => kind !== "wake");
  }

  step(event: SyncEvent): void {
    const effects = this.#effectsOf(event);
    for (const effect of effects) this.#perform(effect);
    this.#wakeIn(this.sync.nextTickMs - this.#regions.clock.monotonicMs());
  }

  #effectsOf(event: SyncEvent): SyncEffect[] {
    this.#steppedMs = this.#regions.clock.monotonicMs();
    if (event.kind === "tick") this.ticks++;
    return this.sync.step(event, this.#steppedMs);
  }

  #perform(effect: SyncEffect): void {
    const transport = this.#transport;
    switch (effect.kind) {
      case "send": {
        const decoded = decodeFrame(effect.frame);
        if (decoded.kind !== "message") throw new Error("unreadable frame");
        const { message } = decoded;
        const atMs = this.#regions.clock.nowMs();
        this.#regions.said.push({ by: this.#name, atMs, bytes: effect.frame.length, message });
        return transport.send(effect.link, effect.frame);
      }
      case "close":
        return transport.close(effect.link, effect.reason);
      case "dial": {
        const name = must(NAMES[effect.region - 1], "name");
        const link = transport.dial(`memory://${name}`);
        return this.step({ kind: "link-dialled", region: effect.region, link });
      }
      case "ingest": {
        if (this.isStuck) return;
        const entries = effect.entries.flatMap((entry) => this.#admit(entry));
        this.step(effect.taken);
        return this.step({ kind: "committed", entries });
      }
      case "wake":
        return this.#wakeIn(effect.delayMs);
      case "report":
        this.reports.push(effect.event);
        return;
      default:
    }
  }

  #wakeIn(delayMs: number): void {
    const { clock } = this.#regions;
    const atMs = clock.nowMs() + delayMs;
    if (atMs >= this.#wakeAtMs) return;
    this.#wake?.cancel();
    this.#wakeAtMs = atMs;
    this.#wake = clock.after(delayMs, () => {
      this.#wakeAtMs = Infinity;
      this.step({ kind: "tick" });
    });
  }

  /** What it makes applicable, itself included. */
  #admit(entry: LogEntry): LogEntry[] {
    if (this.frontier.lane(entry).has(entry.seq)) return [];
    if (this.waits(entry)) {
      this.#aside.set(placeOf(entry, entry.seq), entry);
      this.waitingMax = Math.max(this.waitingMax, this.waiting);
      return [];
    }
    const applied: LogEntry[] = [];
    for (let next: LogEntry | undefined = entry; next !== undefined;) {
      this.#keep(next);
      applied.push(next);
      this.#aside.delete(placeOf(next, next.seq));
      next = this.#aside.get(placeOf(next, next.seq + 1));
      if (next !== undefined && this.waits(next)) next = undefined;
    }
    return applied;
  }

  #keep(entry: LogEntry): void {
    let lane = this.#log.get(entry);
    if (lane === undefined) this.#log.set(entry, (lane = new Map<number, LogEntry>()));
    lane.set(entry.seq, entry);
    this.frontier.lane(entry).add(entry.seq);
  }

  #missing(lane: Lane, upTo: number): SeqRange[] {
    const missing = this.frontier.lane(lane).missing(upTo);
    return missing.flatMap(({ lo, hi }) => {
      const parts: SeqRange[] = [];
      for (let from = lo; from <= hi; from++) {
        if (this.#aside.has(placeOf(lane, from))) continue;
        const last = parts.at(-1);
        if (last?.hi === from - 1) parts[parts.length - 1] = { lo: last.lo, hi: from };
        else parts.push({ lo: from, hi: from });
      }
      return parts;
    });
  }

  #read(lane: Lane, { lo, hi }: SeqRange, bytesMax: number): LogEntry[] {
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (let seq = lo; seq <= Math.min(hi, this.frontier.lane(lane).max); seq++) {
      const entry = this.#log.get(lane)?.get(seq);
      if (entry === undefined || this.isTrimmed(entry)) continue;
      entries.push(entry);
      bytes += entryBytes(entry);
      if (bytes > bytesMax) break;
    }
    return entries;
  }
}

function placeOf({ shard, origin }: Lane, seq: number): string {
  return `${shard} ${origin} ${seq}`;
}
