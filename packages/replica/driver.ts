/**
 * Gives a region its life: feeds replication with events and performs its effects.
 *
 *     transport, clock ──▶ sync.step ──▶ effects ──▶ replica, transport
 *     gateway ──▶ service ──▶ sessions ──▶ replica ──▶ group commit ──▶ answer
 *
 * The only place where the rooms' plain functions meet time and sockets. It decides nothing: what to say
 * is sync's, what to keep is replica's, when it is durable is the group commit's.
 */
import type {
  Clock,
  Cluster,
  Log,
  LogFields,
  Meter,
  Random,
  Region,
  RegionCode,
  RegionVector,
  SpendingExchange,
  Tracing,
  AtollError,
} from "@atoll/core";
import {
  VECTOR_ZERO,
  limits,
  originText,
  regionByCode,
  regionByName,
  unreachable,
} from "@atoll/core";
import type { ProfileCodec } from "@atoll/profile";
import type { Store } from "@atoll/store";
import type { SyncEffect, SyncEvent, Transport, VersionRange } from "@atoll/sync";
import { Sync } from "@atoll/sync";
import type { ShownActor } from "./actor-list.ts";
import { listActors } from "./actor-list.ts";
import { Alarm } from "./alarm.ts";
import { DocumentDesk } from "./document-desk.ts";
import { Feed } from "./feed.ts";
import { GroupCommit, isStorageFault } from "./group-commit.ts";
import { QuarantineDesk } from "./quarantine-desk.ts";
import { RateGossip } from "./rate-gossip.ts";
import { recount } from "./recount.ts";
import { syncViewOf } from "./replica-view.ts";
import { Receipts } from "./receipts.ts";
import { ReplicationMetrics } from "./replication-metrics.ts";
import { Replica } from "./replica.ts";
import type { RetentionOptions } from "./retention.ts";
import { RETENTION_DEFAULT, Retention } from "./retention.ts";
import { RegionService } from "./service.ts";
import { Scrub } from "./scrub.ts";
import { Sessions } from "./sessions.ts";
import type { Epoch, PeerReport, RegionStatus } from "./status.ts";
import { peerReports, statusOf } from "./status.ts";
import { TruthDesk } from "./truth-desk.ts";
import { VisibleSpans } from "./visible-spans.ts";

export interface DriverOptions {
  readonly cluster: Cluster;
  readonly region: Region;
  readonly store: Store;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Made once per process from the schema. */
  readonly codec: ProfileCodec;
  /** Addresses of the other regions, as far as they are known. */
  readonly peers: ReadonlyMap<RegionCode, string>;
  readonly version: string;
  readonly meter?: Meter;
  /** Undefined: off. */
  readonly tracing?: Tracing | undefined;
  /** Who limits this region's clients, together with the other regions. */
  readonly rates?: SpendingExchange | undefined;
  /** How long the log is kept. */
  readonly retention?: Partial<RetentionOptions>;
  /** Protocol versions, where a test plays another release. */
  readonly protocol?: VersionRange;
}

export class RegionDriver {
  readonly replica: Replica;
  /** What the gateway asks. */
  readonly service: RegionService;
  readonly quarantine: QuarantineDesk;
  readonly truth: TruthDesk;
  readonly documents: DocumentDesk;
  readonly scrub: Scrub;
  readonly #options: DriverOptions;
  readonly #sync: Sync;
  readonly #sessions: Sessions;
  readonly #receipts: Receipts;
  readonly #group: GroupCommit;
  readonly retention: Retention;
  readonly #startedAt: Epoch;
  readonly #rateGossip: RateGossip | undefined;
  #peers: ReadonlyMap<RegionCode, string>;
  readonly #ticks: Alarm;
  readonly #wakes: Alarm;
  #covered: RegionVector = VECTOR_ZERO;
  #confirmations = 0;
  #storageFault: AtollError | undefined;
  #stopping = false;
  #drained = false;

