/**
 * A region, put together: its replica, what replicates it, what serves it, and what an operator asks of it.
 *
 *     gateway ──▶ service ──▶ sessions ──▶ replica ──▶ group commit ──▶ answer
 *     transport, clock ──▶ region loop ──▶ replica, transport
 */
import type {
  Clock,
  Cluster,
  Log,
  Meter,
  Random,
  Region,
  RegionCode,
  SpendingExchange,
  Tracing,
} from "@atoll/core";
import { regionByName } from "@atoll/core";
import type { ProfileCodec } from "@atoll/profile";
import type { Store } from "@atoll/store";
import type { Transport, VersionRange } from "@atoll/sync";
import { Sync } from "@atoll/sync";
import type { ShownActor } from "./actor-list.ts";
import { listActors } from "./actor-list.ts";
import { DocumentDesk } from "./document-desk.ts";
import { Feed } from "./feed.ts";
import { GroupCommit } from "./group-commit.ts";
import { QuarantineDesk } from "./quarantine-desk.ts";
import { RateGossip } from "./rate-gossip.ts";
import { RegionLoop } from "./region-loop.ts";
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
  readonly #loop: RegionLoop;
  #stopping = false;
  #drained = false;

  constructor(options: DriverOptions) {
    const { cluster, region, clock, transport, log, random, peers } = options;
    this.#options = options;
    this.replica = new Replica(options);
    this.#startedAt = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    const { rates } = options;
    const rateGossip =
      rates &&
      new RateGossip({
        rates,
        clock,
        regions: cluster.regions.length,
        sharers: () => this.#sync.sharers.length,
        tell: (spent) => this.#loop.step({ kind: "spend", spent }),
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
      committed: (entries) => {
        const applied = this.replica.store.lastApplied();
        this.#loop.committed(entries);
        return (seconds) => {
          metrics.flushed(entries, seconds);
          visible?.flushed(entries);
          feed.durable(applied);
        };
      },
      failed: (error) => this.#loop.storageFailed(error),
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
      stage: (work) => this.#loop.stage(work),
      relink: () =>
        this.#group.afterwards(() => this.#loop.step({ kind: "reset", reason: "scrub" })),
      renew: () => this.#loop.renew({ reason: "entries of our own were lost from the log" }),
    });
    this.retention = new Retention({
      replica: this.replica,
      clock,
      log,
      options: { ...RETENTION_DEFAULT, ...options.retention },
      known: (code) => this.#sync.known(code),
      stage: (work) => this.#loop.stage(work),
    });
    this.#loop = new RegionLoop({
      replica: this.replica,
      sync: this.#sync,
      group: this.#group,
      sessions: this.#sessions,
      receipts: this.#receipts,
      cluster,
      transport,
      clock,
      log,
      peers,
      rates,
      rateGossip,
    });
    transport.attach({
      linkUp: (link, _dialled, identity) => this.#loop.step({ kind: "link-up", link, identity }),
      frame: (link, bytes) => this.#loop.step({ kind: "frame", link, bytes }),
      linkDown: (link, reason) => this.#loop.step({ kind: "link-down", link, reason }),
    });
  }

  start(): void {
    this.#loop.step({ kind: "start" });
    this.scrub.start();
    this.retention.start();
  }

  /** Tells the peers, makes everything durable and marks the stop as orderly. */
  async close(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#loop.stop();
    this.scrub.stop();
    this.retention.stop();
    this.#sessions.close();
    this.#group.flush();
    this.#receipts.close();
    this.service.feed.close();
    this.#loop.step({ kind: "leave" });
    await this.#options.transport.stop();
    this.replica.close();
  }

  /** Stops without a word or a write, as kill -9 would: for tests and the simulator. */
  kill(): void {
    this.#stopping = true;
    this.#loop.stop();
    this.scrub.stop();
    this.retention.stop();
  }

  // ── what an operator asks ──

  readiness(): { check: string; ok: boolean; detail?: string }[] {
    const fault = this.#loop.storageFault;
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
    this.#loop.setPeers(peers);
  }

  setPeerState(region: string, state: "active" | "paused"): boolean {
    const peer = regionByName(this.#options.cluster, region);
    if (peer === undefined || peer.name === this.#options.region.name) return false;
    this.#loop.step({ kind: state === "paused" ? "pause" : "resume", region: peer.code });
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
    this.#loop.step({ kind: "compare", region: peer.code });
    return true;
  }
}
