/**
 * One panel for one metric, made of what `METRICS` says about it: the title from its help, the unit from its
 * name, the expression from its kind. A metric that is renamed or gone takes its panel along, and none can be
 * drawn in a unit that it is not in.
 */
import type { MetricDefinition, MetricName } from "@atoll/core";
import { METRICS } from "@atoll/core";

export interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

/** What a panel shows, before it has a place. */
export interface PanelContent {
  readonly title: string;
  readonly description: string;
  readonly type: "timeseries" | "stat";
  readonly unit: Unit;
  readonly targets: readonly Target[];
  /** Values from here on are shown in red. */
  readonly redFrom?: number;
  /** Values below are shown in red. */
  readonly redBelow?: number;
}

type Unit = "s" | "bytes" | "short" | "ops" | "percentunit" | "dateTimeFromNow" | "bool_yes_no";

const PREFIX = "atoll_";
const REGION = 'region=~"$region"';
const QUANTILES = [0.5, 0.99];

export function metricPanel(name: MetricName): PanelContent {
  const definition: MetricDefinition = METRICS[name];
  const { kind, help } = definition;
  return {
    title: help,
    description: `${PREFIX}${name}`,
    type: "timeseries",
    unit: unitOf(name, kind),
    targets: targetsOf(name, definition),
  };
}

function targetsOf(name: MetricName, { kind, labels }: MetricDefinition): Target[] {
  const series = `${PREFIX}${name}`;
  const by = ["region", ...labels.filter((label) => label !== "region")];
  const legend = by.map((label) => `{{${label}}}`).join(" ");
  if (kind === "counter") {
    const expr = `sum by (${by.join(", ")}) (rate(${series}{${REGION}}[$__rate_interval]))`;
    return [{ expr, legendFormat: legend }];
  }
  if (kind === "gauge") {
    const scale = name.endsWith("_timestamp_seconds") ? " * 1000" : ""; // Grafana's dates
    return [{ expr: `${series}{${REGION}}${scale}`, legendFormat: legend }];
  }
  // Quantiles of routes and methods in one picture would be dozens of lines: what stays is the peer.
  const kept = ["region", ...labels.filter((label) => label === "peer")];
  const grouped = `sum by (${[...kept, "le"].join(", ")}) (rate(${series}_bucket{${REGION}}[$__rate_interval]))`;
  return QUANTILES.map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${grouped})`,
    legendFormat: `p${quantile * 100} ${kept.map((label) => `{{${label}}}`).join(" ")}`,
  }));
}

function unitOf(name: MetricName, kind: MetricDefinition["kind"]): Unit {
  if (kind === "counter") return "ops";
  if (name.endsWith("_timestamp_seconds")) return "dateTimeFromNow";
  if (name.endsWith("_seconds")) return "s";
  if (name.endsWith("_bytes")) return "bytes";
  return name === "peer_connected" || name === "merkle_root_match" || name === "ready"
    ? "bool_yes_no"
    : "short";
}
