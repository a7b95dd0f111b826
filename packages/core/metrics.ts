/**
 * Every metric of a region: its name, kind, unit, labels and what it means, in one table.
 *
 * Whoever measures asks a `Meter` for a handle once and calls it with numbers; what becomes of them is
 * not its business. The registry behind `/metrics`, the dashboards and the alert rules are made from or
 * checked against this table, so a name cannot be in one of them alone. Labels have few values: regions,
 * routes, outcomes; never a profile, a principal or a text that a client chose.
 */
export interface MetricDefinition {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, ascending; of histograms only. */
  readonly buckets?: readonly number[];
}

const REQUEST_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];
const LAG_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const TRANSACTION_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const GROUP_ENTRIES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

function counter(help: string, ...labels: string[]): MetricDefinition {
  return { kind: "counter", help, labels };
}

function gauge(help: string, ...labels: string[]): MetricDefinition {
  return { kind: "gauge", help, labels };
}

function histogram(
  help: string,
  buckets: readonly number[],
  ...labels: string[]
): MetricDefinition {
  return { kind: "histogram", help, labels, buckets };
}

/** Without the prefix `atoll_` that all of them carry outside. */
export const METRICS = {
  // ── requests ──
  http_requests_total: counter("Answers, by route as mounted", "method", "route", "code"),
  http_request_duration_seconds: histogram(
    "From the head of a request to the head of its answer",
    REQUEST_SECONDS,
    "method",
    "route",
  ),
  http_requests_under_way: gauge("Requests in their handlers, by bulkhead", "load"),
  loop_lag_seconds: gauge("How late every timer of the last second was, at least"),
  sessions_waiting: gauge("Requests that wait until this region has what their session has seen"),
  receipts_waiting: gauge("Writes that wait until other regions hold them"),

  // ── what is stored ──
  profiles: gauge("Profiles, deleted ones included, without the canaries' own"),
  changes: gauge("Changes in all documents"),
  changes_total: counter("Changes made durable since the start", "origin"),
  store_transaction_duration_seconds: histogram(
    "One group commit, its fsync included",
    TRANSACTION_SECONDS,
  ),
  store_transaction_entries: histogram("Entries of one group commit", GROUP_ENTRIES),
  store_file_bytes: gauge("Size of the database and of its write-ahead log", "file"),
  disk_free_bytes: gauge("Free space where the data directory lies"),
  documents_open: gauge("Automerge documents held open"),
  documents_opened_total: counter("Automerge documents opened since the start"),
  conflicts_found_total: counter("Conflicts that concurrent writes left, as profiles are shown"),
  conflicts_resolved_total: counter("Conflicts that a later write settled"),

  // ── replication ──
  peer_connected: gauge("1 while the link to a region is live", "peer"),
  peer_rtt_seconds: gauge("Round trip to a region, as heartbeats measure it", "peer"),
  clock_skew_seconds: gauge("How far a region's clock is ahead of ours, to half a second", "peer"),
  replication_lag_seconds: gauge("Age of the newest moment up to which a region is held", "peer"),
  replication_behind_entries: gauge("Entries that a region holds and we lack", "peer"),
  replication_ahead_entries: gauge("Entries that we hold and a region has not confirmed", "peer"),
  replication_visibility_seconds: histogram(
    "From a write's timestamp in its region to its being readable here; differences of clocks included",
    LAG_SECONDS,
    "peer",
  ),
  entries_ingested_total: counter("Entries from elsewhere, by what became of them", "outcome"),
  entries_pending: gauge("Entries that wait for a change they build on"),
  messages_unknown_total: counter("Messages of a kind that this version does not know"),

  // ── proof ──
  merkle_root_match: gauge("1 when the last comparison found equal roots, 0 when not", "peer"),
  antientropy_age_seconds: gauge("Since a comparison with a region was last answered", "peer"),
  antientropy_opened_total: counter("Comparisons that this region asked for"),
  antientropy_equal_total: counter("Comparisons that found equal roots at once"),
  antientropy_descents_total: counter("Comparisons that found different roots"),
  antientropy_false_descents_total: counter("Descents that found nothing different; stays 0"),
  antientropy_repairs_total: counter("Changes sent or asked for by comparisons"),
  antientropy_unresolved_total: counter("Comparisons that ended with different roots"),

  // ── the canary ──
  canary_beats_total: counter(
    "Beats of the canary: held everywhere, held here, refused",
    "outcome",
  ),
  canary_violations_total: counter("Guarantees that a canary found broken; stays 0", "guarantee"),
  canary_everywhere_seconds: histogram(
    "From a canary's write to its being on the disks of all regions; one clock's time",
    LAG_SECONDS,
  ),
  canary_checked_timestamp_seconds: gauge("When the canary last looked at everything"),

  // ── care ──
  quarantined: gauge("Records in quarantine"),
  scrub_faults_total: counter("Damage found by the scrub since the start, repaired or not"),
  certificate_expiry_timestamp_seconds: gauge("When a certificate of this region ends", "use"),

  // ── the process ──
  ready: gauge("1 for each readiness check that holds", "check"),
  build_info: gauge("Always 1", "version", "region"),
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
export type MetricLabels = Readonly<Record<string, string>>;

/** Adds to a counter, sets a gauge, or records one value of a histogram. */
export type MetricHandle = (value: number) => void;

export interface Meter {
  /** The labels are those of the table. Ask once and keep the handle. */
  handle(name: MetricName, labels?: MetricLabels): MetricHandle;
}

export const noMeter: Meter = { handle: () => () => undefined };
