/**
 * The five dashboards: what stands on each, in the order in which somebody on call reads it.
 *
 *     overview      is anything wrong, and where        conflicts   what concurrent writes leave
 *     replication   who hears whom, and how late        slo         what was promised, and what is left of it
 *     store         what the disk and the memory hold
 *
 * Every metric of the table is on one of them (a test sees to that): what is measured and shown nowhere is found
 * when it is too late.
 */
import type { MetricName } from "@atoll/core";
import type { PanelContent } from "./panel.ts";
import { metricPanel } from "./panel.ts";

export interface DashboardContent {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly PanelContent[];
}

const REGION = 'region=~"$region"';

export const DASHBOARDS: readonly DashboardContent[] = [
  {
    uid: "atoll-overview",
    title: "Atoll: overview",
    description: "Is anything wrong, and where? A cut link alone loses nothing.",
    rows: [
      {
        title: "Now",
        panels: [
          stat("Regions that answer", 'sum(up{job="atoll"})', "short"),
          stat("Links that are cut", "count(atoll:link_cut) or vector(0)", "short", { redFrom: 1 }),
          stat("Pairs that differ", "count(atoll_merkle_root_match == 0) or vector(0)", "short", {
            redFrom: 1,
          }),
          stat("Set aside", "sum(atoll_quarantined)", "short", { redFrom: 1 }),
          stat("Least free disk", "min(atoll_disk_free_bytes)", "bytes", {
            redBelow: 256 * 2 ** 20,
          }),
          stat("Alerts", 'count(ALERTS{alertstate="firing"}) or vector(0)', "short", {
            redFrom: 1,
          }),
        ],
      },
      row("Requests", "http_requests_total", "http_request_duration_seconds"),
      row("Links", "peer_connected", "replication_lag_seconds", "merkle_root_match"),
      row("Process", "ready", "loop_lag_seconds", "http_requests_under_way", "build_info"),
      row("Waiting", "sessions_waiting", "receipts_waiting"),
      row("Certificates", "certificate_expiry_timestamp_seconds"),
    ],
  },
  {
    uid: "atoll-replication",
    title: "Atoll: replication",
    description: "Who hears whom, how late, and whether it was proven to be the same.",
    rows: [
      row("Links", "peer_rtt_seconds", "clock_skew_seconds"),
      row("Lag", "replication_visibility_seconds", "replication_behind_entries"),
      row("Not confirmed, not applied", "replication_ahead_entries", "entries_pending"),
      row("Arrivals", "entries_ingested_total", "changes_total", "messages_unknown_total"),
      row(
        "Proof",
        "antientropy_age_seconds",
        "antientropy_opened_total",
        "antientropy_equal_total",
      ),
      row(
        "Differences",
        "antientropy_descents_total",
        "antientropy_repairs_total",
        "antientropy_unresolved_total",
        "antientropy_false_descents_total",
      ),
    ],
  },
  {
    uid: "atoll-store",
    title: "Atoll: store",
    description: "What the disk and the memory of each region hold, and what is damaged.",
    rows: [
      row("Content", "profiles", "changes"),
      row("Disk", "store_file_bytes", "disk_free_bytes"),
      row("Commits", "store_transaction_duration_seconds", "store_transaction_entries"),
      {
        title: "Memory",
        panels: [
          metricPanel("documents_open"),
          metricPanel("documents_opened_total"),
          series(
            "Memory of the process, Automerge's included",
            `process_resident_memory_bytes{job="atoll", ${REGION}}`,
            "bytes",
          ),
        ],
      },
      row("Damage", "scrub_faults_total", "quarantined"),
    ],
  },
  {
    uid: "atoll-conflicts",
    title: "Atoll: conflicts",
    description: "What concurrent writes leave. No value is lost: those not chosen stay readable.",
    rows: [
      row("Conflicts", "conflicts_found_total", "conflicts_resolved_total"),
      {
        title: "Against the writing",
        panels: [
          series(
            "Conflicts per change",
            `sum by (region) (rate(atoll_conflicts_found_total{${REGION}}[$__rate_interval])) / ` +
              `sum by (region) (rate(atoll_changes_total{${REGION}}[$__rate_interval]))`,
            "percentunit",
          ),
          series("Found, over ten minutes", `atoll:conflicts_found:rate10m{${REGION}}`, "ops"),
        ],
      },
    ],
  },
  {
    uid: "atoll-slo",
    title: "Atoll: SLO",
    description:
      "99.9 % of requests without a 5xx; reads in 100 ms; writes visible elsewhere in 1 s.",
    rows: [
      {
        title: "Errors",
        panels: [
          stat(
            "Part of the error budget that is left, 30 days",
            `1 - (sum(increase(atoll_http_requests_total{code=~"5..", ${REGION}}[30d])) or vector(0)) / ` +
              `sum(increase(atoll_http_requests_total{${REGION}}[30d])) / 0.001`,
            "percentunit",
            { redBelow: 0 },
          ),
          series("Errors, 1 h", `atoll:errors:ratio1h{${REGION}}`, "percentunit", 14.4 * 0.001),
          series("Errors, 6 h", `atoll:errors:ratio6h{${REGION}}`, "percentunit", 6 * 0.001),
        ],
      },
      {
        title: "Latency",
        panels: [
          series("Reads, p99", `atoll:read_seconds:p99_5m{${REGION}}`, "s", 0.1),
          series("Requests", `atoll:requests:rate5m{${REGION}}`, "ops"),
        ],
      },
      row(
        "Canary",
        "canary_beats_total",
        "canary_everywhere_seconds",
        "canary_violations_total",
        "canary_checked_timestamp_seconds",
      ),
      {
        title: "Visibility",
        panels: [
          series(
            "Writes that took more than a second to be readable here",
            `atoll:visibility_slow:ratio5m{${REGION}}`,
            "percentunit",
          ),
        ],
      },
    ],
  },
];

function row(title: string, ...names: MetricName[]): Row {
  return { title, panels: names.map(metricPanel) };
}

function stat(
  title: string,
  expr: string,
  unit: PanelContent["unit"],
  red: Pick<PanelContent, "redFrom" | "redBelow"> = {},
): PanelContent {
  const targets = [{ expr, legendFormat: "" }];
  return { title, description: "", type: "stat", unit, targets, ...red };
}

function series(
  title: string,
  expr: string,
  unit: PanelContent["unit"],
  redFrom?: number,
): PanelContent {
  const legendFormat = expr.includes("visibility") ? "{{region}} ← {{peer}}" : "{{region}}";
  const targets = [{ expr, legendFormat }];
  const red = redFrom === undefined ? {} : { redFrom };
  return { title, description: "", type: "timeseries", unit, targets, ...red };
}
