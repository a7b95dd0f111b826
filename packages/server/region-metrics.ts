/**
 * What of a region's state is told at each scrape.
 *
 * The same nouns and numbers as `atoll status`, so that a dashboard and the command never disagree.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Gatekeeper, LoopLag } from "@atoll/gateway";
import type { RegionDriver } from "@atoll/replica";
import type { DiskWatermark } from "./disk-watermark.ts";
import type { LinkCertificate } from "./link-certificate.ts";
import type { PrometheusMeter, Told } from "./prometheus.ts";

export interface RegionMetricsSources {
  readonly driver: RegionDriver;
  readonly gates: readonly Gatekeeper[];
  readonly loopLag: LoopLag;
  readonly disk: DiskWatermark;
  readonly certificate: LinkCertificate | undefined;
  readonly dataDirectory: string;
  readonly version: string;
}

const FILES = { database: "atoll.db", wal: "atoll.db-wal" } as const;

export function collectRegion(meter: PrometheusMeter, sources: RegionMetricsSources): void {
  const { driver, gates, loopLag, disk, certificate, dataDirectory, version } = sources;
  meter.collect((told) => {
    const status = driver.status();
    told("build_info", 1, { version, region: status.region });
    for (const { check, ok } of driver.readiness()) told("ready", ok ? 1 : 0, { check });
    tellCounts(told, status.counts);
    for (const [outcome, count] of Object.entries(driver.replica.ingested)) {
      told("entries_ingested_total", count, { outcome });
    }
    tellComparisons(told, status.antiEntropy);
    for (const peer of status.peers) tellPeer(told, peer);
    const loads = Object.keys(gates[0]?.underWay ?? {}) as (keyof Gatekeeper["underWay"])[];
    for (const load of loads) {
      const count = gates.reduce((sum, gate) => sum + gate.underWay[load], 0);
      told("http_requests_under_way", count, { load });
    }
    told("loop_lag_seconds", loopLag.standingMs / 1_000);
    told("disk_free_bytes", disk.freeBytes());
    for (const [file, name] of Object.entries(FILES)) {
      const found = statSync(join(dataDirectory, name), { throwIfNoEntry: false });
      told("store_file_bytes", found?.size ?? 0, { file });
    }
    if (certificate !== undefined) {
      told("certificate_expiry_timestamp_seconds", certificate.notAfterMs / 1_000, { use: "link" });
    }
  });
}

type Status = ReturnType<RegionDriver["status"]>;

function tellCounts(told: Told, counts: Status["counts"]): void {
  told("profiles", counts.profiles);
  told("changes", counts.changes);
  told("entries_pending", counts.pending);
  told("quarantined", counts.quarantined);
  told("scrub_faults_total", counts.scrubFaults);
  told("conflicts_found_total", counts.conflictsFound);
  told("conflicts_resolved_total", counts.conflictsResolved);
  told("documents_open", counts.documentsOpen);
  told("documents_opened_total", counts.documentsOpened);
  told("sessions_waiting", counts.sessionsWaiting);
  told("receipts_waiting", counts.receiptsWaiting);
  told("messages_unknown_total", counts.messagesUnknown);
}

function tellComparisons(told: Told, counts: Status["antiEntropy"]): void {
  told("antientropy_opened_total", counts.opened);
  told("antientropy_equal_total", counts.equal);
  told("antientropy_descents_total", counts.descents);
  told("antientropy_false_descents_total", counts.falseDescents);
  told("antientropy_repairs_total", counts.repairs);
  told("antientropy_unresolved_total", counts.unresolved);
}

/** What is not known is not told: a gap in a graph says more than a zero. */
function tellPeer(told: Told, peer: Status["peers"][number]): void {
  const labels = { peer: peer.region };
  told("peer_connected", peer.state === "live" ? 1 : 0, labels);
  if (peer.rttMs !== null) told("peer_rtt_seconds", peer.rttMs / 1_000, labels);
  if (peer.clockSkewMs !== null) told("clock_skew_seconds", peer.clockSkewMs / 1_000, labels);
  if (peer.comparedMs !== null) {
    told("antientropy_age_seconds", peer.comparedMs / 1_000, labels);
  }
  if (peer.lagMs !== null) told("replication_lag_seconds", peer.lagMs / 1_000, labels);
  if (peer.behind !== null) told("replication_behind_entries", peer.behind, labels);
  if (peer.ahead !== null) told("replication_ahead_entries", peer.ahead, labels);
  if (peer.root !== "unknown") told("merkle_root_match", peer.root === "equal" ? 1 : 0, labels);
}
