/**
 * Gives a region its life: feeds replication with events and performs its effects.
 *
 *     transport, clock ──▶ sync.step ──▶ effects ──▶ replica, transport
 *
 * The only place where the rooms' plain functions meet time and sockets. It decides nothing: what to say
 * is sync's, what to keep is replica's, when it is durable is the group commit's.
 */
import type {
  AtollError,
  Clock,
  Cluster,
  Log,
  LogEntry,
  LogFields,
  RegionCode,
  RegionVector,
  SpendingExchange,
} from "@atoll/core";
import { VECTOR_ZERO, limits, originText, regionByCode, unreachable } from "@atoll/core";
import type { Sync, SyncEffect, SyncEvent, Transport } from "@atoll/sync";
import { Alarm } from "./alarm.ts";
import type { GroupCommit } from "./group-commit.ts";
import { isStorageFault } from "./group-commit.ts";
import type { RateGossip } from "./rate-gossip.ts";
import type { Receipts } from "./receipts.ts";
import { recount } from "./recount.ts";
import type { Replica } from "./replica.ts";
import type { Sessions } from "./sessions.ts";

export interface RegionLoopOptions {
  readonly replica: Replica;
  readonly sync: Sync;
  readonly group: GroupCommit;
  readonly sessions: Sessions;
  readonly receipts: Receipts;
  readonly cluster: Cluster;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  /** Addresses of the other regions, as far as they are known. */
  readonly peers: ReadonlyMap<RegionCode, string>;
  /** Who limits this region's clients, together with the other regions. */
  readonly rates: SpendingExchange | undefined;
  readonly rateGossip: RateGossip | undefined;
}

export class RegionLoop {
  readonly #options: RegionLoopOptions;
  readonly #ticks: Alarm;
  readonly #wakes: Alarm;
  #peers: ReadonlyMap<RegionCode, string>;
  #covered: RegionVector = VECTOR_ZERO;
  #confirmations = 0;
  #storageFault: AtollError | undefined;

  constructor(options: RegionLoopOptions) {
    this.#options = options;
    this.#peers = options.peers;
    this.#ticks = new Alarm(options.clock, () => this.#tick());
    this.#wakes = new Alarm(options.clock, () => this.#beat());
  }

  /** Why nothing could be made durable when it was last tried. */
  get storageFault(): AtollError | undefined {
    return this.#storageFault;
  }

  stop(): void {
    this.#ticks.stop();
    this.#wakes.stop();
  }

  /** Who there is and where: replaces what was known before. */
  setPeers(peers: ReadonlyMap<RegionCode, string>): void {
    this.#peers = peers;
    this.step({ kind: "peers", regions: new Set(peers.keys()) });
  }

  step(event: SyncEvent): void {
    const { sync, clock, group, sessions, receipts, replica } = this.#options;
    const effects = sync.step(event, clock.monotonicMs());
    for (const effect of effects) this.#perform(effect);
    const { coverage, confirmations } = sync;
    if (confirmations !== this.#confirmations) {
      this.#confirmations = confirmations;
      receipts.confirmed(); // what they wait for is durable here already
    }
    if (coverage !== this.#covered) {
      this.#covered = coverage;
      replica.ledger.cover(coverage);
      group.afterwards(() => sessions.covered());
    }
    this.#planTick();
  }

  /** Stages what nobody waits for: a failing store is reported by the group, and asked again. */
  stage(work: () => void): void {
    try {
      this.#options.group.stage(work);
    } catch (error) {
      if (this.#storageFault !== error) throw error;
    }
  }

  /** The group's entries have their place; what is sent of them waits until they are durable. */
  committed(entries: readonly LogEntry[]): void {
    this.#storageFault = undefined;
    this.step({ kind: "committed", entries });
  }

  /** What was received and said since the last flush did not happen: links start afresh. */
  storageFailed(error: AtollError): void {
    this.#storageFault = error;
    this.#options.log.error("storage-fault", { code: error.code, reason: error.message });
    this.step({ kind: "reset", reason: error.code });
  }

  /** Numbers that were given are not known here any more: a new incarnation, before the next is given. */
  renew(why: LogFields): void {
    const { replica, receipts, group, log } = this.#options;
    const old = originText(replica.origin);
    receipts.doubt(replica.origin); // first: a flush may look at what peers say
    try {
      group.apart(() => replica.reincarnate());
    } catch (error) {
      if (!isStorageFault(error)) throw error;
      return; // links start afresh, and peers will say it again
    }
    log.error("rolled-back", { ...why, old, new: originText(replica.origin) });
  }

  #perform(effect: SyncEffect): void {
    const { transport, log, cluster, replica, group, clock, rates } = this.#options;
    switch (effect.kind) {
      case "send":
        return group.afterwards(() => transport.send(effect.link, effect.frame));
      case "close":
        return group.afterwards(() => transport.close(effect.link, effect.reason));
      case "dial": {
        const url = this.#peers.get(effect.region);
        if (url === undefined) return;
        const link = transport.dial(url);
        return this.step({ kind: "link-dialled", region: effect.region, link });
      }
      case "ingest": {
        const region = regionByCode(cluster, effect.from)?.name ?? `region ${effect.from}`;
        const from = { region, repair: effect.repair };
        this.stage(() => replica.ingest(effect.entries, from));
        return group.afterwards(() => this.step(effect.taken));
      }
      case "rolled-back":
        return this.#rolledBack(effect);
      case "origin-proven":
        return replica.originProven();
      case "recount":
        return this.stage(() => {
          replica.group.open();
          recount(replica, effect, log);
        });
      case "adopt":
        return this.stage(() => replica.adopt(effect.lanes));
      case "spent":
        return rates?.hear(effect.spent);
      case "wake":
        return this.#wakes.by(clock.monotonicMs() + effect.delayMs);
      case "report":
        return log[effect.level](effect.event, effect.fields);
      default:
        unreachable(effect);
    }
  }

  /** Peers remember more of us than we do: this file was restored from a copy. */
  #rolledBack({ by, entries }: { readonly by: RegionCode; readonly entries: number }): void {
    const knownBy = regionByCode(this.#options.cluster, by)?.name ?? by;
    this.renew({ knownBy, entries });
  }

  #tick(): void {
    const { replica, rateGossip } = this.#options;
    this.#beat();
    rateGossip?.tick();
    if (replica.isUpkeepDue) this.stage(() => replica.upkeep());
    this.#planTick();
  }

  /** After whatever may have given a tick something to do. A tick that comes too early does no harm. */
  #planTick(): void {
    const { sync, replica, rateGossip, clock } = this.#options;
    this.#ticks.by(sync.nextTickMs);
    if (rateGossip !== undefined) this.#ticks.by(rateGossip.dueMs);
    if (replica.isUpkeepDue) this.#ticks.by(clock.monotonicMs() + limits.TICK_MS);
  }

  /**
   * Ends first the group that has something that was written here, so that a heartbeat never speaks of entries that
   * follow it. For what peers sent no group is ended: the heartbeat waits for that.
   */
  #beat(): void {
    const { group, replica } = this.#options;
    if (replica.group.isWritten) group.end();
    this.step({ kind: "tick" });
  }
}
