/**
 * What a region says about itself to its operators: plain JSON, the same nouns as in logs and runbooks.
 */
import type { Clock, Origin, RegionVector } from "@atoll/core";
import { hlcToMs, low64, originText, regionByCode, toHex, vectorAt } from "@atoll/core";
import type {
  ComparisonCounts,
  KnownHoldings,
  LossCause,
  PeerState,
  PeerStatus,
  Sync,
} from "@atoll/sync";
import type { RetentionReport } from "./retention.ts";
import type { Replica } from "./replica.ts";

export interface RegionStatus extends Readonly<Record<string, unknown>> {
  readonly region: string;
  readonly version: string;
  readonly incarnation: number;
  readonly origin: string;
  readonly startedAt: string;
  readonly ready: boolean;
  /** An operator wants clients to go elsewhere. */
  readonly drained: boolean;
  readonly counts: {
    readonly documents: number;
    /** The same without the canaries' records, which are nobody's. */
    readonly profiles: number;
    readonly changes: number;
    /** Entries that wait for a change they build on. */
    readonly pending: number;
    readonly quarantined: number;
    /** Times since the start that changes from elsewhere left a profile that the schema forbids. */
    readonly schemaFaulty: number;
    /** Conflicts that concurrent writes left since the start, and how many were settled. */
    readonly conflictsFound: number;
    readonly conflictsResolved: number;
    /** Damage found by the scrub since the start, repaired or not. */
    readonly scrubFaults: number;
    /** Open Automerge documents, and how many were opened since the start. */
    readonly documentsOpen: number;
    readonly documentsOpened: number;
    readonly sessionsWaiting: number;
    /** Writes that wait for other regions to hold them. */
    readonly receiptsWaiting: number;
    /** Messages of a kind that this version does not know: a peer speaks a later one. */
    readonly messagesUnknown: number;
  };
  /** Sum over all shards, hexadecimal: equal in two regions that hold the same changes. */
  readonly root: string;
  /** The log: its size, its age, and what keeps it from being shorter. */
  readonly log: RetentionReport;
  readonly shards: { readonly count: number; readonly roots: readonly string[] };
  readonly peers: readonly PeerReport[];
  /** What comparisons with peers have found since the start. */
  readonly antiEntropy: Readonly<ComparisonCounts>;
  /**
   * By origin, the entries that are held without gaps. Two regions' answers side by side say how many wait
   * on each side for the other, whether or not they are linked.
   */
  readonly held: Readonly<Record<string, number>>;
  /** Up to when everything of a region is held here, RFC 3339. */
  readonly coverage: Readonly<Record<string, string>>;
}

export interface PeerReport {
  readonly region: string;
  readonly state: PeerState;
  /** Age of what we hold of that region; null when nothing is known. */
  readonly lagMs: number | null;
  /** Entries they hold and we lack, and entries we hold and they have not confirmed. */
  readonly behind: number | null;
  readonly ahead: number | null;
  readonly rttMs: number | null;
  /** How long ago anything came from there on any link, a failed attempt included. */
  readonly lastHeardMs: number | null;
  /** Since when it is live, or is not any more; null when it has not been live since the start. */
  readonly since: string | null;
  /** How the last live link ended; null while one is live, and before the first. */
  readonly loss: {
    readonly cause: LossCause;
    readonly detail: string;
    readonly agoMs: number;
  } | null;
  /** How far its clock is ahead of ours; see `clockSkewMs`. */
  readonly clockSkewMs: number | null;
  readonly root: "equal" | "differs" | "unknown";
  /** How long ago it was compared; null when not on this link. */
  readonly comparedMs: number | null;
  readonly lastFailure: string | null;
}