  constructor(options: DriverOptions) {
    const { cluster, region, clock, transport, log, random, peers } = options;
    this.#options = options;
    this.#peers = peers;
    this.replica = new Replica(options);
    this.#startedAt = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    const { rates } = options;
    this.#rateGossip =
      rates &&
      new RateGossip({
        rates,
        clock,
        regions: cluster.regions.length,
        sharers: () => this.#sync.sharers.length,
        tell: (spent) => this.#step({ kind: "spend", spent }),
      });
    this.#sync = new Sync({
      view: syncViewOf(this.replica, { clock, transport, log }),
      random: random.fork("sync"),
      dialable: new Set(peers.keys()),
      ...(options.protocol && { versions: options.protocol }),
    });
    this.#sessions = new Sessions({
      cluster,
      region: region.code,
      clock,
      coverage: () => this.#sync.coverage,
    });
    this.#receipts = new Receipts({
      cluster,
      region: region.code,
      clock,
      holders: (lane, seq) => this.#sync.holders(lane, seq),
    });
    const metrics = new ReplicationMetrics({ cluster, region, clock, meter: options.meter });
    const { tracing } = options;
    const visible = tracing && new VisibleSpans({ ...options, tracing });
    this.#group = new GroupCommit({
      replica: this.replica,
      clock,
      flushed: (entries, seconds) => {
        this.#storageFault = undefined;
        metrics.flushed(entries, seconds);
        visible?.flushed(entries);
        feed.committed();
        this.#step({ kind: "committed", entries });
      },
      failed: (error) => this.#storageFailed(error),
    });
    const feed = new Feed({ replica: this.replica, group: this.#group, clock });
    this.service = new RegionService({
      replica: this.replica,
      group: this.#group,
      sessions: this.#sessions,
      receipts: this.#receipts,
      feed,
      clock,
      random,
      isStopping: () => this.#stopping,
    });
    this.quarantine = new QuarantineDesk({ replica: this.replica, group: this.#group });
    this.documents = new DocumentDesk(this.replica);
    this.truth = new TruthDesk({
      replica: this.replica,
      group: this.#group,
      coverage: () => this.#sync.coverage,
    });
    this.scrub = new Scrub({
      replica: this.replica,
      clock,
      log,
      stage: (work) => this.#stage(work),
      relink: () => this.#group.afterwards(() => this.#step({ kind: "reset", reason: "scrub" })),
      renew: () => this.#renew({ reason: "entries of our own were lost from the log" }),
    });
    this.retention = new Retention({
      replica: this.replica,
      clock,
      log,
      options: { ...RETENTION_DEFAULT, ...options.retention },
      known: (code) => this.#sync.known(code),
      stage: (work) => this.#stage(work),
    });
    this.#ticks = new Alarm(clock, () => this.#tick());
    this.#wakes = new Alarm(clock, () => this.#beat());
    transport.attach({
      linkUp: (link, _dialled, identity) => this.#step({ kind: "link-up", link, identity }),
      frame: (link, bytes) => this.#step({ kind: "frame", link, bytes }),
      linkDown: (link, reason) => this.#step({ kind: "link-down", link, reason }),
    });
  }

  start(): void {
    this.#step({ kind: "start" });
    this.scrub.start();
    this.retention.start();
  }

  /** Tells the peers, makes everything durable and marks the stop as orderly. */
  async close(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#ticks.stop();
    this.#wakes.stop();
    this.scrub.stop();
    this.retention.stop();
    this.#sessions.close();
    this.#group.flush();
    this.#receipts.close();
    this.service.feed.close();
    this.#step({ kind: "leave" });
    await this.#options.transport.stop();
    this.replica.close();
  }

  /** Stops without a word or a write, as kill -9 would: for tests and the simulator. */
  kill(): void {
    this.#stopping = true;
    this.#ticks.stop();
    this.#wakes.stop();
    this.scrub.stop();
    this.retention.stop();
  }

  // ── what an operator asks ──

  readiness(): { check: string; ok: boolean; detail?: string }[] {
    const fault = this.#storageFault;
    const { twin } = this.#sync;
    return [
      { check: "running", ok: !this.#stopping },
      { check: "not drained", ok: !this.#drained },
      { check: "storage", ok: fault === undefined, ...(fault && { detail: fault.message }) },
      { check: "identity", ok: twin === undefined, ...(twin && { detail: twin }) },
    ];
  }

  status(): RegionStatus {
    return statusOf({
      replica: this.replica,
      sync: this.#sync,
      clock: this.#options.clock,
      version: this.#options.version,
      startedAt: this.#startedAt,
      ready: this.readiness().every(({ ok }) => ok),
      drained: this.#drained,
      waitingSessions: this.#sessions.waiting,
      waitingReceipts: this.#receipts.waiting,
      scrubFaults: this.scrub.faults,
      retention: this.retention.report(),
    });
  }

  peers(): PeerReport[] {
    return peerReports(this.#sync, this.#options.clock, this.#startedAt);
  }

  /** Who there is and where, as a registry says: replaces what was known before. */
  setPeers(peers: ReadonlyMap<RegionCode, string>): void {
    this.#peers = peers;
    this.#step({ kind: "peers", regions: new Set(peers.keys()) });
  }

  setPeerState(region: string, state: "active" | "paused"): boolean {
    const peer = regionByName(this.#options.cluster, region);
    if (peer === undefined || peer.name === this.#options.region.name) return false;
    this.#step({ kind: state === "paused" ? "pause" : "resume", region: peer.code });
    return true;
  }

  /** Clients are to be sent elsewhere, or here again. Who comes is served all the same. */
  setDrained(drained: boolean): void {
    this.#drained = drained;
  }

  actors(): ShownActor[] {
    return listActors(this.replica);
  }

  /** Compares with a peer now. False when there is no such peer, or no link to it. */
  compareWith(region: string): boolean {
    const peer = regionByName(this.#options.cluster, region);
    const link = this.peers().find(({ region: name }) => name === region);
    if (peer === undefined || link?.state !== "live") return false;
    this.#step({ kind: "compare", region: peer.code });
    return true;
  }

  // ── the loop ──

  #step(event: SyncEvent): void {
    const effects = this.#sync.step(event, this.#options.clock.monotonicMs());
    for (const effect of effects) this.#perform(effect);
    const { coverage, confirmations } = this.#sync;
    if (confirmations !== this.#confirmations) {
      this.#confirmations = confirmations;
      this.#receipts.confirmed(); // what they wait for is durable here already
    }
    if (coverage !== this.#covered) {
      this.#covered = coverage;
      this.replica.ledger.cover(coverage);
      this.#group.afterwards(() => this.#sessions.covered());
    }
    this.#planTick();
  }

  #perform(effect: SyncEffect): void {
    const { transport, log, cluster } = this.#options;
    switch (effect.kind) {
      case "send":
        return this.#group.afterwards(() => transport.send(effect.link, effect.frame));
      case "close":
        return this.#group.afterwards(() => transport.close(effect.link, effect.reason));
      case "dial": {
        const url = this.#peers.get(effect.region);
        if (url === undefined) return;
        return this.#step({
          kind: "link-dialled",
          region: effect.region,
          link: transport.dial(url),
        });
      }
      case "ingest": {
        const region = regionByCode(cluster, effect.from)?.name ?? `region ${effect.from}`;
        const from = { region, repair: effect.repair };
        this.#stage(() => this.replica.ingest(effect.entries, from));
        return this.#group.afterwards(() => this.#step(effect.taken));
      }
      case "rolled-back":
        return this.#rolledBack(effect);
      case "origin-proven":
        return this.replica.originProven();
      case "recount":
        return this.#stage(() => {
          this.replica.group.open();
          recount(this.replica, effect, log);
        });
      case "adopt":
        return this.#stage(() => this.replica.adopt(effect.lanes));
      case "spent":
        return this.#options.rates?.hear(effect.spent);
      case "wake":
        return this.#wakes.by(this.#options.clock.monotonicMs() + effect.delayMs);
      case "report":
        return log[effect.level](effect.event, effect.fields);
      default:
        unreachable(effect);
    }
  }

  /** Stages what nobody waits for: a failing store is reported by the group, and asked again. */
  #stage(work: () => void): void {
    try {
      this.#group.stage(work);
    } catch (error) {
      if (this.#storageFault !== error) throw error;
    }
  }

  #tick(): void {
    this.#beat();
    this.#rateGossip?.tick();
    if (this.replica.isUpkeepDue) this.#stage(() => this.replica.upkeep());
    this.#planTick();
  }

  /** After whatever may have given a tick something to do. A tick that comes too early does no harm. */
  #planTick(): void {
    this.#ticks.by(this.#sync.nextTickMs);
    if (this.#rateGossip !== undefined) this.#ticks.by(this.#rateGossip.dueMs);
    if (this.replica.isUpkeepDue) {
      this.#ticks.by(this.#options.clock.monotonicMs() + limits.TICK_MS);
    }
  }

  /** Flushes first, so that a heartbeat never speaks of entries that follow it. */
  #beat(): void {
    this.#group.flush();
    this.#step({ kind: "tick" });
  }

  /** Peers remember more of us than we do: this file was restored from a copy. */
  #rolledBack({ by, entries }: { readonly by: RegionCode; readonly entries: number }): void {
    const knownBy = regionByCode(this.#options.cluster, by)?.name ?? by;
    this.#renew({ knownBy, entries });
  }

  /** Numbers that were given are not known here any more: a new incarnation, before the next is given. */
  #renew(why: LogFields): void {
    const old = originText(this.replica.origin);
    this.#receipts.doubt(this.replica.origin); // first: a flush may look at what peers say
    try {
      this.#group.apart(() => this.replica.reincarnate());
    } catch (error) {
      if (!isStorageFault(error)) throw error;
      return; // links start afresh, and peers will say it again
    }
    this.#options.log.error("rolled-back", {
      ...why,
      old,
      new: originText(this.replica.origin),
    });
  }

  /** What was received and said since the last flush did not happen: links start afresh. */
  #storageFailed(error: AtollError): void {
    this.#storageFault = error;
    this.#options.log.error("storage-fault", { code: error.code, reason: error.message });
    this.#step({ kind: "reset", reason: error.code });
  }
}