export function statusOf(options: {
  readonly replica: Replica;
  readonly sync: Sync;
  readonly clock: Clock;
  readonly version: string;
  readonly startedAt: Epoch;
  readonly ready: boolean;
  readonly drained: boolean;
  readonly waitingSessions: number;
  readonly waitingReceipts: number;
  readonly scrubFaults: number;
  readonly retention: RetentionReport;
}): RegionStatus {
  const { replica, sync, clock } = options;
  const { cluster, ledger, store, documents } = replica;
  const coverage = sync.coverage;
  const roots = Array.from({ length: cluster.shardCount }, (_, shard) =>
    hex64(low64(ledger.shard(shard).sum)),
  );
  return {
    region: replica.region.name,
    version: options.version,
    incarnation: replica.identity.incarnation,
    origin: originText(replica.origin),
    startedAt: new Date(options.startedAt.wallMs).toISOString(),
    ready: options.ready,
    drained: options.drained,
    counts: {
      documents: ledger.documents,
      profiles: ledger.documents - replica.canaries.at(ledger.changes),
      changes: ledger.changes,
      pending: store.countPending(),
      quarantined: store.countQuarantine(),
      schemaFaulty: replica.schema.faultyViews,
      conflictsFound: replica.conflicts.found,
      conflictsResolved: replica.conflicts.resolved,
      scrubFaults: options.scrubFaults,
      documentsOpen: documents.size,
      documentsOpened: documents.opened,
      sessionsWaiting: options.waitingSessions,
      receiptsWaiting: options.waitingReceipts,
      messagesUnknown: sync.unknownMessages,
    },
    root: toHex(ledger.root),
    log: options.retention,
    shards: { count: cluster.shardCount, roots },
    peers: peerReports(sync, clock, options.startedAt),
    antiEntropy: { ...sync.comparisons },
    held: heldByOrigin(replica),
    coverage: Object.fromEntries(
      [...coverage].map(([code, hlc]) => [
        regionByCode(cluster, code)?.name ?? `region ${code}`,
        new Date(hlcToMs(hlc)).toISOString(),
      ]),
    ),
  };
}

/** The same moment by both clocks: so that one event is told with one time, however often it is asked for. */
export interface Epoch {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** The same for whoever asks about links alone: it looks at nothing that lies on disk. */
export function peerReports(sync: Sync, clock: Clock, epoch: Epoch): PeerReport[] {
  const { coverage } = sync;
  return sync.status().map((peer) => ({
    ...peerReport(peer, coverage, clock, epoch),
    clockSkewMs: clockSkewMs(peer, sync.known(peer.region.code), clock),
  }));
}

function peerReport(
  peer: PeerStatus,
  coverage: RegionVector,
  clock: Clock,
  epoch: Epoch,
): Omit<PeerReport, "clockSkewMs"> {
  const covered = vectorAt(coverage, peer.region.code);
  const { loss } = peer;
  const passedMs = (sinceMs: number): number => Math.round(clock.monotonicMs() - sinceMs);
  const agoOrNull = (sinceMs: number | undefined): number | null =>
    sinceMs === undefined ? null : passedMs(sinceMs);
  const sinceMs = peer.liveMs ?? loss?.atMs;
  const atWall = (atMs: number): string =>
    new Date(epoch.wallMs + Math.round(atMs - epoch.monotonicMs)).toISOString();
  return {
    region: peer.region.name,
    state: peer.state,
    lagMs: covered === 0 ? null : Math.max(0, Math.round(clock.nowMs() - hlcToMs(covered))),
    behind: peer.distance?.behind ?? null,
    ahead: peer.distance?.ahead ?? null,
    rttMs: peer.rttMs === undefined ? null : Math.round(peer.rttMs),
    lastHeardMs: agoOrNull(peer.lastHeardMs),
    since: sinceMs === undefined ? null : atWall(sinceMs),
    loss:
      loss === undefined
        ? null
        : { cause: loss.cause, detail: loss.detail, agoMs: passedMs(loss.atMs) },
    root: peer.comparison,
    comparedMs: agoOrNull(peer.comparedMs),
    lastFailure: peer.lastFailure ?? null,
  };
}

/**
 * What a live peer's newest heartbeat says of its clock, held against ours at the moment it came. It says a
 * timestamp, which is at most half a second ahead of the clock that gave it (CLOCK_PULL_MS_MAX).
 */
function clockSkewMs(
  peer: PeerStatus,
  known: KnownHoldings | undefined,
  clock: Clock,
): number | null {
  const said = known === undefined ? 0 : vectorAt(known.vector, peer.region.code);
  if (known === undefined || said === 0 || peer.state !== "live") return null;
  const wallThenMs = clock.nowMs() - (clock.monotonicMs() - known.heardMs);
  return Math.round(hlcToMs(said) + (peer.rttMs ?? 0) / 2 - wallThenMs);
}

function heldByOrigin({ ledger }: Replica): Record<string, number> {
  const held = new Map<Origin, number>();
  for (const [{ origin }, { contig }] of ledger.frontier.lanes()) {
    held.set(origin, (held.get(origin) ?? 0) + contig);
  }
  const named = [...held]
    .sort(([a], [b]) => a - b)
    .map(([each, count]) => [originText(each), count]);
  return Object.fromEntries(named) as Record<string, number>;
}

function hex64(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, "0");
}
